"""Standard output: a thread writes the messages in order. A slow launcher delays only the reading of further requests.

No message is ever dropped.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

import anyio

from .._runs.threads import start_daemon
from .._runs.waking import Waker
from .pipes import write_all

FULL = 1024 * 1024
"""If this many bytes are unwritten, no further request is read until half of them are written. The running requests may
still answer; their number is limited."""

_CHUNK = 64 * 1024


class PipeWriter:
    """Writes to one descriptor. The event loop calls `put`. The thread calls `on_broken` if nobody can read any more."""

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._broken = False
        self._closing = False
        self._freed: Callable[[], object] | None = None
        self._thread = start_daemon(self._work, name="sudomimus-bridge output")

    def put(self, message: bytes) -> None:
        """Queue one message. Never waits."""
        with self._changed:
            if not self._broken:
                self._waiting.append(message)
                self._bytes += len(message)
                self._changed.notify_all()

    @property
    def full(self) -> bool:
        """Whether further requests have to wait."""
        return self._bytes >= FULL

    async def room(self) -> None:
        """Wait until half of `FULL` is written."""
        while self._bytes > FULL // 2:
            freed = anyio.Event()
            with self._changed:
                self._freed = Waker(freed)
                if self._bytes <= FULL // 2:
                    return
            await freed.wait()

    def close(self, seconds: float) -> None:
        """Wait up to that many seconds until everything is written. Blocks this thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(seconds)

    def _work(self) -> None:
        while (data := self._next()) is not None:
            try:
                write_all(self._descriptor, data)
            except OSError:
                with self._changed:
                    self._broken = True
                    self._waiting.clear()
                    self._written(self._bytes)
                self._on_broken()
                return
            with self._changed:
                self._written(len(data))

    def _written(self, count: int) -> None:
        self._bytes -= count
        if self._bytes <= FULL // 2 and self._freed is not None:
            self._freed()

    def _next(self) -> bytes | None:
        """The next messages, several at once if they are short; None at the end."""
        with self._changed:
            while not self._waiting:
                if self._closing:
                    return None
                self._changed.wait()
            together, length = [self._waiting.popleft()], 0
            while self._waiting and (length := length + len(together[-1])) + len(self._waiting[0]) <= _CHUNK:
                together.append(self._waiting.popleft())
            return b"".join(together)
