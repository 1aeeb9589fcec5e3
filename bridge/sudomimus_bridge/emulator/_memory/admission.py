"""Refusals before any work: too many attempts, or a Steam ticket or a client's JWT that the service has seen before.

docs/contracts/service.md, "Limits" and "A Steam ticket". Attempts have budgets in fixed windows, and failures open a circuit.
The service does not document how long it counts a failure. Here it is as long as the circuit stays open. The log of a stub Steam
library, which is read while it grows, has the tickets that a game has cancelled.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from pathlib import Path
from typing import Literal

from ...steam._stub_ticket import StubTicket
from .._clock import Clock
from .._config.limits import Budgets

Admitted = Literal["admitted", "exhausted", "unavailable"]

# Each application anchor has a counter, and this one is for all of them together.
_ALL = ""


class Admission:
    """The counters of one route."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = -1
        self._attempts: dict[str, int] = {}
        self._failures: dict[str, deque[float]] = {}
        self._open_until: dict[str, float] = {}

    def admit(self, anchor: str, budgets: Budgets) -> Admitted:
        """Count an attempt, unless it is refused."""
        if not budgets.available:
            return "unavailable"
        now = self._clock.now()
        if any(self._open_until.get(scope, 0) > now for scope in (anchor, _ALL)):
            return "exhausted"
        window = int(now // budgets.window_seconds)
        if window != self._window:
            self._window, self._attempts = window, {}
        limits = {anchor: budgets.attempts_per_application, _ALL: budgets.attempts_global}
        if any(self._attempts.get(scope, 0) >= limit for scope, limit in limits.items()):
            return "exhausted"
        for scope in limits:
            self._attempts[scope] = self._attempts.get(scope, 0) + 1
        return "admitted"

    def failed(self, anchor: str, budgets: Budgets) -> None:
        """Count a failure of Steam or of a credential, and open the circuit if there are too many."""
        now = self._clock.now()
        for scope, limit in ((anchor, budgets.failures_per_application), (_ALL, budgets.failures_global)):
            failures = self._failures.setdefault(scope, deque())
            failures.append(now)
            while failures and failures[0] <= now - budgets.circuit_seconds:
                failures.popleft()
            if len(failures) >= limit:
                self._open_until[scope] = now + budgets.circuit_seconds
                failures.clear()


# docs/contracts/service.md, "A Steam ticket".
RESERVATION_SECONDS = 60.0
REPLAY_WINDOW_SECONDS = 24 * 3600.0


class ReplayWindow:
    """The tickets that the service has seen, by `sha256(steamTicketHex.toLowerCase())`, and when each is forgotten."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def reserve(self, steam_ticket_hex: str) -> bool:
        """Reserve the ticket for its verification; False if it is reserved or was verified already."""
        now, key = self._clock.now(), self._key(steam_ticket_hex)
        if self._until.get(key, 0) > now:
            return False
        if len(self._until) > 10_000:
            self._until = {seen: until for seen, until in self._until.items() if until > now}
        self._until[key] = now + RESERVATION_SECONDS
        return True

    def promote(self, steam_ticket_hex: str) -> bool:
        """Remember a verified ticket for a day; False if its reservation ran out during the verification."""
        now, key = self._clock.now(), self._key(steam_ticket_hex)
        if self._until.get(key, 0) <= now:
            return False
        self._until[key] = now + REPLAY_WINDOW_SECONDS
        return True

    @staticmethod
    def _key(steam_ticket_hex: str) -> str:
        return hashlib.sha256(steam_ticket_hex.lower().encode()).hexdigest()


class SeenIds:
    """Every `jti` that was accepted. Each is accepted once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def first_time(self, issuer: str, jti: str) -> bool:
        """Remember the `jti`. False if it has been used before."""
        known = (issuer, jti) in self._seen
        self._seen.add((issuer, jti))
        return not known


class CancelledTickets:
    """The nonces of the cancelled tickets."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._position = 0
        self._nonces: set[bytes] = set()

    def contains(self, ticket: StubTicket, log: Path | None) -> bool:
        """Whether the log says that this ticket was cancelled."""
        if log is None:
            return False
        if log != self._path:
            self._path, self._position, self._nonces = log, 0, set()
        self._read_on(log)
        return ticket.nonce in self._nonces

    def _read_on(self, log: Path) -> None:
        try:
            with log.open("rb") as lines:
                if lines.seek(0, 2) < self._position:  # another run has started a new log
                    self._position, self._nonces = 0, set()
                lines.seek(self._position)
                for line in lines:
                    if not line.endswith(b"\n"):
                        break  # the stub is still writing this line
                    self._position += len(line)
                    self._read_line(line)
        except FileNotFoundError:
            return  # no stub has run yet

    def _read_line(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            if str(entry["call"]).endswith("CancelAuthTicket"):
                self._nonces.add(bytes.fromhex(entry["nonce"]))
        except (ValueError, KeyError, TypeError):
            return  # the line is about something else
