"""The emulator's only clock: it has the machine's time until somebody moves it.

Budgets, errands, tokens and the header `Date` all use this clock, so a day can pass within a test. Only a fault's `delay` is
real time, because it tests how long a client waits.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime

# `datetime` ends with the year 9999, and the longest lifetime must still fit.
LATEST = datetime(9000, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    """Seconds since 1970. They pass by themselves, jump ahead, or stand still."""

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()
        self._frozen_at: float | None = None

    def now(self) -> float:
        """The present time, in seconds since 1970."""
        return self._frozen_at if self._frozen_at is not None else time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock ahead. It never goes back. Raises ValueError beyond the year 9000."""
        if not seconds >= 0:
            raise ValueError("the clock only goes forward")
        if self.now() + min(seconds, LATEST) > LATEST:
            raise ValueError("the clock goes to the year 9000 and no further")
        self._offset += seconds
        if self._frozen_at is not None:
            self._frozen_at += seconds

    def freeze(self, frozen: bool = True) -> None:
        """Stop the clock, which then moves only by `advance`, or let it run again from its present time."""
        now = self.now()
        self._frozen_at = now if frozen else None
        self._offset = now - time.monotonic()

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._frozen_at is not None


def timestamp(moment: float) -> str:
    """A moment as in `expiresAt`: UTC, whole seconds, with a final Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
