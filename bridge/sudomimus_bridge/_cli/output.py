"""Standard output, kept for the program's own answer, and the standard descriptors that the program was started without.

Steam's library and client also print on the standard streams (docs/contracts/steam.md). So the real standard
output is moved to another descriptor before anything is loaded, and descriptor 1 leads to standard error meanwhile.
"""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from typing import Any

from .._runs.signals import ignore_next_signal
from .._sidecar.streams import write_all
from .._values.errors import ConfigurationError, system_words
from .terminal import Terminal


def open_standard_descriptors() -> set[int]:
    """Open each closed standard descriptor on the null device, and return those that were closed.

    Otherwise the next file that is opened becomes standard output. Call this before anything that keeps a file open is
    imported: from Python 3.15 on, `ctypes` is such a module.
    """
    closed = set()
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            closed.add(descriptor)
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free descriptor, which is usually this one
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
    return closed


class AnswerLost(ConfigurationError):
    """The answer cannot be written to standard output (exit status 2)."""

    def __init__(self, error: OSError | None = None) -> None:
        """`error` is the failure of the write; None if standard output is closed."""
        if error is None:
            why, fix = "Standard output is closed", " Run the command with an open standard output."
        elif isinstance(error, BrokenPipeError):
            why, fix = "The program that reads standard output has ended", ""
        else:
            why, fix = f"Standard output cannot be written ({system_words(error)})", ""
        super().__init__(f"{why}, so the answer was lost.{fix}")


class Output:
    """The program's own standard output."""

    def __init__(self, descriptor: int | None, encoding: str) -> None:
        self._descriptor = descriptor
        self._encoding = encoding

    @property
    def is_terminal(self) -> bool:
        """Whether standard output is a terminal."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    @property
    def descriptor(self) -> int | None:
        """The descriptor of standard output, for a program that this one starts; None if it is closed."""
        return self._descriptor

    def text(self, text: str) -> None:
        """Write a text and a newline."""
        self._write(f"{text}\n".encode(self._encoding, "backslashreplace"))

    def json(self, value: dict[str, Any]) -> None:
        """Write one JSON object and a newline, in ASCII. A single signal does not interrupt it."""
        data = json.dumps(value).encode() + b"\n"
        ignore_next_signal()
        self._write(data)

    def _write(self, data: bytes) -> None:
        if self._descriptor is None:
            raise AnswerLost
        try:
            write_all(self._descriptor, data)
        except OSError as error:
            raise AnswerLost(error) from None


def print_plainly(text: str) -> None:
    """Write a text to `sys.stdout`, for --help and --version. Raises `AnswerLost`."""
    if sys.stdout is None:
        raise AnswerLost
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise AnswerLost(error) from None


def replace_broken_streams() -> None:
    """Redirect a standard stream to the null device if it cannot be written.

    Python flushes the streams at exit, and ends with status 120 if that fails.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except ValueError:  # closed
            continue
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            with suppress(OSError, ValueError):
                os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


@contextmanager
def own_standard_output(terminal: Terminal, closed: Container[int], *, chatter: bool) -> Iterator[Output]:
    """Reserve standard output for `Output`. Until the block ends, the libraries' output goes to standard error.

    `closed` holds the standard descriptors that were closed when the program started. On a terminal the libraries' output
    would break the status line, so it is dropped unless `chatter` is set.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with _moved(1) as real:
        os.dup2(2, 1)
        if chatter or not terminal.alive:
            yield Output(None if 1 in closed else real, encoding)
            return
        with _moved(2) as screen:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            os.close(nowhere)
            stream = open(screen, "w", encoding=terminal.stream.encoding, closefd=False)  # noqa: SIM115
            before, terminal.stream = terminal.stream, stream
            try:
                with redirect_stderr(stream):
                    yield Output(None if 1 in closed else real, encoding)
            finally:
                terminal.stream = before
                with suppress(OSError):  # the terminal may be gone
                    stream.close()


@contextmanager
def _moved(descriptor: int) -> Iterator[int]:
    """A copy of a standard descriptor. The descriptor itself is restored when the block ends."""
    with suppress(AttributeError, OSError, ValueError):
        sys.stdout.flush()
    copy = os.dup(descriptor)
    try:
        yield copy
    finally:
        with suppress(AttributeError, OSError, ValueError):
            sys.stdout.flush()
        os.dup2(copy, descriptor)
        os.close(copy)
