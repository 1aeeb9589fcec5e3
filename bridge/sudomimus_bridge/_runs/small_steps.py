"""Imports beside a frame loop, in small steps: after each module the importing thread steps aside for a moment.

Without this, a thread that imports keeps the interpreter for the whole switch interval (5 ms, `sys.getswitchinterval`),
which is longer than a frame at 240 frames a second. The interval belongs to the whole program, so it stays as it is.
Instead, a finder in `sys.meta_path` that never finds anything sleeps for a moment. It does so only on threads that import in
small steps.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter, sleep

STEP_SECONDS = 0.0003
"""How long a thread imports before it steps aside. A single large module may take longer."""

PAUSE_SECONDS = 0.0002
"""Long enough for a waiting thread to wake up and take over. `time.sleep(0)` would end before it does."""


class _StepAside:
    """A finder for `sys.meta_path` that leaves every module to the other finders."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        """Find nothing."""
        step_aside()


_finder = _StepAside()
_lock = threading.Lock()
_last: dict[int, float] = {}
"""For each thread that imports in small steps, the time when it last stepped aside."""


def step_aside() -> None:
    """Let other threads run, if this thread goes in small steps and its step is over. Also for long work without imports."""
    me = threading.get_ident()
    if me in _last and perf_counter() - _last[me] > STEP_SECONDS:
        sleep(PAUSE_SECONDS)
        _last[me] = perf_counter()


@contextmanager
def in_small_steps() -> Iterator[None]:
    """Yield to other threads between this thread's imports, while the block runs. Blocks are not nested."""
    me = threading.get_ident()
    # The finder is never removed. A thread that walks along the list meanwhile may meet one finder twice, which does no
    # harm; a removal could make it miss one. A list that replaced this one could lack a finder that another thread adds.
    with _lock:
        if _finder not in sys.meta_path:
            sys.meta_path.insert(0, _finder)
        _last[me] = perf_counter()
    try:
        yield
    finally:
        _last.pop(me, None)
