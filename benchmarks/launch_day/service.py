"""The service of the simulation: attempt budgets in fixed windows, a circuit that failures open, and the outages of a day.

The figures are the published ones (docs/contracts/service.md, "Limits"). All players play the same game, so the budget of one
application is the one that counts.
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
    """What an attempt meets."""

    ADMITTED = auto()
    BUSY = auto()
    """429: the budget is used up, or the circuit is open."""
    UPSTREAM = auto()
    """502: the service cannot reach Steam."""
    DOWN = auto()
    """No answer: the connection is refused."""


@dataclass(frozen=True)
class Conditions:
    """One day. Times are seconds from the opening."""

    down: tuple[float, float] | None = None
    """From when until when the service is down."""
    steam_down: tuple[float, float] | None = None
    """From when until when the service cannot reach Steam. Each attempt that it admits then is a failure."""
    retry_after: float | None = None
    """The Retry-After of a 429. The published service names none."""


class Admission:
    """The counters of one day. Call `steady_until`, then `admit` for the attempts until then, in their order."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._window = -1
        self._used = 0
        self._failures: list[float] = []
        self._circuit_until = 0.0

    def steady_until(self, at: float, end: float) -> float:
        """The next moment, at most `end`, at which an outage begins or ends, or the circuit closes."""
        conditions = self._conditions
        changes = [*(conditions.down or ()), *(conditions.steam_down or ()), self._circuit_until]
        return min([change for change in changes if at < change < end], default=end)

    def is_down(self, at: float) -> bool:
        """Whether the service is down then."""
        return _within(self._conditions.down, at)

    def admit(self, times: list[float], count: int, at: float) -> tuple[int, Reply, Reply]:
        """How many of the next `count` attempts are answered first, what these meet, and what all others meet.

        `at` is the beginning of the steady time. `times` are those of the attempts, which matter only if they may fail.
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
