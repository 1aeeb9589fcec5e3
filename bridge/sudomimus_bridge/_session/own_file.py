"""Opening a file that only the player may have made: no link, no pipe, and nothing that another user put there."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

PRIVATE = stat.S_IRUSR | stat.S_IWUSR
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def open_own(path: Path, flags: int) -> int:
    """A descriptor, for this process alone. Raises `OSError`, and `PermissionError` where the file is not the player's own.

    Whoever may write it could sign the player in as somebody else, or keep the lock.
    """
    # A pipe would block for as long as nobody writes into it.
    safely = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)
    descriptor = os.open(path, flags | safely, PRIVATE)
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise PermissionError(errno.EPERM, f"{path.name} is not a file")
        if hasattr(os, "geteuid") and (about.st_uid != os.geteuid() or about.st_mode & OTHERS_MAY_WRITE):
            raise PermissionError(errno.EPERM, f"{path.name} may be changed by another user")
        if flags & os.O_CREAT and about.st_mode & PRIVATE != PRIVATE:  # a umask took the player's own right
            path.chmod(PRIVATE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
