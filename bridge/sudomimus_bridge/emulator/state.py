"""What the local service remembers while it runs: players, errands, sign-ins, sessions, seen tickets and the journal of requests.

One lock guards it all, for a test changes things from its own thread. Which answer follows from it stands in `rules`.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from dataclasses import dataclass

from .admission import Admission
from .client_auth import ClientAuth
from .client_key import client_public_key
from .clock import Clock
from .config import EmulatorConfig, Player
from .errands import ErrandStore
from .sessions import SessionStore
from .sign_ins import SignInStore
from .steam import CancelledTickets
from .tokens import TokenIssuer

# native.yaml, steam-ticket steps 3 and 4.
RESERVATION_SECONDS = 60.0
REPLAY_WINDOW_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class RequestRecord:
    """One line of the journal. It holds a path's template and a reason, never a key, a ticket or a token."""

    at: float
    method: str
    path: str
    status: int | None
    reason: str | None
    ms: float
    fault: str | None


class ReplayWindow:
    """Which tickets were seen, by `sha256(steamTicketHex.toLowerCase())`, and until when that is remembered."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def reserve(self, steam_ticket_hex: str) -> bool:
        """Reserve the ticket for its verification; False where it is reserved or was verified already."""
        now, key = self._clock.now(), self._key(steam_ticket_hex)
        if self._until.get(key, 0) > now:
            return False
        if len(self._until) > 10_000:
            self._until = {seen: until for seen, until in self._until.items() if until > now}
        self._until[key] = now + RESERVATION_SECONDS
        return True

    def promote(self, steam_ticket_hex: str) -> bool:
        """Keep a verified ticket for a day; False where its reservation ran out meanwhile."""
        now, key = self._clock.now(), self._key(steam_ticket_hex)
        if self._until.get(key, 0) <= now:
            return False
        self._until[key] = now + REPLAY_WINDOW_SECONDS
        return True

    @staticmethod
    def _key(steam_ticket_hex: str) -> str:
        return hashlib.sha256(steam_ticket_hex.lower().encode()).hexdigest()


class State:
    """All that is remembered, beside the settings it goes by."""

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        self.clock = Clock()
        self.lock = threading.RLock()
        # Where the service is reached; the server writes them once it has a port.
        self.native_url = ""
        self.via_url = ""
        self.tokens = TokenIssuer(self.clock)
        self.cancelled = CancelledTickets()
        self.requests: deque[RequestRecord] = deque(maxlen=10_000)
        self.reset()

    def reset(self) -> None:
        """Forget all that happened, and begin with the players of the settings."""
        self.players: dict[int, Player] = {}
        self.errands = ErrandStore(self.clock)
        self.replay = ReplayWindow(self.clock)
        # The routes have budgets and circuits of their own (native.yaml: "the AccessKey route's …").
        self.steam_admission = Admission(self.clock)
        self.access_key_admission = Admission(self.clock)
        self.device_admission = Admission(self.clock)
        self.client_auth = ClientAuth(self.clock, client_public_key())
        self.sign_ins = SignInStore(self.clock)
        self.sessions = SessionStore(self.clock, self.tokens)
        self.requests.clear()
        for player in self.config.players:
            self.put_player(player)

    def put_player(self, player: Player) -> Player:
        """Add a player, or put this account in the place of the one with the same SteamID."""
        self.players[player.steam_id] = player.model_copy(deep=True)
        return self.players[player.steam_id]

    def player(self, steam_id: int) -> Player:
        """The account of a SteamID; one seen for the first time has no email, for Steam tells none (native-flows)."""
        return self.players.get(steam_id) or self.put_player(Player(steam_id=steam_id))

    def player_by_subject(self, subject: str) -> Player | None:
        """The account behind a sector subject, as POST /errand resolves it in reverse."""
        return next((player for player in self.players.values() if player.subject == subject), None)
