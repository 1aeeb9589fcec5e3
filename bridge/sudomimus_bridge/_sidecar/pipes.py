"""The standard pipes, set aside for the protocol before anything is loaded that might use them.

Steam's library and client print on standard output (steamworks/ABI, "The process"), and a child such as the browser
would inherit both. So the real ones get numbers that nobody knows and no child inherits; what is printed on standard
output goes to standard error, and standard input is empty.
"""

from __future__ import annotations

import os
import stat
import sys
from contextlib import suppress


def private_pipes() -> tuple[int, int]:
    """The descriptors of the real standard input and output. For good: a library may print until the process has ended."""
    with suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
    pipes = os.dup(0), os.dup(1)  # not inheritable (PEP 446)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    _lose_what_nobody_reads()
    os.dup2(2, 1)
    return pipes


def _lose_what_nobody_reads() -> None:
    """Have what finds no room in standard error dropped, or Steam's library stops in the middle of a line, and its login.

    Linux gives a second way into the same pipe, which alone does not wait: the first may be the launcher's own (pipe(7)).
    """
    with suppress(OSError):
        if sys.platform == "linux" and stat.S_ISFIFO(os.fstat(2).st_mode):
            unwaiting = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK)
            os.dup2(unwaiting, 2)
            os.close(unwaiting)
