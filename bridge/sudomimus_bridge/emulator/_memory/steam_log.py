"""Which tickets a game has cancelled, read from the growing log of a stub Steam library."""

from __future__ import annotations

import json
from pathlib import Path

from ...steam._stub_ticket import StubTicket


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
                if lines.seek(0, 2) < self._position:  # a new run has begun the log anew
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
