"""When a pair of tokens came: the moment that an access token's lifetime is counted from."""

from __future__ import annotations

from .._values.clock import Clock
from .._values.events import LoginResult, OnProgress, Phase, ProgressEvent
from .record import Record

STEAM = "steam"


class Receipt:
    """Listens to a login's progress and notes the moment before the request that brought the tokens.

    Before the request, not after its answer: a token that took a minute to arrive is a minute old.
    """

    def __init__(self, clock: Clock, on_progress: OnProgress | None) -> None:
        self._clock = clock
        self._on_progress = on_progress
        self._received = clock.uptime()

    def __call__(self, event: ProgressEvent) -> None:
        """One step of the login, passed on to the door."""
        if event.phase is Phase.ISSUING:
            self._received = self._clock.uptime()
        elif event.asked is not None:  # it came with the last of many polls
            self._received = event.asked
        if self._on_progress is not None:
            self._on_progress(event)

    def record(self, result: LoginResult, method: str) -> Record:
        """What to keep of the login's result."""
        return Record.of(result, method, self._received)
