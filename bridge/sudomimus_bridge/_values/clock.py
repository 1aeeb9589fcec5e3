"""The clock, one of the four ports. Nothing else in the bridge asks for the time or waits.

The test implementation is `testing.virtual_time.VirtualClock`: the same calls on an event loop whose time is virtual.
"""

from __future__ import annotations

import time
from typing import Protocol

import anyio

from .uptime import Uptime, uptime


class Clock(Protocol):
    """Time as a login sees it: monotonic seconds for waiting, the wall only to compare with the service's."""

    def now(self) -> float:
        """Seconds on a monotonic clock; only differences mean anything."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 by this machine's calendar, which may be wrong."""
        ...

    def uptime(self) -> Uptime:
        """A moment on the machine's clock that runs through sleep: what a token's lifetime is counted on."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        ...

    def move_on_after(self, seconds: float) -> anyio.CancelScope:
        """A scope that is cancelled once that many seconds are over."""
        ...


class SystemClock:
    """The event loop's own clock, which is monotonic on asyncio and trio alike."""

    def now(self) -> float:
        """Seconds on the event loop's monotonic clock."""
        return anyio.current_time()

    def wall(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def uptime(self) -> Uptime:
        """A moment on the machine's clock that runs through sleep."""
        return uptime()

    async def sleep(self, seconds: float) -> None:
        """Wait that many seconds."""
        await anyio.sleep(seconds)

    def move_on_after(self, seconds: float) -> anyio.CancelScope:
        """A scope that is cancelled once that many seconds are over."""
        return anyio.move_on_after(seconds)
