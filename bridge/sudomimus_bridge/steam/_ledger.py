"""The open tickets of a process, and the callback of each.

Callbacks arrive on any thread that pumps: early, late, twice, or for tickets of other code. The ledger matches them by handle
only, copies their bytes, and may be used from every thread.

After each Init, Steam counts its handles from the start again. A ticket's number in the ledger therefore has the handle in its
lower 32 bits, and above them the number of shutdowns so far. A caller with an older number can neither read nor cancel a newer
ticket.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from dataclasses import dataclass

from .._values.errors import SteamUnavailable
from .._values.secret import Secret
from . import _abi as abi
from . import _results as results

_STRAYS = 32


@dataclass
class PendingTicket:
    """An open ticket. Its answer arrives once. `wake` runs on the pumping thread, under the lock, so it must be quick."""

    answer: Secret | SteamUnavailable | None = None
    wake: Callable[[], object] | None = None

    def taken(self) -> Secret:
        """Return the ticket in hex. Raises `SteamUnavailable` if Steam gave none."""
        if isinstance(self.answer, Secret):
            return self.answer
        raise self.answer or SteamUnavailable(results.SHUTTING_DOWN, reason="SteamShutdown")


def handle_of(number: int) -> int:
    """Return the HAuthTicket in a ticket's number."""
    return number & 0xFFFFFFFF


class Ledger:
    """The open tickets by number. Any thread may call all methods."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the garbage collector may drop the port on a thread that holds the lock
        self._shutdowns = 0
        self._open: dict[int, PendingTicket] = {}
        # Callbacks that came before the request had returned the handle. Only the latest are kept.
        self._strays: dict[int, Secret | SteamUnavailable] = {}

    @property
    def waiting(self) -> bool:
        """Whether an open ticket still has no answer."""
        with self._lock:
            return any(ticket.answer is None for ticket in self._open.values())

    def numbers(self) -> list[int]:
        """Return the numbers of all open tickets."""
        with self._lock:
            return list(self._open)

    def enter(self, handle: int) -> int:
        """Add a handle that Steam returned, and return the ticket's number. The ticket's answer may be there already."""
        with self._lock:
            number = self._number(handle)
            self._open[number] = PendingTicket(self._strays.pop(handle, None))
            return number

    def watch(self, number: int, wake: Callable[[], object]) -> PendingTicket:
        """Return the open ticket. If it has no `answer` yet, `wake` is called when the answer arrives."""
        with self._lock:
            ticket = self._open.get(number)
            if ticket is None:
                return PendingTicket(SteamUnavailable(results.SHUTTING_DOWN, reason="SteamShutdown"))
            ticket.wake = wake
            return ticket

    def strike(self, number: int) -> bool:
        """Remove a ticket. True for the first call only, so that the ticket is cancelled once."""
        with self._lock:
            return self._open.pop(number, None) is not None

    def deliver(self, response: bytes) -> None:
        """Match the bytes of a `GetTicketForWebApiResponse_t` to their ticket. Tickets of other code are ignored."""
        if len(response) < ctypes.sizeof(abi.TicketResponseHead):
            return
        head = abi.TicketResponseHead.from_buffer_copy(response)
        answer = _answer(head.result, head.ticket_size, response[ctypes.sizeof(abi.TicketResponseHead) :])
        with self._lock:
            ticket = self._open.get(self._number(head.handle))
            if ticket is not None:
                _settle(ticket, answer)
                return
            self._strays[head.handle] = answer
            while len(self._strays) > _STRAYS:
                del self._strays[next(iter(self._strays))]

    def fail_all(self, sentence: str, reason: str) -> None:
        """End every wait with an error, because no more answers will come."""
        with self._lock:
            for ticket in self._open.values():
                _settle(ticket, SteamUnavailable(sentence, reason=reason))

    def forget_all(self) -> None:
        """Forget all handles: Steam was shut down, and it may use the same handles again."""
        with self._lock:
            self._shutdowns += 1
            self._open.clear()
            self._strays.clear()

    def _number(self, handle: int) -> int:
        return self._shutdowns << 32 | handle


def _answer(result: int, size: int, payload: bytes) -> Secret | SteamUnavailable:
    if result != 1:
        return results.result_error(result)
    # The buffer always has 2,560 bytes. Only the stated size is the ticket.
    if not 0 < size <= min(abi.TICKET_MAX, len(payload)):
        return results.unreadable_ticket(size)
    return Secret(payload[:size].hex())


def _settle(ticket: PendingTicket, answer: Secret | SteamUnavailable) -> None:
    if ticket.answer is None:
        ticket.answer = answer
        if ticket.wake is not None:
            ticket.wake()
