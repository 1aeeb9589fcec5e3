"""Opens, replaces and locks files that several processes use, and that no other user may have written."""

from __future__ import annotations

import errno
import os
import random
import stat
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from .._values.clock import Clock

T = TypeVar("T")

PRIVATE = stat.S_IRUSR | stat.S_IWUSR
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH

FIRST_WAIT, LONGEST_WAIT = 0.01, 0.25
"""Seconds between two looks at a lock that another process holds."""

PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4) if sys.platform == "win32" else ()
"""The pauses of `retry_if_in_use`, in seconds: about one in all. A file that may not be opened fails with the same error."""


def open_private(path: Path, flags: int) -> int:
    """Open a file and return its descriptor. Child processes do not inherit it. A link is not followed.

    Raises `OSError`, and `PermissionError` if another user may have written the file. That user could sign the player in as
    somebody else, or keep the lock.
    """
    # A pipe would block until somebody writes into it.
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | safely, PRIVATE)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise PermissionError(errno.EPERM, f"{path.name} is not a file")
        if hasattr(os, "geteuid") and (about.st_uid != os.geteuid() or about.st_mode & OTHERS_MAY_WRITE):
            raise PermissionError(errno.EPERM, f"another user may change {path.name}")
        if flags & os.O_CREAT and about.st_mode & PRIVATE != PRIVATE:  # a umask took the player's own right
            path.chmod(PRIVATE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def retry_if_in_use(use: Callable[[], T]) -> T:
    """Call `use`; on Windows, try again while another process has the file open. Blocks for a second at most.

    On Windows, an open file cannot be replaced, and a file that is being replaced cannot be opened. Another process of the game
    reads the session in a moment; a virus scanner takes longer. POSIX has no sharing violations, so this does nothing there.
    """
    for pause in PAUSES:
        try:
            return use()
        except PermissionError:  # ERROR_SHARING_VIOLATION, or ERROR_ACCESS_DENIED during a replacement (winerror.h)
            time.sleep(pause)
    return use()


@asynccontextmanager
async def lock_file(path: Path, clock: Clock) -> AsyncIterator[None]:
    """Hold a lock across tasks, threads and processes while the block runs. The system releases it if the process dies.

    Waits for as long as another task, thread or process holds the lock; a cancelled task gives up. The file is never removed:
    otherwise two processes could lock two files of the same name. Raises `OSError`.
    """
    wait = FIRST_WAIT
    while (descriptor := _locked_file(path)) is None:
        # Not the system's own wait, which cannot be cancelled. Random steps, so that processes do not all try at once.
        await clock.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - not a secret
        wait = min(LONGEST_WAIT, wait * 1.5)
    try:
        yield
    finally:
        try:
            _unlock(descriptor)  # a child that was forked meanwhile has the file open too, so closing is not enough
        finally:
            os.close(descriptor)


def _locked_file(path: Path) -> int | None:
    """Open and lock the file; None if the lock is held. Each holder opens the file anew, so threads exclude each other."""
    descriptor = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        if _try_to_lock(descriptor) and _still_named(path, descriptor):
            return descriptor
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _still_named(path: Path, descriptor: int) -> bool:
    """Whether the path still leads to this file: another process may have removed the file since."""
    if sys.platform == "win32":
        return True  # an open file cannot be removed there
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import ctypes
    import msvcrt

    # fileapi.h, minwinbase.h. Under Wine, and so on a Steam Deck, the error of `msvcrt.locking` does not say why it failed.
    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _EXCLUSIVELY, _AT_ONCE = 0x2, 0x1
    _ERROR_LOCK_VIOLATION, _ERROR_IO_PENDING = 33, 997

    def _first_byte(descriptor: int) -> tuple[ctypes.c_void_p, ctypes.Array[ctypes.c_char]]:
        """The file's handle, and an OVERLAPPED that means: from the first byte on."""
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
        _kernel.UnlockFileEx(handle, 0, 1, 0, overlapped)  # closing the file releases the lock too, but later

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
