"""The program from outside: how the command-line tests start it, and what holds for every command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing.compiled_stub import open_tickets

from .conftest import StubLog, command

PATIENCE = 30.0
"""Seconds until a program that hangs fails its test. None of them needs a tenth of it."""


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int
    out: str
    err: str
    seconds: float

    @property
    def sentence(self) -> str:
        """The last line of standard error: what went wrong, without the program's name."""
        name, _, sentence = self.err.rstrip("\n").rpartition("\n")[2].partition(": ")
        assert name == "sudomimus-bridge", self.err
        return sentence

    @property
    def json(self) -> Any:
        """The one JSON object on standard output, which holds nothing else."""
        assert self.out.endswith("\n") and self.out.count("\n") == 1, self.out
        return json.loads(self.out)


class Running:
    """A program that runs, with both streams read as they come."""

    def __init__(self, arguments: Sequence[str], environ: Mapping[str, str], stdin: int) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            arguments,
            env=dict(environ),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._heard = {"out": b"", "err": b""}
        self._threads = [
            threading.Thread(target=self._listen, args=(name, stream), daemon=True)
            for name, stream in (("out", self.process.stdout), ("err", self.process.stderr))
        ]
        for thread in self._threads:
            thread.start()

    def _listen(self, name: str, stream: Any) -> None:
        with stream:
            while data := os.read(stream.fileno(), 65536):
                self._heard[name] += data

    @property
    def err(self) -> str:
        """Standard error so far."""
        return self._heard["err"].decode()

    def until(self, reached: Callable[[], Any]) -> Any:
        """Wait until something is so, and have it."""
        while not (value := reached()):
            if time.monotonic() - self.began > PATIENCE or self.process.poll() is not None:
                pytest.fail(f"it did not come to that; status {self.process.poll()}, standard error:\n{self.err}")
            time.sleep(0.005)
        return value

    def until_said(self, words: str) -> None:
        """Wait until standard error holds these words."""
        self.until(lambda: words in self.err)

    def signal(self, number: int) -> None:
        """Send a signal; the clock of the end starts anew."""
        self.began = time.monotonic()
        self.process.send_signal(number)

    def end(self) -> Ended:
        """Wait for the end."""
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        seconds = time.monotonic() - self.began
        for thread in self._threads:
            thread.join(PATIENCE)
        return Ended(status, self._heard["out"].decode(), self.err, seconds)


@dataclass
class Program:
    """`sudomimus-bridge` on the compiled stub and the local service."""

    emulator: Emulator
    library: Path
    log: StubLog
    environ: dict[str, str] = field(default_factory=dict)

    def flags(self, **changes: str | None) -> list[str]:
        """The flags that point a login at the stub and the local service; None leaves one out."""
        urls = self.emulator.urls
        values = {
            "application": urls["application"],
            "steam_app_id": str(urls["steamAppId"]),
            "steam_library": str(self.library),
            "native_url": urls["native"],
            "via_url": urls["via"],
            **changes,
        }
        return [
            word for name, value in values.items() if value is not None for word in (f"--{name.replace('_', '-')}", value)
        ]

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL, **flags: str | None) -> Running:
        """Start a command with `flags`."""
        return Running(command(*arguments, *self.flags(**flags)), {**os.environ, **self.environ}, stdin)

    def run(self, *arguments: str, text: str | None = None, **flags: str | None) -> Ended:
        """Run a command with `flags` to its end, with `text` as its standard input."""
        running = self.start(*arguments, stdin=subprocess.DEVNULL if text is None else subprocess.PIPE, **flags)
        if text is not None and running.process.stdin is not None:
            with running.process.stdin as stdin:
                stdin.write(text.encode())
        return running.end()

    def every_ticket_was_cancelled_once(self, tickets: int | None = None) -> None:
        """Judge by the stub's log; `tickets` is how many were given."""
        calls = self.log.calls
        given = Counter(c.handle for c in calls if c.call.endswith("GetAuthTicketForWebApi") and c.nonce)
        cancelled = Counter(c.handle for c in calls if c.call.endswith("CancelAuthTicket"))
        assert given == cancelled and open_tickets(calls) == []
        assert "misuse" not in self.log.story()
        if tickets is not None:
            assert given.total() == tickets


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Any:
    """The program, with the local service as new and knowing which tickets the stub has cancelled."""
    emulator.reset(settings=True)
    emulator.update(steam_log=stub_log.path)
    yield Program(emulator, stub_library, stub_log)
    emulator.reset(settings=True)


def bare(*arguments: str, text: str | None = None, **environ: str) -> Ended:
    """Run a command with nothing but what is given."""
    running = Running(
        command(*arguments), {**os.environ, **environ}, subprocess.DEVNULL if text is None else subprocess.PIPE
    )
    if text is not None and running.process.stdin is not None:
        with running.process.stdin as stdin:
            stdin.write(text.encode())
    return running.end()
