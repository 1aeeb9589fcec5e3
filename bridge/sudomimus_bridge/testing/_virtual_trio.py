"""Virtual time on trio: its own `MockClock`, kept from jumping while a thread is waited for, and soon where a socket is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import trio
from trio.testing import MockClock

_SOCKET_SECONDS = 0.25
"""How many real seconds a socket that is waited for holds time up. It may be one that nobody owes an answer."""


class _Watcher(trio.abc.Instrument):
    """Looks after each step of a task whether time may jump when all tasks wait, and tells how much of it has passed."""

    def __init__(self, clock: MockClock, grace: float, before: float, on_advance: Callable[[float], object]) -> None:
        self._clock = clock
        self._grace = grace
        self._before = before
        self._on_advance = on_advance
        self._idle = 0
        self._began = 0.0

    def before_run(self) -> None:
        self._idle = _waiting_for_sockets() + 1  # trio's own, by which other threads wake it, which begins after this
        self._began = self._clock.current_time()

    def after_task_step(self, _task: trio.lowlevel.Task) -> None:
        threads = trio.to_thread.current_default_thread_limiter().borrowed_tokens
        sockets = _waiting_for_sockets() - self._idle
        threshold = math.inf if threads else max(self._grace, _SOCKET_SECONDS) if sockets > 0 else self._grace
        if threshold != self._clock.autojump_threshold:
            self._clock.autojump_threshold = threshold
        self._on_advance(self._before + self._clock.current_time() - self._began)


def trio_options(grace: float, before: float, on_advance: Callable[[float], object]) -> dict[str, Any]:
    """What `anyio.run` takes as `backend_options`. `before` is how much virtual time had passed already."""
    clock = MockClock(autojump_threshold=math.inf)
    return {"clock": clock, "instruments": [_Watcher(clock, grace, before, on_advance)]}


def _waiting_for_sockets() -> int:
    statistics = trio.lowlevel.current_statistics().io_statistics
    names = ("tasks_waiting_read", "tasks_waiting_write", "tasks_waiting")  # epoll and Windows, kqueue
    return sum(getattr(statistics, name, 0) for name in names)
