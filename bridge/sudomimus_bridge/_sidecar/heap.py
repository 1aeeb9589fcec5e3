"""Keeps the heap from being cut up: a process that serves a launcher all evening gives back what a long line took."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_M_MMAP_THRESHOLD = -3
_LARGE = 32 * 1024


def give_back_large_blocks() -> None:
    """Have glibc map large blocks, which it then gives back one by one.

    By itself it raises the threshold to the largest block freed so far, and keeps what is smaller (mallopt(3)).
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
