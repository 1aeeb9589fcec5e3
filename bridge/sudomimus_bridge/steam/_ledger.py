"""The book of tickets: which handles are open, and which callback belongs to which.

Callbacks come on whatever thread pumps, early, late, twice, or for tickets of other code in the process. The ledger
matches by handle and nothing else, copies what it keeps, and may be used from every thread. Steam counts its handles
anew after each Init, so a ticket's number in the book is its handle and, above 32 bits, how often Steam was shut down
before: who still holds a number of an earlier time can neither read nor cancel the ticket that has its handle now.
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
    """An open ticket. Its answer arrives once; `wake` must be quick, for it runs on the pumping thread, under the lock."""

    answer: Secret | SteamUnavailable | None = None
    wake: Callable[[], object] | None = None

    def taken(self) -> Secret:
        """The ticket in hex. Raises `SteamUnavailable` where there is none."""
        if isinstance(self.answer, Secret):
            return self.answer
        raise self.answer or SteamUnavailable(results.SHUTTING_DOWN, reason="SteamShutdown")


def handle_of(number: int) -> int:
    """The HAuthTicket in a ticket's number."""
    return number & 0xFFFFFFFF


class Ledger:
    """Open tickets by number."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # the collector may drop the port while this very thread delivers to it
        self._shutdowns = 0
        self._open: dict[int, PendingTicket] = {}
        # A callback may come before the requesting call has returned its handle: kept until then, a few at most.
        self._strays: dict[int, Secret | SteamUnavailable] = {}

    @property
    def waiting(self) -> bool:
        """Whether any open ticket still lacks its answer."""
        with self._lock:
            return any(ticket.answer is None for ticket in self._open.values())

    def numbers(self) -> list[int]:
        """The numbers of all open tickets."""
        with self._lock:
            return list(self._open)

    def enter(self, handle: int) -> int:
        """Book a handle that Steam just gave, and give its number; it may have its answer already."""
        with self._lock:
            number = self._number(handle)
            self._open[number] = PendingTicket(self._strays.pop(handle, None))
            return number

    def watch(self, number: int, wake: Callable[[], object]) -> PendingTicket:
        """The open ticket, whose `answer` is there or comes with a call of `wake`."""
        with self._lock:
            ticket = self._open.get(number)
            if ticket is None:
                return PendingTicket(SteamUnavailable(results.SHUTTING_DOWN, reason="SteamShutdown"))
            ticket.wake = wake
            return ticket

    def strike(self, number: int) -> bool:
        """Take a ticket out of the book, so that it is cancelled once: True for the first call only."""
        with self._lock:
            return self._open.pop(number, None) is not None

    def deliver(self, response: bytes) -> None:
        """Take the bytes of a `GetTicketForWebApiResponse_t`. What belongs to no ticket of ours is left alone."""
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
        """End every wait: Steam is going away, so no answer will come."""
        with self._lock:
            for ticket in self._open.values():
                _settle(ticket, SteamUnavailable(sentence, reason=reason))

    def forget_all(self) -> None:
        """Steam was shut down: its handles mean nothing any more, and the next ones may repeat their numbers."""
        with self._lock:
            self._shutdowns += 1
            self._open.clear()
            self._strays.clear()

    def _number(self, handle: int) -> int:
        return self._shutdowns << 32 | handle


def _answer(result: int, size: int, payload: bytes) -> Secret | SteamUnavailable:
    if result != 1:
        return results.result_error(result)
    # The buffer is always 2,560 bytes; only the stated size is the ticket.
    if not 0 < size <= min(abi.TICKET_MAX, len(payload)):
        return results.unreadable_ticket(size)
    return Secret(payload[:size].hex())


def _settle(ticket: PendingTicket, answer: Secret | SteamUnavailable) -> None:
    if ticket.answer is None:
        ticket.answer = answer
        if ticket.wake is not None:
            ticket.wake()
