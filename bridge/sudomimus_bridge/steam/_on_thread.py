"""The async side of a Steam port on a worker's thread: it asks for tickets, awaits them and cancels them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Protocol, TypeVar

import anyio

from .._runs.signals import Waker
from .._values.clock import Clock
from .._values.errors import SteamUnavailable
from .._values.secret import Secret
from . import _results as results
from ._ledger import Ledger
from ._worker import Worker

T = TypeVar("T")

OPEN_SECONDS = 20.0
"""The longest time for loading and initialising Steam. After it, the login fails."""

CANCEL_SECONDS = 1.0
"""The longest wait for CancelAuthTicket. If the library hangs in a call, the worker cancels when that call returns."""

OVERLAY_SECONDS = 5.0
"""How long a login waits for the overlay, which starts seconds after Init. Then the player is shown the page's address."""

_OVERLAY_STEP_SECONDS = 0.5

TAKE_BACK_SECONDS = 0.25
"""The longest wait of a login that is cancelled while Steam creates its ticket. The call may still return the ticket."""


class TicketThread(Protocol):
    """Makes the calls. Every method runs on the worker's thread."""

    worker: Worker
    ledger: Ledger

    def request(self, identity: str) -> int:
        """Call GetAuthTicketForWebApi and return the ticket's number in the ledger."""
        ...

    def cancel(self, number: int) -> None:
        """Call CancelAuthTicket, once for each ticket."""
        ...

    def show_in_overlay(self, page: Secret) -> bool:
        """Call ActivateGameOverlayToWebPage; False if the overlay is off."""
        ...


class SteamOnThread(ABC):
    """The base of `FlatApiSteam` and of Ren'Py's port."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def get_auth_ticket_for_web_api(self, identity: str) -> int:
        steam = self._thread()
        try:
            return await steam.worker.call(partial(steam.request, identity), undo=steam.cancel)
        except anyio.get_cancelled_exc_class():
            # If a ticket still comes, the worker cancels it. Unless the library hangs, it does so before this call returns.
            with anyio.CancelScope(shield=True), self._clock.move_on_after(TAKE_BACK_SECONDS):
                await steam.worker.call(_nothing)
            raise

    async def ticket_response(self, handle: int) -> Secret:
        """Wait for the ticket. If no thread pumps any more, this waits until the caller cancels it."""
        arrived = anyio.Event()
        ticket = self._thread().ledger.watch(handle, Waker(arrived))
        if ticket.answer is None:
            await arrived.wait()
        return ticket.taken()

    async def cancel_auth_ticket(self, handle: int) -> None:
        steam = self._thread()
        with self._clock.move_on_after(CANCEL_SECONDS):
            await steam.worker.call(partial(steam.cancel, handle))

    async def activate_game_overlay_to_web_page(self, page: Secret) -> bool:
        steam = self._thread()
        with self._clock.move_on_after(OVERLAY_SECONDS):
            while not await steam.worker.call(partial(steam.show_in_overlay, page)):
                await self._clock.sleep(_OVERLAY_STEP_SECONDS)
            return True
        return False

    async def _within_open_seconds(self, worker: Worker, job: Callable[[], T]) -> T:
        """Run a job that opens Steam. Raises `SteamUnavailable` if it takes too long."""
        if not worker.alive:
            raise results.thread_is_gone()
        with self._clock.move_on_after(OPEN_SECONDS):
            return await worker.call(job)
        raise SteamUnavailable(
            f"Steam did not start within {OPEN_SECONDS:.0f} seconds. Restart Steam, then try again.",
            reason="InitTimeout",
        )

    @abstractmethod
    def _thread(self) -> TicketThread:
        """Return the object that makes the calls."""


def _nothing() -> None:
    """Do nothing. When this job has run, all jobs before it have run."""
