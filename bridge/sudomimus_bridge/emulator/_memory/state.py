"""The state of the running local service: players, errands, sign-ins, sessions, seen tickets, faults and the journal.

One lock guards all of it, because a test makes changes from its own thread. `_rules` decides the answers.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from .._clock import Clock
from .._config.config import EmulatorConfig, Player
from .._config.fault_rule import FaultRule
from .._contract.dialects import Dialect
from .._tokens.issuer import Addresses, TokenIssuer
from .admission import Admission, CancelledTickets, ReplayWindow, SeenIds
from .errands import ErrandStore
from .sessions import SessionStore
from .sign_ins import SignInStore


@dataclass
class ActiveFault:
    """A rule, and the numbers of its matches and its applications."""

    rule: FaultRule
    matched: int = 0
    applied: int = 0

    @property
    def used_up(self) -> bool:
        """Whether the rule has been applied as often as it may."""
        return self.rule.times is not None and self.applied >= self.rule.times


class FaultTable:
    """The active rules, in the order in which they were added."""

    def __init__(self, rules: list[FaultRule]) -> None:
        self._lock = threading.Lock()
        self.active = [ActiveFault(rule) for rule in rules]

    def add(self, rule: FaultRule) -> None:
        """Add a rule after the others."""
        with self._lock:
            self.active.append(ActiveFault(rule))

    def replace(self, rules: list[FaultRule]) -> None:
        """Replace all rules by these, with new counts."""
        with self._lock:
            self.active = [ActiveFault(rule) for rule in rules]

    def pick(self, method: str, path: str) -> FaultRule | None:
        """The rule that applies to this request, if there is one. It is counted as used."""
        with self._lock:
            for fault in self.active:
                if fault.used_up or not fault.rule.matches(method, path):
                    continue
                fault.matched += 1
                if fault.matched <= fault.rule.skip:
                    continue
                fault.applied += 1
                return fault.rule
        return None


@dataclass(frozen=True)
class RequestRecord:
    """One line of the journal: it has a path's template and a reason, and no key, ticket or token."""

    at: float
    method: str
    path: str
    status: int | None
    reason: str | None
    ms: float
    fault: str | None


class State:
    """The whole state of a running service, except the settings."""

    def __init__(self, config: EmulatorConfig) -> None:
        self.config = config
        self.clock = Clock()
        self.lock = threading.RLock()
        self.addresses = Addresses()
        self.client_key_file: str | None = None
        self.tokens = TokenIssuer(self.clock, config, self.addresses)
        self.cancelled = CancelledTickets()
        self.reset()

    @property
    def dialect(self) -> Dialect:
        """The state of the service that is played now."""
        return self.config.spoken

    @property
    def via_url(self) -> str:
        """The base of the pages."""
        return self.addresses.via

    def reset(self) -> None:
        """Forget everything that has happened, and start with the players of the settings."""
        self.players: dict[int, Player] = {}
        self.errands = ErrandStore(self.clock)
        self.replay = ReplayWindow(self.clock)
        self.seen_ids = SeenIds()
        # Each route has budgets and a circuit of its own.
        self.steam_admission = Admission(self.clock)
        self.access_key_admission = Admission(self.clock)
        self.device_admission = Admission(self.clock)
        self.sign_ins = SignInStore(self.clock)
        self.sessions = SessionStore(self.clock, self.tokens)
        # A new journal: a request that began before the reset is recorded in the old one, which nobody reads.
        self.requests: deque[RequestRecord] = deque(maxlen=10_000)
        for player in self.config.players:
            self.put_player(player)

    def put_player(self, player: Player) -> Player:
        """Add a player, or replace the account with the same SteamID."""
        self.players[player.steam_id] = player.model_copy(deep=True)
        return self.players[player.steam_id]

    def player(self, steam_id: int) -> Player:
        """The account of a SteamID. A new account has no email, because Steam does not send one."""
        return self.players.get(steam_id) or self.put_player(Player(steam_id=steam_id))

    def player_by_subject(self, subject: str | None) -> Player | None:
        """The account behind a sector subject."""
        return next((player for player in self.players.values() if player.subject == subject), None)
