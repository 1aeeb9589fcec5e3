"""The end of the sidecar: it happens once, for the first cause, and within a second even if a library hangs."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType

import anyio

from .._runs.signals import INTERRUPTED, Waker, exit_after, on_signal

CLEAN_UP_SECONDS = 0.85
"""How long the clean-up may take. The interface promises that the process ends within a second."""

# Every command of the bridge catches SIGINT and SIGTERM. The sidecar also ends in order on Ctrl-Break and on a closed
# console (Windows), and on a closed terminal (elsewhere).
_MORE_SIGNALS = ("SIGBREAK", "SIGHUP")


class Shutdown:
    """The end of the process. A thread, a signal handler or a request may begin it."""

    def __init__(self) -> None:
        self.status: int | None = None
        self._wake: Callable[[], object] | None = None

    def limit(self, status: int = 0) -> None:
        """End the process with that status after `CLEAN_UP_SECONDS`, whatever happens until then."""
        exit_after(CLEAN_UP_SECONDS, status)

    def begin(self, status: int = 0) -> None:
        """End the process with that status. May be called from any thread or signal handler; only the first call counts."""
        if self.status is None:
            self.status = status
            self.limit(status)
        if self._wake is not None:
            self._wake()

    async def begun(self) -> None:
        """Wait for the first call of `begin`. Only one task may wait."""
        over = anyio.Event()
        self._wake = Waker(over)
        if self.status is None:
            await over.wait()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Begin the shutdown on SIGINT, SIGTERM and the like while the block runs."""
        for name in _MORE_SIGNALS:
            number = getattr(signal, name, None)
            # Under nohup SIGHUP is ignored, and remains ignored.
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                with suppress(ValueError):  # only the main thread may set handlers
                    signal.signal(number, self._interrupted)
        with on_signal(partial(self.begin, INTERRUPTED)):
            yield

    def _interrupted(self, _number: int, _frame: FrameType | None) -> None:
        self.begin(INTERRUPTED)
