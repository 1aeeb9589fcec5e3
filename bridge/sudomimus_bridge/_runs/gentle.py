"""Imports beside a frame loop, in small steps: after each module the importing thread steps aside.

Otherwise a thread that imports holds the interpreter for the switch interval each time (5 ms, `sys.getswitchinterval`),
which at 240 frames a second is more than a frame. The interval belongs to the whole program, so it is left alone; instead
a finder that finds nothing stands in `sys.meta_path` from the first of such imports on, and sleeps for a moment, on their
threads only.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

STEP_SECONDS = 0.0003
"""How long a thread imports before it steps aside, as far as single modules allow."""

PAUSE_SECONDS = 0.0002
"""Long enough for a thread that waits to wake up and take over; `time.sleep(0)` would be over before it does."""


class _StepAside:
    """A finder for `sys.meta_path` that leaves every module to the others."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Find nothing."""
        step_aside()


_finder = _StepAside()
_lock = threading.Lock()
_last: dict[int, float] = {}
"""When each thread that goes gently stepped aside last."""


def step_aside() -> None:
    """Let other threads go on, where it is due and this thread goes gently; for long work that is no import, too."""
    me = threading.get_ident()
    if me in _last and perf_counter() - _last[me] > STEP_SECONDS:
        sleep(PAUSE_SECONDS)
        _last[me] = perf_counter()


@contextmanager
def gently() -> Iterator[None]:
    """What this thread imports while the block runs, it imports in small steps. Blocks are not nested."""
    me = threading.get_ident()
    # Put in and left there. Another thread that walks along the list meets one finder twice; were ours taken out, it would
    # miss one. And a list that replaced this one would lack what another thread is just putting into it.
    with _lock:
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        _last[me] = perf_counter()
    try:
        yield
    finally:
        _last.pop(me, None)
