"""The clock, one of the four ports. No flow asks for the time, or waits, in any other way.

Tests use `testing.VirtualClock`, which has the same calls on an event loop with virtual time.
"""

from __future__ import annotations

import time
from typing import Protocol

import anyio

from .uptime import Uptime, uptime


class Clock(Protocol):
    """Time for a flow: monotonic seconds for waits, and the wall clock only for a comparison with the service's."""

    def now(self) -> float:
        """Seconds on a monotonic clock. Only differences have a meaning."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 by this computer's calendar, which may be wrong."""
        ...

    def uptime(self) -> Uptime:
        """A moment on the computer's clock that runs through sleep. A token's lifetime is measured with it."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        ...

    def move_on_after(self, seconds: float) -> anyio.CancelScope:
        """A scope that is cancelled after that many seconds."""
        ...


class SystemClock:
    """The event loop's own clock, which is monotonic on asyncio and on trio."""

    def now(self) -> float:
        """Seconds on the event loop's monotonic clock."""
        return anyio.current_time()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def uptime(self) -> Uptime:
        """A moment on the computer's clock that runs through sleep."""
        return uptime()

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        await anyio.sleep(seconds)

    def move_on_after(self, seconds: float) -> anyio.CancelScope:
        """A scope that is cancelled after that many seconds."""
        return anyio.move_on_after(seconds)
