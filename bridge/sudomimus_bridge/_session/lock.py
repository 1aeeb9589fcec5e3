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

from .._values.clock import Clock
from .own_file import open_own

FIRST_WAIT, LONGEST_WAIT = 0.01, 0.25


@asynccontextmanager
async def locked(path: Path, clock: Clock) -> AsyncIterator[None]:
    """Hold the lock while the block runs. Waits as long as another holds it; cancel to give up. Raises `OSError`."""
    wait = FIRST_WAIT
    while (descriptor := _locked_file(path)) is None:
        # The system's own waiting cannot be cancelled. Uneven steps, so that many do not come all at once.
        await clock.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
        wait = min(LONGEST_WAIT, wait * 1.5)
    try:
        yield
    finally:
        try:
            _unlock(descriptor)  # closing alone would not do: a child that was forked meanwhile has it open, too
        finally:
            os.close(descriptor)


def _locked_file(path: Path) -> int | None:
    """The file, locked; None where another holds it. Each holder has a descriptor of its own, so threads exclude each other."""
    descriptor = open_own(path, os.O_RDWR | os.O_CREAT)
    try:
        if _try_to_lock(descriptor) and _still_named(path, descriptor):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _still_named(path: Path, descriptor: int) -> bool:
    """Whether the next one to come would open the same file: somebody may have cleaned the folder up."""
    if sys.platform == "win32":
        return True  # an open file is not removed there
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import ctypes
    import msvcrt

    # fileapi.h, minwinbase.h. Not `msvcrt.locking`: under Wine, and so on a Steam Deck, its error does not say why it failed.
    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _EXCLUSIVELY, _AT_ONCE = 0x2, 0x1
    _ERROR_LOCK_VIOLATION, _ERROR_IO_PENDING = 33, 997

    def _first_byte(descriptor: int) -> tuple[ctypes.c_void_p, ctypes.Array[ctypes.c_char]]:
        """The file's handle, and the OVERLAPPED that says: from its first byte on."""
        overlapped = ctypes.create_string_buffer(3 * ctypes.sizeof(ctypes.c_void_p) + 8)
        return ctypes.c_void_p(msvcrt.get_osfhandle(descriptor)), overlapped

    def _try_to_lock(descriptor: int) -> bool:
        handle, overlapped = _first_byte(descriptor)
        if _kernel.LockFileEx(handle, _EXCLUSIVELY | _AT_ONCE, 0, 1, 0, overlapped):
            return True
        if (error := ctypes.get_last_error()) in (_ERROR_LOCK_VIOLATION, _ERROR_IO_PENDING):
            return False
        raise ctypes.WinError(error)

    def _unlock(descriptor: int) -> None:
        handle, overlapped = _first_byte(descriptor)
        _kernel.UnlockFileEx(handle, 0, 1, 0, overlapped)  # closing would do it too, a little later

else:
    import fcntl

    def _try_to_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
