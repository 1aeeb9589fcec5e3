"""Sessions: families of refresh tokens. Each token may be used once. This module records the uses.

docs/contracts/service.md, "Refreshing". `_rules.session` decides the answers.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal

from .._clock import Clock
from .._config.config import Player
from .._tokens.issuer import Envelope, SignedToken, TokenIssuer

Status = Literal["active", "suspended", "revoked", "expired"]


@dataclass(frozen=True)
class Pair:
    """The two tokens of a successful sign-in."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass
class Refresh:
    """One refresh token as the service stores it. The token's `jti` finds it."""

    token: SignedToken = field(repr=False)
    session: Session = field(repr=False)
    rotated_at: float | None = None
    child: Refresh | None = field(default=None, repr=False)


@dataclass
class Session:
    """All refresh tokens that descend from one sign-in. It is live: the next request sees a change."""

    steam_id: int
    subject: str = field(repr=False)
    # Lifetimes that an inquiry's constraints set. None: those of the settings at the time of issue.
    access_token_ttl_seconds: int | None = None
    refresh_token_ttl_seconds: int | None = None
    # The Agent or Automation that signed in for the player.
    workload: str | None = field(default=None, repr=False)
    sid: str = field(default_factory=lambda: str(uuid.uuid4()), repr=False)
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
        self._by_sid: dict[str, Session] = {}

    def open(
        self,
        player: Player,
        *,
        access_token_ttl_seconds: int | None = None,
        refresh_token_ttl_seconds: int | None = None,
        workload: str | None = None,
    ) -> Pair:
        """Open a session for an authenticated player, or for a workload that acts for the player."""
        lifetimes = (access_token_ttl_seconds, refresh_token_ttl_seconds)
        session = Session(player.steam_id, player.subject, *lifetimes, workload)
        self.sessions.append(session)
        self._by_sid[session.sid] = session
        return self._pair(session, player)

    def find(self, jti: str) -> Refresh | None:
        """The stored row of a refresh token."""
        return self._refreshes.get(jti)

    def of_access_token(self, token: Envelope) -> Session | None:
        """The session that an access token descends from: by its `sid`, which must fit its player, or by its `jti`."""
        if token.sid is None:
            return self._access.get(token.jti)
        session = self._by_sid.get(token.sid)
        return session if session is not None and session.subject == token.subject else None

    def rotate(self, refresh: Refresh, player: Player) -> Pair:
        """Mark the token as used, and create its child."""
        refresh.rotated_at = self._clock.now()
        refresh.session.rotations += 1
        pair = self._pair(refresh.session, player)
        refresh.child = refresh.session.current
        return pair

    def adopt(self, refresh: Refresh, player: Player) -> Pair:
        """The child that the first call created, with a new access token."""
        if refresh.child is None:
            raise ValueError("only a rotated token has a child to adopt")
        return Pair(self._access_token(refresh.session, player), refresh.child.token.text)

    def status(self, session: Session) -> Status:
        """The status of a session, which its youngest refresh token decides."""
        if session.revoked:
            return "revoked"
        if session.suspended:
            return "suspended"
        expired = session.current is None or session.current.token.expires_at <= self._clock.now()
        return "expired" if expired else "active"

    def revoke_all(self, subject: str) -> int:
        """End every active session of a player. Returns how many there were."""
        ended = [one for one in self.sessions if one.subject == subject and self.status(one) in ("active", "suspended")]
        for session in ended:
            session.revoked = True
        return len(ended)

    def count(self) -> dict[str, int]:
        """How many sessions have each status, for the control API."""
        counts = {"active": 0, "suspended": 0, "revoked": 0, "expired": 0}
        for session in self.sessions:
            counts[self.status(session)] += 1
        return counts

    def _pair(self, session: Session, player: Player) -> Pair:
        version = session.rotations + 1
        token = self._tokens.refresh_token(player, session.sid, version, session.refresh_token_ttl_seconds)
        session.current = self._refreshes[token.jti] = Refresh(token, session)
        return Pair(self._access_token(session, player), token.text)

    def _access_token(self, session: Session, player: Player) -> str:
        token = self._tokens.access_token(player, session.sid, session.access_token_ttl_seconds, session.workload)
        self._access[token.jti] = session
        return token.text
