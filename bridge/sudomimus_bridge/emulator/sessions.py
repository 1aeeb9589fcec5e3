"""Sessions: families of refresh tokens, each token good for one use, and what a second use of one does.

session.yaml, `/refresh`: rotation after OAuth 2.1's security practice (4.14.2), with a grace window in which a retry
adopts the child that the first call made. Which answer follows stands in `session_rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .clock import Clock
from .config import EmulatorConfig, Player
from .tokens import SignedToken, TokenIssuer

Status = Literal["active", "suspended", "revoked", "expired"]


@dataclass(frozen=True)
class Pair:
    """What every successful way in ends with."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass
class Refresh:
    """One refresh token: its row, as the service would store it, found by the token's `jti`."""

    token: SignedToken = field(repr=False)
    session: Session = field(repr=False)
    rotated_at: float | None = None
    child: Refresh | None = field(default=None, repr=False)


@dataclass
class Session:
    """A family: all refresh tokens that descend from one sign-in. Live: what is set here, the next request sees."""

    steam_id: int
    subject: str = field(repr=False)
    # Overrides that an inquiry's constraints resolved to; None goes by the settings of the day.
    access_token_ttl_seconds: int | None = None
    refresh_token_ttl_seconds: int | None = None
    issuance_protocol: Literal["APPLICATION", "OIDC"] = "APPLICATION"
    suspended: bool = False
    revoked: bool = False
    rotations: int = 0
    current: Refresh | None = field(default=None, repr=False)


class SessionStore:
    """All sessions of the application."""

    def __init__(self, clock: Clock, tokens: TokenIssuer) -> None:
        self._clock = clock
        self._tokens = tokens
        self.sessions: list[Session] = []
        self._refreshes: dict[str, Refresh] = {}
        self._access: dict[str, Session] = {}

    def open(
        self,
        player: Player,
        config: EmulatorConfig,
        via_url: str,
        *,
        access_token_ttl_seconds: int | None = None,
        refresh_token_ttl_seconds: int | None = None,
    ) -> Pair:
        """A new session for a player who has proved who they are."""
        session = Session(player.steam_id, player.subject, access_token_ttl_seconds, refresh_token_ttl_seconds)
        self.sessions.append(session)
        return self._pair(session, player, config, via_url)

    def find(self, jti: str) -> Refresh | None:
        """The stored row of a refresh token."""
        return self._refreshes.get(jti)

    def of_access_token(self, jti: str) -> Session | None:
        """The session that an access token descends from."""
        return self._access.get(jti)

    def rotate(self, refresh: Refresh, player: Player, config: EmulatorConfig, via_url: str) -> Pair:
        """Spend the token and put its child in its place."""
        refresh.rotated_at = self._clock.now()
        refresh.session.rotations += 1
        pair = self._pair(refresh.session, player, config, via_url)
        refresh.child = refresh.session.current
        return pair

    def adopt(self, refresh: Refresh, player: Player, config: EmulatorConfig, via_url: str) -> Pair:
        """The child that the winning call made, with an access token of its own."""
        if refresh.child is None:
            raise ValueError("only a token that was rotated has a child to adopt")
        return Pair(self._access_token(refresh.session, player, config, via_url), refresh.child.token.text)

    def status(self, session: Session) -> Status:
        """How a session stands, by its youngest refresh token."""
        if session.revoked:
            return "revoked"
        if session.suspended:
            return "suspended"
        expired = session.current is None or session.current.token.expires_at <= self._clock.now()
        return "expired" if expired else "active"

    def revoke_all(self, subject: str) -> int:
        """End every active session of a player; how many there were."""
        ended = [one for one in self.sessions if one.subject == subject and self.status(one) in ("active", "suspended")]
        for session in ended:
            session.revoked = True
        return len(ended)

    def count(self) -> dict[str, int]:
        """How many sessions stand how, for the control API."""
        counts = {"active": 0, "suspended": 0, "revoked": 0, "expired": 0}
        for session in self.sessions:
            counts[self.status(session)] += 1
        return counts

    def _pair(self, session: Session, player: Player, config: EmulatorConfig, via_url: str) -> Pair:
        token = self._tokens.refresh_token(player, config, session.refresh_token_ttl_seconds)
        session.current = self._refreshes[token.jti] = Refresh(token, session)
        return Pair(self._access_token(session, player, config, via_url), token.text)

    def _access_token(self, session: Session, player: Player, config: EmulatorConfig, via_url: str) -> str:
        token = self._tokens.access_token(player, config, via_url, session.access_token_ttl_seconds)
        self._access[token.jti] = session
        return token.text
