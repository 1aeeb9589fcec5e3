"""How the sidecar ends: once, for the first cause that comes, and within a second whatever is stuck."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import anyio

from .._runs.signals import INTERRUPTED, exit_after, on_signal
from .._runs.threads import waker

PATIENCE_SECONDS = 0.85
"""How long the clean-up may take, of the second that is promised. A library stuck in a call must not keep the process."""

# Beyond what every command of the bridge catches: Ctrl-Break and a closed console on Windows, a closed terminal elsewhere.
_MORE_SIGNALS = ("SIGBREAK", "SIGHUP")


class Life:
    """The end of the process, which anybody may cause: another thread, a signal, the protocol."""

    def __init__(self) -> None:
        self.status: int | None = None
        self._wake: Callable[[], object] = lambda: None

    def end(self, status: int = 0) -> None:
        """Have the process end with that status. From any thread or signal handler; only the first call counts."""
        if self.status is None:
            self.status = status
            exit_after(PATIENCE_SECONDS, status)
        self._wake()

    async def ended(self) -> None:
        """Wait for the end. For one task."""
        over = anyio.Event()
        self._wake = waker(over)
        if self.status is None:
            await over.wait()

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Have SIGINT, SIGTERM and their like end the process while the block runs."""
        for name in _MORE_SIGNALS:
            number = getattr(signal, name, None)
            # A program that was told to outlive its terminal (nohup) does.
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                with suppress(ValueError):  # not on the main thread, as in a test
                    signal.signal(number, lambda _number, _frame: self.end(INTERRUPTED))
        with on_signal(lambda: self.end(INTERRUPTED)):
            yield
