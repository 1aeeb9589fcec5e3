"""What all flows share: attempts that the table of rules drives, polls, waits, pages, and the end of the time."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from .._service.policy import MAX_ATTEMPTS, Act, Pace, Rule
from .._service.port import Answer, Operation
from .._service.rules import error_for, rule_for
from .._values.errors import BridgeError, ErrandNotCompleted, ServiceUnavailable, SteamUnavailable
from .._values.events import OnProgress, Phase
from .ports import Ports
from .progress import DoneSignal, Progress

Ask = Callable[[], Awaitable[Answer]]

T = TypeVar("T")

PAGE_NEEDED = "PageNeeded"
"""The reason of `ErrandNotCompleted` if the player has to go to a page and the setting `quietly` is on."""

NOBODY_ANSWERS = 3
"""Polls in a row that fail before it is the service that is waited for, and not the player any more."""


class Flow:
    """One login, or one errand: counts its attempts, and knows what it waits for."""

    def __init__(self, ports: Ports, on_progress: OnProgress | None, done: DoneSignal) -> None:
        self.number = 0
        self.waiting_for = "service"
        self._ports = ports
        self._done = done
        self._progress = Progress(on_progress)
        self._repeated: dict[Rule, int] = {}
        self._deadline = ports.clock.now() + ports.settings.timeout
        self._asked = ports.clock.uptime()

    async def _in_time(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do all of it within the time that the settings give."""
        with self._ports.clock.move_on_after(self._ports.settings.timeout):
            return await work()
        raise self._time_is_up()

    async def _ask(self, operation: Operation, ask: Ask) -> Answer:
        """Ask until there is the answer that was hoped for. Raises the error of the row that ends it."""
        while True:
            self.number += 1
            self.waiting_for = "service"
            self._progress.tell(Phase.ISSUING, attempt=self.number)
            log_answer(operation, answer := await ask())
            if rule_for(operation, answer).act is Act.DONE:
                return answer
            await self._next_attempt(operation, answer)

    async def _next_attempt(self, operation: Operation, answer: Answer) -> None:
        """Wait as the row says and count it; raises the row's error where the login may not go on."""
        rule = rule_for(operation, answer)
        failures = self._repeated[rule] = self._repeated.get(rule, 0) + 1
        if rule.act is Act.FAIL or failures > rule.repeats or self.number >= MAX_ATTEMPTS:
            raise self._error(operation, answer)
        wait = rule.backoff.wait(failures, answer.retry_after, self._ports.draw)
        if self._ports.clock.now() + wait >= self._deadline:
            raise self._error(operation, answer)
        self.waiting_for = "service"
        self._progress.tell(Phase.RETRYING, attempt=self.number, retry_in_seconds=wait)
        await self._ports.clock.sleep(wait)

    async def _poll(self, operation: Operation, ask: Ask, pace: Pace, lifetime: float | None = None) -> Answer | None:
        """Ask at that pace until the player is done; None once `lifetime` is over. What goes wrong is asked again.

        "I'm done" has it ask as soon as the pace allows. Raises the error of the row that ends it.
        """
        clock = self._ports.clock
        ends = clock.now() + (lifetime if lifetime is not None else self._ports.settings.timeout + 1)
        failures, wait = 0, pace.wait(0, None)
        self.waiting_for = "player"
        with self._done.listen() as said_done:
            while clock.now() < ends:
                said_done = await self._pause(pace.least, wait, said_done)
                self._asked = clock.uptime()
                log_answer(operation, answer := await ask())
                rule = rule_for(operation, answer)
                if rule.act is Act.DONE:
                    return answer
                if rule.act is Act.SLOWER:
                    pace = pace.slower(answer.interval)
                failures = failures + 1 if rule.act is Act.AGAIN else 0
                self.waiting_for = "player" if failures < NOBODY_ANSWERS else "service"
                wait = pace.wait(failures, answer.retry_after)
                hopeless = failures >= NOBODY_ANSWERS or (failures and answer.retry_after is not None)
                if rule.act is Act.FAIL or (hopeless and clock.now() + wait >= min(ends, self._deadline)):
                    raise self._error(operation, answer)
        return None

    async def _pause(self, least: float, seconds: float, said_done: anyio.Event) -> anyio.Event:
        """Wait that long, or shorter where the player says "I'm done", but no less than `least`."""
        clock = self._ports.clock
        began = clock.now()
        with clock.move_on_after(seconds):
            await said_done.wait()
            await clock.sleep(max(0.0, least - (clock.now() - began)))
        return self._done.listen_again() if said_done.is_set() else said_done

    def _require_page(self, wanted: Iterable[str] = ()) -> None:
        """Raise `ErrandNotCompleted` if the setting `quietly` forbids the page that comes next.

        A flow calls it before it prepares anything for the page. `wanted` names the claims that the service requires.
        """
        if self._ports.settings.quietly:
            claims = ", ".join(wanted)[:80]
            asks = f" The service requires: {claims}." if claims else ""
            raise ErrandNotCompleted(
                "To go on, you have to visit a page in your browser. Sign in again to open it.",
                reason=PAGE_NEEDED,
                detail=f"No page is opened because the setting quietly (--quietly, SUDOMIMUS_QUIETLY) is on.{asks}",
            )

    def _error(self, operation: Operation, answer: Answer) -> BridgeError:
        return error_for(operation, answer, self._ports.settings.application)

    def _time_is_up(self) -> BridgeError:
        seconds = f"{self._ports.settings.timeout:g} seconds"
        if self.waiting_for == "player":
            return ErrandNotCompleted(
                f"The page was not finished within {seconds}. Start the sign-in again when you have time for it.",
                reason="TimedOut",
            )
        if self.waiting_for == "steam":
            return SteamUnavailable(
                f"Steam gave no ticket within {seconds}. Check that Steam is online, then try again.", reason="TimedOut"
            )
        return ServiceUnavailable(
            f"The sign-in service did not sign you in within {seconds}. Try again in a few minutes.", reason="TimedOut"
        )


_log = logging.getLogger("sudomimus_bridge")


def log_answer(operation: Operation, answer: Answer) -> None:
    """Log the status and the reason of an answer, or why there was none. No body and no URL: both may hold secrets."""
    what = f"answer {answer.status}" if answer.status is not None else f"no answer: {answer.trouble}"
    facts = [what, answer.reason, answer.detail]
    if answer.errand_status is not None:
        facts.append(str(answer.errand_status))
    if answer.errand is not None:
        facts.append("an errand")
    if answer.retry_after is not None:
        facts.append(f"Retry-After {answer.retry_after:g} s")
    _log.debug("%s: %s", operation.value, ", ".join(fact for fact in facts if fact))


def brought(value: T | None) -> T:
    """What an answer brings where its row says DONE: its reader in `service` makes sure of that."""
    if value is None:
        raise TypeError("an answer was taken for what it is not")
    return value
