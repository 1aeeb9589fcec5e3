"""The standard pipes, kept for the protocol: one thread reads lines of bounded length, another writes the messages in order.

Call `private_pipes` before anything is loaded that might use them. Steam's library and client print on standard output
(docs/contracts/steam.md), and a child process such as the browser would inherit both pipes. So the real pipes get other
descriptors, which no child inherits. Standard output then leads to standard error, and standard input is empty.

No message is ever dropped. A slow launcher delays only the reading of further requests.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import Enum

import anyio
from anyio import lowlevel

from .._runs.signals import Waker
from .._runs.threads import start_daemon


def private_pipes() -> tuple[int, int]:
    """The descriptors of the real standard input and output. They are never put back: a library may print until the end."""
    with suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
    pipes = os.dup(0), os.dup(1)  # not inheritable (PEP 446)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    _never_block_on_standard_error()
    os.dup2(2, 1)
    return pipes


def _never_block_on_standard_error() -> None:
    """Drop output that does not fit into standard error's pipe. Otherwise Steam's library blocks in a print, and its login.

    Linux can open the same pipe a second time. Only this second descriptor is made non-blocking: the first one may be shared
    with the launcher (pipe(7)).
    """
    with suppress(OSError):
        if sys.platform == "linux" and stat.S_ISFIFO(os.fstat(2).st_mode):
            non_blocking = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_NONBLOCK)
            os.dup2(non_blocking, 2)
            os.close(non_blocking)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all bytes, even if another process has made the pipe non-blocking. Raises `OSError`."""
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


MAX_LINE = 128 * 1024
"""The most bytes of a line, without its newline. The longest value that a launcher sends is a token of some kilobytes."""

_BOM = b"\xef\xbb\xbf"
_CHUNK = 64 * 1024
_CHUNKS_AHEAD = 2


class PipeReader:
    """Reads one descriptor on a thread, at most two chunks ahead of the event loop. Windows has no other way to
    wait for a pipe.
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
        await lowlevel.checkpoint()  # yield to the logins, even if the stream never pauses
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
    """Replaces a line that was too long. Its bytes are dropped."""

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


FULL = 1024 * 1024
"""If this many bytes are unwritten, no further request is read until half of them are written. The running requests may
still answer; their number is limited."""


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
