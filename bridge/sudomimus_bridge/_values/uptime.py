"""Time since the machine was started, sleep included: what a token's lifetime is counted on.

`time.monotonic` stands still while a laptop sleeps, and the calendar jumps; this does neither. A moment is only compared
with one of the same start of the machine, so each carries which start it belongs to.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .sysctl import sysctl_text


@dataclass(frozen=True)
class Uptime:
    """A moment: seconds since the start that `boot` names."""

    boot: str
    seconds: float

    def since(self, earlier: Uptime) -> float | None:
        """Seconds from `earlier` to this moment; None where they cannot be compared, the machine having been restarted."""
        if self.boot != earlier.boot or self.seconds < earlier.seconds:
            return None
        return self.seconds - earlier.seconds


def uptime() -> Uptime:
    """This moment, by the system's own clock that runs through sleep."""
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
    """Which start of the machine this is. Where that cannot be told, no other process shares the answer."""
    try:
        boot = _system_boot()
    except (OSError, ValueError, AttributeError):
        boot = ""
    return boot or f"process-{os.urandom(16).hex()}"


def _system_boot() -> str:
    if sys.platform == "win32":
        import ctypes

        # When it was started, less what the clock was set by since (ntexapi.h, SYSTEM_TIMEOFDAY_INFORMATION): both move alike.
        times = (ctypes.c_int64 * 6)()  # BootTime, CurrentTime, TimeZoneBias, two numbers, BootTimeBias, SleepTimeBias
        time_of_day = 3
        if ctypes.WinDLL("ntdll").NtQuerySystemInformation(time_of_day, times, ctypes.sizeof(times), None) != 0:
            return ""
        return f"windows-{times[0] - times[4]}"
    if sys.platform == "darwin":
        return sysctl_text("kern.bootsessionuuid")
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
