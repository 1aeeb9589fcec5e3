"""The standard pipes, kept for the protocol. Call `private_pipes` before anything is loaded that might use them.

Steam's library and client print on standard output (docs/contracts/steam.md), and a child process such as the browser would
inherit both pipes. So the real pipes get other descriptors, which no child inherits. Standard output then leads to
standard error, and standard input is empty.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from contextlib import suppress


def private_pipes() -> tuple[int, int]:
    """The descriptors of the real standard input and output. They are never put back: a library may print until the end."""
    with suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
    pipes = os.dup(0), os.dup(1)  # not inheritable (PEP 446)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    _never_block_on_standard_error()
    os.dup2(2, 1)
    return pipes


def _never_block_on_standard_error() -> None:
    """Drop output that does not fit into standard error's pipe. Otherwise Steam's library blocks in a print, and its login.

    Linux can open the same pipe a second time. Only this second descriptor is made non-blocking: the first one may be shared
    with the launcher (pipe(7)).
    """
    with suppress(OSError):
        if sys.platform == "linux" and stat.S_ISFIFO(os.fstat(2).st_mode):
            non_blocking = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK)
            os.dup2(non_blocking, 2)
            os.close(non_blocking)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes, even if another process has made the pipe non-blocking. Raises `OSError`."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
