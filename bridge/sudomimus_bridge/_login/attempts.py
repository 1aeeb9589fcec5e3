"""`Attempts`: the requests of one flow. It counts them, waits between them, and raises the error when no more may follow.

It decides each retry of a request that has a row in `_service.rules`. Polls of an errand (`errand`), the second use of a refresh
token (`renewal`) and Steam (`steam._results.may_pass`) have rules of their own.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, TypeVar, overload

import anyio

from .._runs.signals import DoneSignal
from .._service import policy
from .._service.answers import Answer
from .._service.operations import Operation
from .._service.policy import MAX_ATTEMPTS, PATIENT, SOON, seconds_to_wait
from .._service.port import Service
from .._service.rows import Act, Rule
from .._service.rules import error_for, rule_for
from .._settings import Settings
from .._values.clock import Clock, Uptime
from .._values.errors import BridgeError, ErrandNotCompleted, ServiceUnavailable, SteamUnavailable
from .._values.events import OnProgress, Phase, ProgressEvent
from ..steam._results import may_pass
from .ports import Ports

T = TypeVar("T")

PAGE_NEEDED = "PageNeeded"
"""The reason of `ErrandNotCompleted` if the player has to go to a page and the setting `quietly` is on."""

NOBODY_ANSWERS = 3
"""After this many failed polls in a row, the flow waits for the service and no longer for the player."""

_log = logging.getLogger("sudomimus_bridge")


class Attempts:
    """The requests of one login, errand or renewal."""

    def __init__(
        self,
        ports: Ports,
        service: Service,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        *,
        patient: bool = False,
    ) -> None:
        """With `patient`, the flow keeps trying for as long as the service, the network or Steam cannot be used."""
        self.ports = ports
        self.service = service
        self.settings: Settings = ports.settings
        self.clock: Clock = ports.clock
        self.done: DoneSignal = done or DoneSignal()
        self.number: int = 0
        """The number of the current request. Polls do not count."""
        self.waiting_for: Literal["steam", "service", "player"] = "service"
        """What the flow waits for: "steam", "service" or "player"."""
        self.asked: Uptime | None = None
        """The moment before the last poll."""
        self._on_progress = on_progress
        self._failures: dict[Rule, int] = {}
        self._patient_waits = 0
        self._patient = patient
        self._time_limit = self.settings.time_limit(patient)
        self._deadline = self.clock.now() + self._time_limit

    def deadline(self) -> anyio.CancelScope:
        """Cancel the block when the time of the setting `timeout` is over. The code after it then raises `time_is_up()`."""
        return self.clock.move_on_after(self._time_limit)

    def tell(self, phase: Phase, **facts: Any) -> None:
        """Report one step to the door. If the door raises, the flow ends with the door's error."""
        number, wait = facts.get("attempt"), facts.get("retry_in_seconds")
        _log.debug(
            "%s%s%s",
            phase.value,
            "" if number is None else f" (attempt {number})",
            "" if wait is None else f", the next one in {wait:.1f} s",
        )
        if self._on_progress is not None:
            self._on_progress(ProgressEvent(phase, **facts))

    def begin(self, phase: Phase = Phase.ISSUING) -> None:
        """Count one more request and report it."""
        self.number += 1
        self.asked = None
        self.waiting_for = "service"
        self.tell(phase, attempt=self.number)

    def rule(self, operation: Operation, answer: Answer[Any]) -> Rule:
        """Return the rule for an answer, and log the answer: not its body or URL, because they may hold secrets."""
        what = f"answer {answer.status}" if answer.status is not None else f"no answer: {answer.trouble}"
        facts = [what, answer.reason, answer.detail]
        if answer.errand is not None:
            facts.append("an errand")
        if answer.retry_after is not None:
            facts.append(f"Retry-After {answer.retry_after:g} s")
        _log.debug("%s: %s", operation.value, ", ".join(fact for fact in facts if fact))
        return rule_for(operation, answer)

    async def ask(self, operation: Operation, request: Callable[[], Awaitable[Answer[T]]]) -> Answer[T]:
        """Send a request until the rule for its answer says DONE. Raises the error of the rule that ends the flow."""
        while True:
            self.begin()
            answer = await request()
            if self.rule(operation, answer).act is Act.DONE:
                return answer
            await self.wait(operation, answer)

    async def wait(self, operation: Operation, answer: Answer[Any]) -> None:
        """Wait before the next attempt, as the rule for this answer says. Raises the rule's error if none may follow."""
        rule = rule_for(operation, answer)
        failures = self._failures[rule] = self._failures.get(rule, 0) + 1
        if self._patient and rule.passes and (rule.spacing is not SOON or failures > rule.repeats):
            await self._wait_patiently(self.error(operation, answer), answer.retry_after, rule.crowd)
            return
        if failures > rule.repeats or not self.left:  # no final rule has repeats
            raise self.error(operation, answer)
        wait = seconds_to_wait(rule.spacing, failures, answer.retry_after, self.ports.chance())
        await self._wait(wait, self.error(operation, answer), rule.crowd)

    async def wait_for_steam(self, error: SteamUnavailable) -> None:
        """Wait before a patient login asks Steam again. Raises the error if the login is not patient, or waiting cannot help."""
        if not (self._patient and may_pass(error)):
            raise error
        await self._wait_patiently(error, None, crowd=False)

    @property
    def left(self) -> int:
        """How many attempts may follow. An attempt does not count if a patient login waited after it."""
        return MAX_ATTEMPTS - (self.number - self._patient_waits)

    async def _wait_patiently(self, error: BridgeError, retry_after: float | None, crowd: bool) -> None:
        self._patient_waits += 1
        wait = seconds_to_wait(PATIENT, self._patient_waits, retry_after, self.ports.chance())
        await self._wait(wait, error, crowd)

    async def _wait(self, seconds: float, error: BridgeError, crowd: bool) -> None:
        """Wait that long. Raises the error at once if the login's time would be over by then."""
        if self.clock.now() + seconds >= self._deadline:
            raise error
        left = None if self._patient else self.left
        self.tell(
            Phase.RETRYING, attempt=self.number, retry_in_seconds=seconds, attempts_left=left, others_waiting=crowd
        )
        await self.clock.sleep(seconds)

    @overload
    async def poll(self, operation: Operation, request: Callable[[], Awaitable[Answer[T]]]) -> Answer[T]: ...

    @overload
    async def poll(
        self,
        operation: Operation,
        request: Callable[[], Awaitable[Answer[T]]],
        *,
        interval: float | None,
        lifetime: float | None,
    ) -> Answer[T] | None: ...

    async def poll(
        self,
        operation: Operation,
        request: Callable[[], Awaitable[Answer[T]]],
        *,
        interval: float | None = None,
        lifetime: float | None = None,
    ) -> Answer[T] | None:
        """Poll until the player is done, and return that answer; None if `lifetime` (seconds) is over first.

        A failed poll is repeated. `interval`: the seconds between two polls that the service asks for. If the player says
        "I'm done", the next poll comes as soon as the spacing allows. Raises the error of the rule that ends the flow.
        """
        ends = self.clock.now() + (math.inf if lifetime is None else lifetime)
        spacing = policy.poll_spacing(interval)
        failures, wait = 0, seconds_to_wait(spacing, 0, None, self.ports.chance())
        self.waiting_for = "player"
        with self.done.listen() as said_done:
            while self.clock.now() < ends:
                said_done = await self._pause(spacing.least, wait, said_done)
                self.asked = self.clock.uptime()
                answer = await request()
                rule = self.rule(operation, answer)
                if rule.act is Act.DONE:
                    return answer
                if rule.act is Act.SLOWER:
                    spacing = spacing.slower(answer.retry_after)
                failures = failures + 1 if rule.act is Act.AGAIN else 0
                self.waiting_for = "player" if failures < NOBODY_ANSWERS else "service"
                wait = seconds_to_wait(spacing, failures, answer.retry_after, self.ports.chance())
                hopeless = failures >= NOBODY_ANSWERS or (failures and answer.retry_after is not None)
                if rule.act is Act.FAIL or (hopeless and self.clock.now() + wait >= min(ends, self._deadline)):
                    raise self.error(operation, answer)
        return None

    async def _pause(self, least: float, seconds: float, said_done: anyio.Event) -> anyio.Event:
        """Wait that long, or at least `least` if the player says "I'm done". Return the event for the next pause."""
        began = self.clock.now()
        with self.clock.move_on_after(seconds):
            await said_done.wait()
            await self.clock.sleep(max(0.0, least - (self.clock.now() - began)))
        return self.done.listen_again() if said_done.is_set() else said_done

    def require_page(self, wanted: Iterable[str] = ()) -> None:
        """Raise `ErrandNotCompleted` if the setting `quietly` forbids the page that comes next.

        A flow calls this before it prepares anything for the page. `wanted` names the claims that the service requires.
        """
        if self.settings.quietly:
            claims = ", ".join(wanted)[:80]
            asks = f" The service requires: {claims}." if claims else ""
            raise ErrandNotCompleted(
                "To go on, you have to visit a page in your browser. Sign in again to open it.",
                reason=PAGE_NEEDED,
                detail=f"No page is opened because the setting quietly (--quietly, SUDOMIMUS_QUIETLY) is on.{asks}",
            )

    def error(self, operation: Operation, answer: Answer[Any]) -> BridgeError:
        """The error with which the flow ends after this answer."""
        return error_for(operation, answer, self.settings.application)

    def time_is_up(self) -> BridgeError:
        """The error with which the flow ends when the time of the setting `timeout` is over."""
        seconds = f"{self._time_limit:g} seconds"
        whom = "Steam" if self.waiting_for == "steam" else f"the {self.waiting_for}"
        detail = f"The time of the setting timeout ({seconds}) ended while the flow waited for {whom}."
        if self.waiting_for == "player":
            return ErrandNotCompleted(
                f"The page was not finished within {seconds}. Start the sign-in again when you have time for it.",
                reason="TimedOut",
                detail=detail,
            )
        if self.waiting_for == "steam":
            return SteamUnavailable(
                f"Steam did not confirm who you are within {seconds}. Check that Steam is online, then try again.",
                reason="TimedOut",
                detail=detail,
            )
        return ServiceUnavailable(
            f"The sign-in service did not sign you in within {seconds}. Try again in a few minutes.",
            reason="TimedOut",
            detail=detail,
        )
