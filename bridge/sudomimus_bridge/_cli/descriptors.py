"""The standard descriptors that the program was started without."""

from __future__ import annotations

import errno
import os


def open_standard_descriptors() -> set[int]:
    """Open each closed standard descriptor on the null device, and return those that were closed.

    Otherwise the next file that is opened becomes standard output. Call this before anything that keeps a file open is
    imported: from Python 3.15 on, `ctypes` is such a module.
    """
    closed = set()
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            closed.add(descriptor)
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest that is free
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
    return closed
