"""A stream of bytes, cut into lines of bounded length. What a line says is not known here."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

MAX_LINE = 128 * 1024
"""Bytes of a line without its newline. The longest thing that a launcher has to say is a token, of some thousand."""

_BOM = b"\xef\xbb\xbf"


class Overlong(Enum):
    """What stands for a line that was too long: its bytes are gone."""

    LINE = "line"


class LineSplitter:
    """Cuts at newlines, wherever the stream was split. Never holds more than a line's bound and the bytes just fed."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._skipping = False
        self._at_start = True

    def feed(self, data: bytes) -> Iterator[bytes | Overlong]:
        """The lines that `data` completes. One that is too long is told as soon as that shows, and skipped to its end."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            yield from self._keep(data, start, end)
            if self._skipping:
                self._skipping = False
            else:
                yield self._taken()
            start = end + 1
        yield from self._keep(data, start, len(data))

    def rest(self) -> Iterator[bytes]:
        """What stands after the last newline, once the stream has ended."""
        if self._kept:
            yield self._taken()

    def _keep(self, data: bytes, start: int, end: int) -> Iterator[Overlong]:
        if self._skipping:
            return
        if len(self._kept) + end - start > self._limit:
            self._kept = bytearray()
            self._skipping = True
            yield Overlong.LINE
        else:
            self._kept += data[start:end]

    def _taken(self) -> bytes:
        """The line. A byte order mark, with which some platforms begin every stream, belongs to the first of them."""
        line, self._kept = bytes(self._kept), bytearray()
        if self._at_start:
            line = line.removeprefix(_BOM)
        self._at_start = False
        return line
