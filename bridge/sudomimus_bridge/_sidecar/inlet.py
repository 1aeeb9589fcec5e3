"""What comes in: bytes, read by a thread that never runs ahead of the event loop by more than two reads."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import anyio
from anyio import lowlevel

from .._runs.threads import start_daemon

_AT_ONCE = 64 * 1024
_AHEAD = 2


class Inlet:
    """Reads one descriptor. A pipe on Windows can only be waited for by a thread, so a thread it is everywhere."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._room = threading.Semaphore(_AHEAD)
        self._chunks: deque[bytes] = deque()
        self._arrived = anyio.Event()
        loop: Any = lowlevel.current_token().native_token
        self._soon: Callable[..., object] = loop.call_soon_threadsafe
        start_daemon(self._work, name="sudomimus-bridge input")

    async def receive(self) -> bytes:
        """The next bytes; none at the end of the stream."""
        await lowlevel.checkpoint()  # a stream that never pauses must not keep the logins from their turn
        while not self._chunks:
            self._arrived = anyio.Event()
            await self._arrived.wait()
        self._room.release()
        return self._chunks.popleft()

    def _work(self) -> None:
        data = b"more"
        while data:
            self._room.acquire()
            data = _read(self._descriptor)
            try:
                self._soon(self._arrive, data)
            except RuntimeError:  # the event loop is gone
                return

    def _arrive(self, data: bytes) -> None:
        self._chunks.append(data)
        self._arrived.set()


def _read(descriptor: int) -> bytes:
    """Some bytes; none where the stream has ended, or broke, which is the same to whoever waits for questions."""
    while True:
        try:
            return os.read(descriptor, _AT_ONCE)
        except BlockingIOError:
            select.select([descriptor], [], [])
        except OSError:
            return b""
