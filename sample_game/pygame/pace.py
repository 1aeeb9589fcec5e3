"""The pace of the frames, and the time that each one took. Draws nothing."""

from __future__ import annotations

import time
from collections import deque

REMEMBERED = 240


class Pace:
    """Waits until the next frame is due. After a frame as long as two, it starts counting again."""

    def __init__(self, frames_a_second: int) -> None:
        self.frame = 1 / frames_a_second
        self.last = self.frame
        """Seconds from the start of the previous frame to the start of this one."""
        self._started = time.perf_counter()
        self._due = self._started + self.frame

    def wait(self) -> None:
        """Wait until the next frame is due."""
        while (left := self._due - time.perf_counter()) > 0:
            time.sleep(left)
        started = time.perf_counter()
        self.last, self._started = started - self._started, started
        self._due += self.frame
        if self._due <= started:
            self._due = started + self.frame


class FrameTimes:
    """The times of the latest frames, for the graph, and of the slowest ones."""

    def __init__(self) -> None:
        self.latest: deque[float] = deque(maxlen=REMEMBERED)
        self.worst = 0.0
        self.worst_signing_in = 0.0

    def add(self, seconds: float, *, signing_in: bool) -> None:
        """Count one frame."""
        self.latest.append(seconds)
        if signing_in:
            self.worst_signing_in = max(self.worst_signing_in, seconds)
        else:
            self.worst = max(self.worst, seconds)
