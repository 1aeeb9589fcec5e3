"""What goes out: messages in their order, written by a thread, so that a reader who is slow or has stopped holds up
nothing but new questions. No message is ever dropped.
"""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable

import anyio

from .._runs.threads import start_daemon, waker

FULL = 1024 * 1024
"""Unwritten bytes from which on no more questions are read, until half of them are written. Answers to those that run
still find room, and there are only so many."""

_AT_ONCE = 64 * 1024


class Outbox:
    """Writes to one descriptor. `put` is the event loop's; `on_broken` is called on the thread when nobody can read."""

    def __init__(self, descriptor: int, on_broken: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._on_broken = on_broken
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._broken = False
        self._closing = False
        self._wake: Callable[[], object] = lambda: None
        self._thread = start_daemon(self._work, name="sudomimus-bridge output")

    def put(self, message: bytes) -> None:
        """Have one message written. Never waits."""
        with self._changed:
            if not self._broken:
                self._waiting.append(message)
                self._bytes += len(message)
                self._changed.notify_all()

    @property
    def full(self) -> bool:
        """Whether more questions have to wait."""
        return self._bytes >= FULL

    async def room(self) -> None:
        """Wait until half of it is written."""
        while self._bytes > FULL // 2:
            freed = anyio.Event()
            with self._changed:
                self._wake = waker(freed)
                if self._bytes <= FULL // 2:
                    return
            await freed.wait()

    def close(self, seconds: float) -> None:
        """Wait that long at most until all is written. Blocks this thread."""
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
                    self._bytes = 0
                    self._wake()
                self._on_broken()
                return
            with self._changed:
                self._bytes -= len(data)
                if self._bytes <= FULL // 2:
                    self._wake()

    def _next(self) -> bytes | None:
        """The next messages, some at once; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closing)
            if not self._waiting:
                return None
            together, length = [self._waiting.popleft()], 0
            while self._waiting and (length := length + len(together[-1])) + len(self._waiting[0]) <= _AT_ONCE:
                together.append(self._waiting.popleft())
            return b"".join(together)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, also where a launcher has made the pipe non-blocking. Raises `OSError`."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])
