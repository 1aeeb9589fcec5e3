"""The compiled stub in a test: its script, its log, and the check for open tickets at the end.

native/README.md describes the script and the log.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from ._compiled_stub import StubCall, compiled_stub, open_tickets, read_stub_log

_WORDS = {
    "SteamAPI_ISteamUser_GetAuthTicketForWebApi": "request",
    "callback": "callback",
    "SteamAPI_ISteamUser_CancelAuthTicket": "cancel",
    "SteamAPI_Shutdown": "shutdown",
    "misuse": "misuse",
}

_EACH = {"result", "size", "stated_size", "handle", "callback", "delay_ms"}
_AFTER = {"shutdown", "disconnect", "connect_failure"}
_SCRIPT = {"overlay", "init", "running", "logged_on", "steam_id", "param_size", "noise", "hang"}
_SCRIPT |= {f"ticket_{name}" for name in _EACH} | {f"{name}_after_ms" for name in _AFTER}

SETTLE_SECONDS = 1.0
"""The seconds that a cancelled login has to cancel its ticket on its own thread. Then the ticket counts as open."""


class TicketLeftOpen(AssertionError):
    """A ticket is still valid at the end of a test, or Steam was misused."""


class StubLog:
    """The calls that compiled stubs have logged to one file, in their order."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def calls(self) -> list[StubCall]:
        """Every call of this process and of the processes that it started."""
        return read_stub_log(self.path)

    @property
    def open_tickets(self) -> list[StubCall]:
        """The requests whose tickets are not cancelled."""
        return open_tickets(self.calls)

    def story(self) -> list[str]:
        """Return the calls that concern tickets, as words: request, callback, cancel, shutdown, misuse."""
        return [_WORDS[call.call] for call in self.calls if call.call in _WORDS]


class StubLibrary(StubLog):
    """The compiled stub of `libsteam_api` and its log."""

    def __init__(self, log: Path) -> None:
        """Compile the stub, unless it is compiled already.

        Args:
            log: The file that the stub logs its calls to.

        Raises:
            StubNotCompiled: There is no C compiler.
        """
        super().__init__(log)
        self.library: Path = compiled_stub()
        """Its path, which is the value of `SUDOMIMUS_STEAM_LIBRARY` during a test."""
        self._before: dict[str, str | None] = {}

    def script(self, **told: object) -> None:
        """Script the stub: `script(ticket_delay_ms=[5, 400])`.

        Args:
            **told: Values by the names of native/README.md. A list has one item for each ticket, starting with the next
                one, and its last item repeats. None restores the default.

        Raises:
            TypeError: The stub has no such option.
        """
        if unknown := set(told) - _SCRIPT:
            raise TypeError(
                f"the stub has no option {', '.join(sorted(unknown))}; its options are {', '.join(sorted(_SCRIPT))}"
            )
        for name, value in told.items():
            self._set(f"STEAM_STUB_{name.upper()}", None if value is None else _text(value))
        self._set("STEAM_STUB_TICKET_RUN", uuid4().hex)

    def start(self) -> None:
        """Log to the file. Misuse is logged instead of aborting the process, so that the test can report it."""
        self._set("STEAM_STUB_LOG", str(self.path))
        self._set("STEAM_STUB_LENIENT", "1")
        self._set("STEAM_STUB_CHATTER", "0")
        self.script(ticket_delay_ms=5)

    def stop(self) -> None:
        """Restore the environment."""
        for name, value in self._before.items():
            _put(name, value)

    def check(self) -> None:
        """Raise `TicketLeftOpen` if a ticket is still valid, or if the stub was misused."""
        until = time.monotonic() + SETTLE_SECONDS
        while self.open_tickets and time.monotonic() < until:
            time.sleep(0.01)
        if left := self.open_tickets:
            raise TicketLeftOpen(_left_open([f"handle {call.handle} of process {call.pid}" for call in left]))
        if misuses := [str(call.details.get("what")) for call in self.calls if call.call == "misuse"]:
            raise TicketLeftOpen(f"Steam was misused: {'; '.join(misuses)}.")

    def _set(self, name: str, value: str | None) -> None:
        self._before.setdefault(name, os.environ.get(name))
        _put(name, value)


def check_tickets(handles: Iterable[int]) -> None:
    """Raise `TicketLeftOpen` if there are any handles."""
    if left := [f"handle {handle}" for handle in handles]:
        raise TicketLeftOpen(_left_open(left))


def _left_open(tickets: list[str]) -> str:
    return (
        f"{len(tickets)} Steam ticket{'s were' if len(tickets) > 1 else ' was'} left open ({', '.join(tickets)}). "
        "Anybody who gets it can sign in as this player. A login that still runs has an open ticket: let it finish, "
        "or call its cancel() or the bridge's close() before the test ends."
    )


def _text(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(_text(item) for item in value)
    return str(int(value)) if isinstance(value, bool) else str(value)


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
