"""What a login and its door say to each other while it runs: progress one way, "I'm done in the browser" the other."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from .._values.events import Claims, DeviceHandoff, ErrandHandoff, OnProgress, Phase, ProgressEvent
from .._values.uptime import Uptime

_log = logging.getLogger("sudomimus_bridge")


class DoneSignal:
    """The player says: done in the browser. Set from the event loop's thread; doors on other threads go through theirs."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def set(self) -> bool:
        """Say so. True where a login was waiting for the player and had not been told yet."""
        if self._event is None or self._event.is_set():
            return False
        self._event.set()
        return True

    @contextmanager
    def listen(self) -> Iterator[anyio.Event]:
        """The event that `set` sets while the block runs. What was said before does not count."""
        try:
            yield self.listen_again()
        finally:
            self._event = None

    def listen_again(self) -> anyio.Event:
        """Once it was said and heard: the event for the next time."""
        self._event = anyio.Event()
        return self._event


class Progress:
    """Tells the door each phase. A door that raises ends the login with its own error, like any other caller's bug."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self._on_progress = on_progress

    def tell(
        self,
        phase: Phase,
        *,
        errand: ErrandHandoff | None = None,
        device: DeviceHandoff | None = None,
        claims: Claims | None = None,
        attempt: int | None = None,
        retry_in_seconds: float | None = None,
        browser_opened: bool | None = None,
        asked: Uptime | None = None,
    ) -> None:
        """One event."""
        number = "" if attempt is None else f" (attempt {attempt})"
        wait = "" if retry_in_seconds is None else f", the next one in {retry_in_seconds:.1f} s"
        _log.debug("%s%s%s", phase.value, number, wait)
        if self._on_progress is not None:
            self._on_progress(
                ProgressEvent(
                    phase,
                    errand=errand,
                    device=device,
                    claims=claims,
                    attempt=attempt,
                    retry_in_seconds=retry_in_seconds,
                    browser_opened=browser_opened,
                    asked=asked,
                )
            )
