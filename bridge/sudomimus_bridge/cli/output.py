"""Standard output, kept for what the program itself says.

Steam's library and client print lines of their own on the process's standard streams (steamworks/ABI, "The process"). So
the real standard output is set aside before anything is loaded, and file descriptor 1 leads to standard error meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Output:
    """The program's own standard output."""

    def __init__(self, descriptor: int | None, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads it directly."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def text(self, text: str) -> None:
        """Write a text and a newline."""
        self._write(f"{text}\n".encode(self._encoding, "replace"))

    def json(self, value: dict[str, Any]) -> None:
        """Write one JSON object and a newline, whole. ASCII, so that no encoding can spoil it."""
        self._write(json.dumps(value).encode() + b"\n")

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            raise BrokenPipeError("standard output is closed")
        while data:
            data = data[os.write(self._descriptor, data) :]


@contextmanager
def own_standard_output() -> Iterator[Output]:
    """Set standard output aside for `Output`; whatever else is printed goes to standard error until the block ends."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
    try:
        real = os.dup(1)
    except OSError:  # started without a standard output
        yield Output(None, encoding)
        return
    try:
        try:
            os.dup2(2, 1)
        except OSError:  # started without a standard error: then chatter goes nowhere
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.close(nowhere)
        yield Output(real, encoding)
    finally:
        with suppress(AttributeError, OSError, ValueError):
            sys.stdout.flush()
        os.dup2(real, 1)
        os.close(real)
