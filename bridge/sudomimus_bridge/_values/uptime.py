"""Time since the computer was started, sleep included. A token's lifetime is measured with it.

`time.monotonic` stops while a laptop sleeps, and the calendar may jump; this clock does neither. Two moments can be compared
only if they belong to the same start of the computer, so each moment names its start.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .system import sysctl_text


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
