"""Virtual time on trio, with its `MockClock`. A thread delays a jump until its end, and a socket delays it for a moment."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import trio
from trio.testing import MockClock

from ._busy import BUSY_SECONDS, other_threads_run

_SOCKET_SECONDS = 0.25
"""The real seconds by which a socket delays a jump. It may be one on which no answer is due."""


class _Watcher(trio.abc.Instrument):
    """Decides after each step of a task whether time may jump, and reports the passed time."""

    def __init__(self, clock: MockClock, grace: float, before: float, on_advance: Callable[[float], object]) -> None:
        self._clock = clock
        self._grace = grace
        self._before = before
        self._on_advance = on_advance
        self._idle = 0
        self._began = 0.0

    def before_run(self) -> None:
        self._idle = _waiting_for_sockets() + 1  # one more, for trio's own task, which starts later
        self._began = self._clock.current_time()

    def after_task_step(self, _task: trio.lowlevel.Task) -> None:
        threads = trio.to_thread.current_default_thread_limiter().borrowed_tokens
        sockets = _waiting_for_sockets() - self._idle
        threshold = math.inf if threads else max(self._grace, _SOCKET_SECONDS) if sockets > 0 else self._grace
        if 0 < threshold < BUSY_SECONDS and other_threads_run():
            threshold = max(threshold, 1.0)
        if threshold != self._clock.autojump_threshold:
            self._clock.autojump_threshold = threshold
        self._on_advance(self._before + self._clock.current_time() - self._began)


def trio_options(grace: float, before: float, on_advance: Callable[[float], object]) -> dict[str, Any]:
    """Return the `backend_options` for `anyio.run`. `before` is the virtual time that has passed already."""
    clock = MockClock(autojump_threshold=math.inf)
    return {"clock": clock, "instruments": [_Watcher(clock, grace, before, on_advance)]}


def _waiting_for_sockets() -> int:
    statistics = trio.lowlevel.current_statistics().io_statistics
    names = ("tasks_waiting_read", "tasks_waiting_write", "tasks_waiting")  # epoll and Windows, kqueue
    return sum(getattr(statistics, name, 0) for name in names)
