"""Standard output, kept for what the program itself says.

Steam's library and client print lines of their own on the process's standard streams (steamworks/ABI, "The process"). So
the real standard output is set aside before anything is loaded, and file descriptor 1 leads to standard error meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Container, Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from typing import Any

from .._runs.signals import ignore_next_signal
from .._sidecar.pipes import write_all
from .._values.errors import ConfigurationError, system_words
from .terminal import Terminal


class AnswerLost(ConfigurationError):
    """The answer could not be written to standard output (exit status 2): the fault is outside of the bridge."""

    def __init__(self, error: OSError | None = None) -> None:
        """`error` is what writing failed with; None if standard output is closed."""
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
        """Whether a person reads it directly."""
        return self._descriptor is not None and os.isatty(self._descriptor)

    def text(self, text: str) -> None:
        """Write a text and a newline."""
        self._write(f"{text}\n".encode(self._encoding, "backslashreplace"))

    def json(self, value: dict[str, Any]) -> None:
        """Write one JSON object and a newline, whole. ASCII, so that no encoding can spoil it."""
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
    """Write a text to Python's standard output, for help that needs no `Output`. Raises `AnswerLost`."""
    if sys.stdout is None:
        raise AnswerLost
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as error:
        raise AnswerLost(error) from None


def give_up_broken_streams() -> None:
    """Lead a standard stream to nowhere if it cannot be written: Python flushes it at exit, and a failure there ends
    the program with status 120.
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
    """Set standard output aside for `Output`; what libraries print there goes to standard error until the block ends.

    `closed` are the standard descriptors that the program was started without. On a terminal, what libraries print would run
    into the status line, so it is shown only if `chatter` asks for it.
    """
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    with _set_aside(1) as real:
        os.dup2(2, 1)
        if chatter or not terminal.alive:
            yield Output(None if 1 in closed else real, encoding)
            return
        with _set_aside(2) as screen:
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
def _set_aside(descriptor: int) -> Iterator[int]:
    """A copy of a standard descriptor, which gets its place back when the block ends."""
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
