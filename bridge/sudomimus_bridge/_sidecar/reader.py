"""Standard input: a thread reads bytes, and `LineSplitter` cuts them into lines of bounded length."""

from __future__ import annotations

import os
import select
import threading
from collections import deque
from collections.abc import Iterator
from enum import Enum

import anyio
from anyio import lowlevel

from .._runs.threads import start_daemon
from .._runs.waking import Waker

MAX_LINE = 128 * 1024
"""The most bytes of a line, without its newline. The longest value that a launcher sends is a token of some kilobytes."""

_BOM = b"\xef\xbb\xbf"
_CHUNK = 64 * 1024
_CHUNKS_AHEAD = 2


class PipeReader:
    """Reads one descriptor on a thread, at most two chunks ahead of the event loop. Windows can wait for a pipe in no
    other way.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._room = threading.Semaphore(_CHUNKS_AHEAD)
        self._chunks: deque[bytes] = deque()
        self._arrived = anyio.Event()
        self._wake = Waker(self._arrived)
        start_daemon(self._work, name="sudomimus-bridge input")

    async def receive(self) -> bytes:
        """The next bytes; `b""` at the end of the stream."""
        await lowlevel.checkpoint()  # a stream that never pauses must leave the logins their turn
        while not self._chunks:
            self._arrived = anyio.Event()
            self._wake = Waker(self._arrived)
            if self._chunks:
                break
            await self._arrived.wait()
        self._room.release()
        return self._chunks.popleft()

    def _work(self) -> None:
        data = b"more"
        while data:
            self._room.acquire()
            data = _read(self._descriptor)
            self._chunks.append(data)
            if not self._wake():
                return  # the event loop has ended


def _read(descriptor: int) -> bytes:
    """Some bytes; `b""` if the stream has ended or is broken."""
    while True:
        try:
            return os.read(descriptor, _CHUNK)
        except BlockingIOError:
            select.select([descriptor], [], [])
        except OSError:
            return b""


class Overlong(Enum):
    """Stands for a line that was too long. Its bytes are dropped."""

    LINE = "line"


class LineSplitter:
    """Cuts a stream into lines. Holds at most one line of the permitted length, and the bytes of the last `feed`."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._skipping = False
        self._at_start = True

    def feed(self, data: bytes) -> Iterator[bytes | Overlong]:
        """The lines that `data` completes. A line that is too long is reported at once, then skipped to its end."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            yield from self._keep(data, start, end)
            if self._skipping:
                self._skipping = False
            else:
                yield self._take()
            start = end + 1
        yield from self._keep(data, start, len(data))

    def rest(self) -> Iterator[bytes]:
        """The bytes after the last newline. Call it at the end of the stream."""
        if self._kept:
            yield self._take()

    def _keep(self, data: bytes, start: int, end: int) -> Iterator[Overlong]:
        if self._skipping:
            return
        if len(self._kept) + end - start > self._limit:
            self._kept = bytearray()
            self._skipping = True
            yield Overlong.LINE
        else:
            self._kept += data[start:end]

    def _take(self) -> bytes:
        """The line. Some platforms begin every stream with a byte order mark, which is removed from the first line."""
        line, self._kept = bytes(self._kept), bytearray()
        if self._at_start:
            line = line.removeprefix(_BOM)
        self._at_start = False
        return line
