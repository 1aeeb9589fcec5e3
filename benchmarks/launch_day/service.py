"""The simulated service: attempt budgets in fixed windows, a circuit that failures open, and outages.

The numbers are the published ones (docs/contracts/service.md, "Limits"). All players play the same game, so only the budget
for one application matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

WINDOW_SECONDS = 10.0
ATTEMPTS_PER_WINDOW = 150
ATTEMPTS_PER_SECOND = ATTEMPTS_PER_WINDOW / WINDOW_SECONDS
FAILURES_THAT_OPEN_THE_CIRCUIT = 20
CIRCUIT_SECONDS = 60.0


class Reply(Enum):
    """The service's answer to an attempt."""

    ADMITTED = auto()
    BUSY = auto()
    """429: the budget is used up, or the circuit is open."""
    UPSTREAM = auto()
    """502: the service cannot reach Steam."""
    DOWN = auto()
    """No answer: the connection is refused."""


@dataclass(frozen=True)
class Conditions:
    """The conditions of one day. Times are seconds since the opening."""

    down: tuple[float, float] | None = None
    """The service is down from the first moment to the second."""
    steam_down: tuple[float, float] | None = None
    """The service cannot reach Steam from the first moment to the second. Each attempt that it admits meanwhile fails."""
    retry_after: float | None = None
    """The Retry-After of a 429. The published service sends none."""


class Admission:
    """The service's counters during one day.

    The caller asks `steady_until` how long nothing changes, then calls `admit` for the attempts of that time, in order.
    """

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._window = -1
        self._used = 0
        self._failures: list[float] = []
        self._circuit_until = 0.0

    def steady_until(self, at: float, end: float) -> float:
        """The next moment at which an outage begins or ends or the circuit closes; `end` if that is sooner."""
        conditions = self._conditions
        changes = [*(conditions.down or ()), *(conditions.steam_down or ()), self._circuit_until]
        return min([change for change in changes if at < change < end], default=end)

    def is_down(self, at: float) -> bool:
        """Whether the service is down at this moment."""
        return _within(self._conditions.down, at)

    def admit(self, times: list[float], count: int, at: float) -> tuple[int, Reply, Reply]:
        """Answer the next `count` attempts: returns a number, the reply to that many of them, and the reply to the others.

        `at` is the beginning of the steady time. `times` are the moments of the attempts; they matter only if attempts may fail.
        """
        if self.is_down(at):
            return count, Reply.DOWN, Reply.DOWN
        if at < self._circuit_until:
            return 0, Reply.BUSY, Reply.BUSY
        window = int(at // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._used = window, 0
        room = min(count, ATTEMPTS_PER_WINDOW - self._used)
        if not _within(self._conditions.steam_down, at):
            self._used += room
            return room, Reply.ADMITTED, Reply.BUSY
        failed = 0
        for time in times[:room]:
            failed += 1
            self._failures = [failure for failure in self._failures if failure > time - CIRCUIT_SECONDS] + [time]
            if len(self._failures) >= FAILURES_THAT_OPEN_THE_CIRCUIT:
                self._failures, self._circuit_until = [], time + CIRCUIT_SECONDS
                break
        self._used += failed
        return failed, Reply.UPSTREAM, Reply.BUSY


def _within(span: tuple[float, float] | None, at: float) -> bool:
    return span is not None and span[0] <= at < span[1]
