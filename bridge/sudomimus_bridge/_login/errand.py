"""The errand: a page for the player's own browser, opened through the gate, waited for, and told apart from others.

Used by the claim gate of a direct-issue login and by the proactive errand alike.
"""

from __future__ import annotations

import logging
from enum import Enum, auto

import anyio

from .._service.policy import ERRAND_PACE, MAX_ERRANDS
from .._service.port import ErrandStatus
from .._values.errors import ErrandNotCompleted
from .._values.events import ERRAND_SECONDS, Claims, ErrandHandoff, Phase
from .._values.secret import Secret
from .ports import Ports
from .progress import DoneSignal, Progress

_log = logging.getLogger("sudomimus_bridge")


class Ended(Enum):
    """How a wait for the player ended."""

    COMPLETED = auto()
    EXPIRED = auto()
    SAID_DONE = auto()


class ErrandWalk:
    """All errands of one login. Never opens the same page twice; gives up after `MAX_ERRANDS` different ones."""

    def __init__(self, ports: Ports, progress: Progress, done: DoneSignal) -> None:
        self._ports = ports
        self._progress = progress
        self._done = done
        self._pages: dict[Secret, tuple[ErrandHandoff, bool]] = {}

    @property
    def started(self) -> bool:
        """Whether the player was sent to any page yet."""
        return bool(self._pages)

    async def follow(
        self, errand: ErrandHandoff, claims: Claims, *, heed_done: bool, check_done: bool = False
    ) -> Ended:
        """Have the player do the errand, and wait. Raises `ServiceUnavailable` where its page may not be opened.

        Where "I'm done" is not heeded, the page's own end is waited for; to check it, the service is asked first.
        """
        if errand.errand_key not in self._pages:
            self._pages[errand.errand_key] = await self._show(errand, claims)
        # What passed the gate is what is told on, whatever a later answer says of the same errand.
        errand, opened = self._pages[errand.errand_key]
        with self._done.listen() as said_done:
            self._progress.tell(Phase.WAITING_FOR_BROWSER, errand=errand, claims=claims, browser_opened=opened)
            ended = await self._wait(errand, said_done if heed_done else anyio.Event(), check_done=check_done)
        if ended is Ended.COMPLETED:
            self._progress.tell(Phase.ERRAND_COMPLETED, claims=claims)
        return ended

    async def _show(self, errand: ErrandHandoff, claims: Claims) -> tuple[ErrandHandoff, bool]:
        if len(self._pages) >= MAX_ERRANDS:
            raise ErrandNotCompleted(
                f"The page was not finished in {MAX_ERRANDS} tries. Start the sign-in again when you have time for it.",
                reason="OutOfRounds",
            )
        ports = self._ports
        page = ports.settings.gate.admit(errand.page, service_url=ports.service.native.base_url)
        self._progress.tell(Phase.ERRAND_REQUIRED, errand=errand, claims=claims)
        return errand, await ports.show(page)

    async def _wait(self, errand: ErrandHandoff, said_done: anyio.Event, *, check_done: bool) -> Ended:
        """Poll until the service says that it is over, or the player does. What goes wrong is asked again."""
        clock, service = self._ports.clock, self._ports.service.native
        began, failures, wait = clock.now(), 0, ERRAND_PACE.wait(0, None)
        while (asked := clock.now()) - began < ERRAND_SECONDS + 60:
            with clock.move_on_after(wait):
                await said_done.wait()
                if not check_done:
                    return Ended.SAID_DONE
                await clock.sleep(max(0.0, ERRAND_PACE.least - (clock.now() - asked)))
            answer = await service.errand_status(errand.errand_key)
            _log.debug("errand status: %s", answer.errand_status or answer.status or answer.trouble)
            if answer.errand_status is ErrandStatus.COMPLETED:
                return Ended.COMPLETED
            if answer.errand_status is ErrandStatus.EXPIRED:
                return Ended.EXPIRED
            if said_done.is_set():
                return Ended.SAID_DONE
            failures = 0 if answer.errand_status is not None else failures + 1
            wait = ERRAND_PACE.wait(failures, answer.retry_after)
        return Ended.EXPIRED
