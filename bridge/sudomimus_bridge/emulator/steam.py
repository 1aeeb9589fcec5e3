"""Steam's part, played here: whether a ticket is good, and for whom.

Real tickets can be verified by Valve alone. A stub's ticket says in the clear what Valve would find out, and the
stub library's log says which tickets were cancelled, which Steam then refuses.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from ..testing.stub_ticket import StubTicket, read_stub_ticket
from .config import EmulatorConfig

# native-flows: the identity string must be exactly this, case-sensitive.
IDENTITY = "sudomimus"

Verdict = int | Literal["rejected", "unreachable"]


class CancelledTickets:
    """The nonces of cancelled tickets, read from the growing log of a stub Steam library."""

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
                if lines.seek(0, 2) < self._position:  # a new run has begun the log anew
                    self._position, self._nonces = 0, set()
                lines.seek(self._position)
                for line in lines:
                    if not line.endswith(b"\n"):
                        break  # being written just now
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
            return  # a line about something else


def authenticate_user_ticket(
    steam_ticket_hex: str, steam_app_id: int, config: EmulatorConfig, cancelled: CancelledTickets
) -> Verdict:
    """What ISteamUserAuth/AuthenticateUserTicket would say: the SteamID64, or that it refuses or cannot be asked."""
    if config.steam == "unreachable":
        return "unreachable"
    if config.steam == "rejects":
        return "rejected"
    ticket = read_stub_ticket(bytes.fromhex(steam_ticket_hex))
    if ticket is None:
        return config.default_player if config.accept_foreign_tickets else "rejected"
    # "Tickets are bound to their issuing App ID": another one fails Steam's verification (native.yaml).
    if ticket.identity != IDENTITY or ticket.app_id != steam_app_id:
        return "rejected"
    if cancelled.contains(ticket, config.steam_log):
        return "rejected"
    return ticket.steam_id
