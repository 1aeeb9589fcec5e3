"""One renewal at a time, across tasks, threads and processes: a lock on a file, let go by the system when a process dies.

The file stays when the lock is let go: two processes must never lock two files of one name.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from ..clock import Clock

FIRST_WAIT, LONGEST_WAIT = 0.01, 0.25


@asynccontextmanager
async def locked(path: Path, clock: Clock) -> AsyncIterator[None]:
    """Hold the lock while the block runs. Waits as long as another holds it; cancel to give up. Raises `OSError`."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
    # A descriptor of its own for each holder: the lock is the descriptor's, so two threads exclude each other as well.
    descriptor = os.open(path, flags, 0o600)
    try:
        wait = FIRST_WAIT
        while not _try_to_lock(descriptor):
            # The system's own waiting cannot be cancelled. Uneven steps, so that many do not come all at once.
            await clock.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
            wait = min(LONGEST_WAIT, wait * 1.5)
        yield
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try_to_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _try_to_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
