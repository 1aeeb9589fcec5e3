"""What a test may say about real time: a promise of seconds is one for a machine that has nothing else to do."""

from __future__ import annotations

import os
import subprocess
import sys
import time


def kept(seconds: float, promise: float) -> bool:
    """Whether what took so long has kept its promise, as slow as this machine is while it runs other things, too."""
    return seconds < promise or seconds < promise * slowness()


def slowness() -> float:
    """How many times as long as its own computing a program takes here and now."""
    if not hasattr(os, "wait4"):
        return 3.0
    began, computing = time.monotonic(), 0.0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-I", "-c", "import json, subprocess"])
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        computing += used.ru_utime + used.ru_stime
    return max(1.0, 1.5 * (time.monotonic() - began) / computing)
