"""The system's limits as errors of the bridge: no file descriptor left, no memory left, no thread left."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from .._values.errors import ServiceUnavailable

_OF_FILES = {getattr(errno, name, None) for name in ("EMFILE", "ENFILE", "WSAEMFILE")} - {None}
_LIMITS = _OF_FILES | {getattr(errno, name, None) for name in ("ENOMEM", "ENOBUFS", "WSAENOBUFS")} - {None}


@contextmanager
def exhaustion_as_bridge_error() -> Iterator[None]:
    """Raise `ServiceUnavailable` if the block reaches a limit of the system, in a library's code or in the bridge's."""
    try:
        yield
    except Exception as error:
        if (named := as_exhaustion(error)) is None:
            raise
        raise named from error


def as_exhaustion(error: Exception) -> ServiceUnavailable | None:
    """The error to raise if the exception says that a limit of the system is reached; None for any other exception."""
    if isinstance(error, ExceptionGroup):
        return next(filter(None, map(as_exhaustion, error.exceptions)), None)
    if isinstance(error, OSError) and error.errno is not None and error.errno in _LIMITS:
        return exhausted(os.strerror(error.errno), "NoFilesLeft" if error.errno in _OF_FILES else "NoMemoryLeft")
    return None


def exhausted(detail: str, reason: str) -> ServiceUnavailable:
    """The error for a limit. The limit belongs to the process or the computer and changes, so another attempt may succeed."""
    return ServiceUnavailable(
        "This computer is too busy to sign you in. Close other programs, then try again.",
        reason=reason,
        detail=f"{detail}: the limit of this process or of the system is reached.",
    )
