"""The clock, one of the four ports, and the time since the computer was started.

Every flow takes the time from this port and waits with it. Tests use `testing.VirtualClock`, which has the same calls on an
event loop with virtual time.

A token's age is measured with the time since the computer was started, sleep included: `time.monotonic` stops while a laptop
sleeps, and the calendar may jump. Two such moments can be compared only if they belong to the same start of the computer, so
each moment names its start.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from .system import sysctl_text

if TYPE_CHECKING:
    import anyio  # each call below imports anyio itself: when a game starts, it needs only `uptime`


@dataclass(frozen=True)
class Uptime:
    """A moment: seconds since the start that `boot` names."""

    boot: str
    seconds: float

    def since(self, earlier: Uptime) -> float | None:
        """Seconds from `earlier` to this moment; None if they cannot be compared because the computer was restarted."""
        if self.boot != earlier.boot or self.seconds < earlier.seconds:
            return None
        return self.seconds - earlier.seconds


def uptime() -> Uptime:
    """This moment, by the system's clock that runs through sleep."""
    if sys.platform == "win32":
        import ctypes

        kernel = ctypes.WinDLL("kernel32")
        kernel.GetTickCount64.restype = ctypes.c_ulonglong
        return Uptime(
            _boot(), kernel.GetTickCount64() / 1000
        )  # sysinfoapi.h: "includes time the system spends in sleep"
    if sys.platform == "darwin":
        return Uptime(_boot(), time.clock_gettime(time.CLOCK_MONOTONIC))  # clock_gettime(3): goes on while asleep
    if hasattr(time, "CLOCK_BOOTTIME"):
        return Uptime(_boot(), time.clock_gettime(time.CLOCK_BOOTTIME))
    return Uptime(_boot(), time.monotonic())


@cache
def _boot() -> str:
    """The name of this start of the computer. If the system gives none, the name belongs to this process alone."""
    try:
        boot = _system_boot()
    except (OSError, ValueError, AttributeError):
        boot = ""
    return boot or f"process-{os.urandom(16).hex()}"


def _system_boot() -> str:
    if sys.platform == "win32":
        import ctypes

        # The time of the start, without the corrections of the clock since then (ntexapi.h, SYSTEM_TIMEOFDAY_INFORMATION).
        times = (ctypes.c_int64 * 6)()  # BootTime, CurrentTime, TimeZoneBias, two numbers, BootTimeBias, SleepTimeBias
        time_of_day = 3
        if ctypes.WinDLL("ntdll").NtQuerySystemInformation(time_of_day, times, ctypes.sizeof(times), None) != 0:
            return ""
        return f"windows-{times[0] - times[4]}"
    if sys.platform == "darwin":
        return sysctl_text("kern.bootsessionuuid")
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


class Clock(Protocol):
    """Time for a flow: monotonic seconds for its waits, and the calendar for a comparison with the service's clock."""

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
        """Return the seconds on the event loop's monotonic clock."""
        import anyio

        return anyio.current_time()

    def wall(self) -> float:
        """Return the seconds since 1970."""
        return time.time()

    def uptime(self) -> Uptime:
        """Return a moment on the computer's clock that runs through sleep."""
        return uptime()

    async def sleep(self, seconds: float) -> None:
        """Wait. `seconds` may have a fraction."""
        import anyio

        await anyio.sleep(seconds)

    def move_on_after(self, seconds: float) -> anyio.CancelScope:
        """Return a scope that is cancelled after `seconds`."""
        import anyio

        return anyio.move_on_after(seconds)
