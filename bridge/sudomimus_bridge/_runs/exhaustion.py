"""The system's limits as errors of the bridge: no file descriptor left, no memory left, no thread left."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._values.errors import ServiceUnavailable

_LIMITS = {
    number
    for name in ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "WSAEMFILE", "WSAENOBUFS")
    if (number := getattr(errno, name, None)) is not None
}


@contextmanager
def exhaustion_as_bridge_error() -> Iterator[None]:
    """Raise `ServiceUnavailable` if the block meets a limit of the system, be it in a library's code or the bridge's."""
    try:
        yield
    except OSError as error:
        if not is_exhaustion(error):
            raise
        raise exhausted(os.strerror(error.errno or 0), "NoFilesLeft") from error


def is_exhaustion(error: BaseException) -> bool:
    """Whether the system could not give what was asked for, whatever that was."""
    return isinstance(error, OSError) and error.errno in _LIMITS


def exhausted(detail: str, reason: str) -> ServiceUnavailable:
    """The error for it. Another attempt may succeed: the limit is the process's or the computer's, and changes."""
    return ServiceUnavailable(
        "This computer is too busy to sign you in. Close other programs, then try again.",
        reason=reason,
        detail=f"{detail}: the limit of this process or of the system is reached.",
    )
