"""Time in tests: how long to wait for a condition, and how much more time a busy machine may take."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sudomimus_bridge._runs.running import Running

T = TypeVar("T")

PATIENCE = 180.0
"""Seconds after which a test gives up waiting and fails. An idle machine needs a hundredth of them."""


def until(reached: Callable[[], T], while_waiting: Callable[[], object] = lambda: None) -> T:
    """Wait until the function returns something true, and return that. Call `while_waiting` in between."""
    give_up = time.monotonic() + PATIENCE
    while not (value := reached()):
        assert time.monotonic() < give_up, "waited in vain"
        while_waiting()
        time.sleep(0.002)
    return value


def finish(running: Running[Any]) -> Any:
    """Poll a login as a frame loop does, until it has ended, and return its result."""
    return until(running.poll)


def with_time(attempt: Callable[[float], T], enough: Callable[[T], bool], seconds: float = 1.0) -> tuple[T, float]:
    """Repeat an attempt with longer and longer timeouts until it had enough time. Return its result and its timeout.

    Use it if a timeout must not expire before a program has reached a certain step.
    """
    while not enough(result := attempt(seconds)) and seconds < PATIENCE:
        seconds *= 4
    return result, seconds


def kept(seconds: float, promise: float) -> bool:
    """Whether `seconds` is less than the promised time, which is longer on a busy machine. Measures up to five times."""
    return seconds < promise or any(seconds < promise * slowness() for _ in range(5))


def slowness() -> float:
    """Return the ratio of a program's duration to its CPU time, on this machine at this moment."""
    if not hasattr(os, "wait4"):
        return 3.0
    began, computing = time.monotonic(), 0.0
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-I", "-c", "import json, subprocess"])
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        computing += used.ru_utime + used.ru_stime
    return max(1.0, 1.5 * (time.monotonic() - began) / computing)
