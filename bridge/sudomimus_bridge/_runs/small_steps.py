"""Work beside a frame loop, in small steps: meanwhile Python switches between threads more often.

A thread that imports, or that begins a login, keeps the interpreter for the switch interval (5 ms, `sys.getswitchinterval`),
which is longer than a frame at 240 frames a second. The interval belongs to the whole program, so this module shortens it only
during that work. If the game sets the interval meanwhile, the game's value stays. `benchmarks/frame_time.py` compares other ways.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

INTERVAL_SECONDS = 0.0005

BEGINNING_SECONDS = 1.0
"""A started flow takes short turns for this long: its event loop, Steam's library and its connection begin in that time."""

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


class Beginning:
    """Short turns from now on, until `end`, or until `end_if_over` is called after `BEGINNING_SECONDS`."""

    def __init__(self) -> None:
        self._over_at = time.monotonic() + BEGINNING_SECONDS
        self._leave = [_leave]  # popping is atomic, so one thread alone leaves
        _enter()

    def end_if_over(self) -> None:
        """End it if its time is over. A frame loop calls this each frame."""
        if self._leave and time.monotonic() > self._over_at:
            self.end()

    def end(self) -> None:
        """End it. A second call has no effect."""
        with suppress(IndexError):
            self._leave.pop()()


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
