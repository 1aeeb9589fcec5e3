"""Virtual time: minutes of waiting pass in milliseconds, on asyncio and trio.

Whenever every task waits and nothing is due from a socket or thread, time jumps to the next timer. So nothing in the code
under test changes: anyio's sleeps and timeouts run on the event loop's clock, and that clock is what is virtual.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio

from ..clock import SystemClock
from ..uptime import Uptime

T = TypeVar("T")


class VirtualClock(SystemClock):
    """The clock port in virtual time: hand it to the code under test, and run that with `run`."""

    def __init__(self, *, wall: float = 1_800_000_000.0, grace: float = 0.0) -> None:
        """`wall` is the calendar's start, in seconds since 1970.

        `grace` is how many real seconds nothing must happen before time jumps: 0 where the code under test uses neither
        sockets nor threads, a few hundredths where it does.
        """
        self._wall = wall
        self._grace = grace
        self._asleep = 0.0
        self._boot = 0

    def wall(self) -> float:
        """Seconds since 1970, moving with virtual time."""
        return self._wall + self._asleep + anyio.current_time()

    def uptime(self) -> Uptime:
        """A moment of virtual time, with the time that the machine was asleep."""
        return Uptime(f"virtual-{self._boot}", self._asleep + anyio.current_time())

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: the calendar and the uptime go on, timers stand still."""
        self._asleep += seconds

    def set_calendar(self, seconds: float) -> None:
        """The calendar jumps by that many seconds, forwards or backwards, as when a player sets it."""
        self._wall += seconds

    def restart(self) -> None:
        """The machine is started anew: no earlier moment can be compared with one from here on."""
        self._boot += 1

    def run(self, function: Callable[..., Awaitable[T]], *args: Any, backend: str = "asyncio") -> T:
        """`anyio.run` in virtual time, which starts at 0. trio has to be installed for `backend="trio"`."""
        if backend == "trio":
            from trio.testing import MockClock

            trio_clock = MockClock(autojump_threshold=self._grace)
            return anyio.run(function, *args, backend="trio", backend_options={"clock": trio_clock})
        options = {"loop_factory": lambda: _VirtualLoop(self._grace)}
        return anyio.run(function, *args, backend="asyncio", backend_options=options)


class _VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on a clock that moves only by jumps, made by its selector."""

    def __init__(self, grace: float) -> None:
        self._selector_in_virtual_time = _JumpingSelector(grace)
        super().__init__(self._selector_in_virtual_time)

    def time(self) -> float:
        return self._selector_in_virtual_time.now


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type, unused-ignore]
    """A selector that does not wait: where nothing is ready, the time asked for is over."""

    def __init__(self, grace: float) -> None:
        super().__init__()
        self.now = 0.0
        self._grace = grace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        ready = super().select(min(self._grace, timeout))
        if not ready:
            self.now += timeout
        return ready
