"""The emulator's one clock: the machine's time, until somebody moves it.

Windows, errands, tokens and the header `Date` all ask this clock, so that a day can pass within a test. Only a fault's
`delay` is real time, for it tries the client's patience.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

# `datetime` ends with the year 9999, and the longest lifetime still has to fit.
LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    """Seconds since the epoch, which run on their own, jump ahead, or stand still."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._frozen_at: float | None = None

    def now(self) -> float:
        """The present moment, in seconds since the epoch."""
        return self._frozen_at if self._frozen_at is not None else time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """Jump ahead. There is no way back: a window that has passed stays so. ValueError beyond the calendar's end."""
        if not seconds >= 0:
            raise ValueError("the clock only goes forward")
        if self.now() + min(seconds, LATEST) > LATEST:
            raise ValueError("the clock goes to the year 9000 and no further")
        self._offset += seconds
        if self._frozen_at is not None:
            self._frozen_at += seconds

    def freeze(self, frozen: bool = True) -> None:
        """Stand still until `advance`, or run again from the moment shown."""
        now = self.now()
        self._frozen_at = now if frozen else None
        self._offset = now - time.monotonic()

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen_at is not None


def timestamp(moment: float) -> str:
    """`moment` in the form of `expiresAt`: UTC, whole seconds, a Z at the end."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
