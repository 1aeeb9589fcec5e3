"""Imports beside a frame loop, in small steps: meanwhile Python switches between threads more often.

A thread that imports keeps the interpreter for the switch interval (5 ms, `sys.getswitchinterval`), which is longer than a
frame at 240 frames a second. The interval belongs to the whole program, so this module shortens it only during the
imports. If the game sets the interval meanwhile, the game's value stays. `benchmarks/frame_time.py` compares other ways.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERVAL_SECONDS = 0.0005

_lock = threading.Lock()
_importing = 0
_before = 0.0


@contextmanager
def in_small_steps() -> Iterator[None]:
    """Shorten the switch interval while the block runs. Blocks on several threads may overlap.

    An interval that is shorter already stays as it is.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _importing, _before
    with _lock:
        _importing += 1
        if _importing == 1:
            _before = sys.getswitchinterval()
            if _before > INTERVAL_SECONDS:
                sys.setswitchinterval(INTERVAL_SECONDS)


def _leave() -> None:
    global _importing
    with _lock:
        _importing -= 1
        if _importing == 0 and _before > INTERVAL_SECONDS and abs(sys.getswitchinterval() - INTERVAL_SECONDS) < 1e-5:
            sys.setswitchinterval(_before + 5e-7)  # Python cuts off fractions of a microsecond
