"""Specifies the output on a terminal, with and without colours, and without a terminal."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import segno

from sudomimus_bridge import Phase, ProgressEvent
from sudomimus_bridge._cli.terminal import Terminal, qr_code
from sudomimus_bridge._values.events import ErrandHandoff
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog, command
from ..helpers.patience import PATIENCE
from .test_login import ISSUE
from .test_program import NOT_FOR_DEMO, Program, on_stub

ESCAPE = re.compile(r"\x1b\[[0-9;?]*([A-Za-z])")


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    for program in on_stub(emulator, stub_library, stub_log):
        program.environ |= {"TERM": "xterm-256color", "STEAM_STUB_CHATTER": "1"}
        yield program


class Pty:
    """A terminal of a given size that records its output."""

    def __init__(self, columns: int = 80, lines: int = 24) -> None:
        self._leader, self.follower = os.openpty()
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._data = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(PATIENCE)
        os.close(self._leader)

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._leader, 65536)
            except OSError:  # the last program that had it open has ended
                return
            self._data += data

    @property
    def raw(self) -> str:
        return self._data.decode(errors="replace").replace("\r\n", "\n")

    @property
    def lines(self) -> list[str]:
        """The lines on the screen, without replaced status lines and colours."""
        text = "\n".join(line.rpartition("\r\x1b[K")[2] for line in self.raw.split("\n"))
        assert {match[1] for match in ESCAPE.finditer(text)} <= {"m"}
        return ESCAPE.sub("", text).split("\n")

    def until_shown(self, words: str) -> None:
        began = time.monotonic()
        while words not in self.raw:
            assert time.monotonic() - began < PATIENCE, self.raw
            time.sleep(0.01)


class Screen(Pty):
    """A program that runs on a terminal."""

    def __init__(self, program: Program, *arguments: str, columns: int = 80, lines: int = 24, **flags: Any) -> None:
        super().__init__(columns, lines)
        self.process = subprocess.Popen(
            command(*arguments, *program.flags(**flags)),
            env=program.all_environ,
            stdin=self.follower,
            stdout=self.follower,
            stderr=self.follower,
            start_new_session=True,
        )
        os.close(self.follower)

    def end(self) -> int:
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        self.close()
        return status


def told(event: ProgressEvent, columns: int, lines: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The lines on the screen for one event."""
    monkeypatch.setenv("TERM", "xterm-256color")
    screen = Pty(columns, lines)

    async def tell() -> None:
        with os.fdopen(screen.follower, "w", encoding="utf-8") as stream:
            Terminal(stream).progress(event)

    anyio.run(tell)
    screen.close()
    return screen.lines


def qr_rows(rows: list[str]) -> list[str]:
    return [row for row in rows if row and set(row) <= set("█▀▄ ")]


def test_login_on_a_terminal(program: Program) -> None:
    screen = Screen(program, "login", "steam")
    assert screen.end() == 0
    assert screen.lines[0] == "Signed in to demo-game."  # neither a status nor Steam's own output remains
    assert "Asking Steam for a ticket" in screen.raw and "Asking the sign-in service" in screen.raw
    assert "S_API" not in screen.raw and "breakpad" not in screen.raw


@pytest.mark.parametrize("columns", [44, 200])
def test_verbose_logs_each_step_and_nothing_moves(program: Program, columns: int) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    program.emulator.fault(f"POST {ISSUE} 503 times=1 retry-after=1")
    screen = Screen(program, "login", "steam", "-v", "--no-browser", columns=columns)
    screen.until_shown("errand status: PENDING")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    steps = re.findall(r"^[-0-9]+ [:,0-9]+ sudomimus_bridge DEBUG (.*)", "\n".join(screen.lines), re.MULTILINE)
    for step in (
        "requesting-ticket (attempt 1)",
        "Steam: asking for a ticket",
        "Steam: a ticket of ",
        "issuing (attempt 1)",
        "Steam: the ticket is cancelled",
        "answer 503",
        "Retry-After 1 s",
        "retrying (attempt 1), the next one in ",
        "issuing (attempt 2)",
        "answer 403",
        "an errand",
        "page not opened",
        "waiting-for-browser",
        "errand status: PENDING",
    ):
        assert any(step in line for line in steps), (step, steps)
    assert "\r" not in screen.raw and "\x1b[K" not in screen.raw and "httpcore" not in screen.raw
    assert not re.search(r"[0-9a-f]{64}", screen.raw)


def test_very_verbose_shows_the_logs_of_libraries(program: Program) -> None:
    screen = Screen(program, "login", "steam", "-vv")
    assert screen.end() == 0
    assert "httpcore" in screen.raw and "eyJ" not in screen.raw


def test_verbose_shows_what_steam_prints(program: Program) -> None:
    screen = Screen(program, "login", "steam", "-v")
    assert screen.end() == 0
    assert "[S_API]" in screen.raw and "breakpad" in screen.raw


@pytest.mark.parametrize(("columns", "lines", "coded"), [(80, 24, True), (200, 50, True), (80, 20, False)])
def test_page(columns: int, lines: int, coded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://via.sudomimus.com/errand?key=ernd_0123456789abcdef0123456789abcdef"
    errand = ErrandHandoff(Secret("ernd_0123456789abcdef"), Secret(url), None)
    rows = told(
        ProgressEvent(Phase.WAITING_FOR_BROWSER, errand=errand, browser_opened=False), columns, lines, monkeypatch
    )
    assert rows[0] == "Open this page in a browser, here or on your phone:"
    assert f"  {url}" in rows
    code = qr_rows(rows)
    assert bool(code) is coded
    if coded:
        assert modules(code) == [[bool(module) for module in row] for row in segno.make(url, error="l").matrix]
        # The code, the address and the status fit on one screen.
        assert len(rows) - rows.index(code[0]) <= lines
        assert all(len(line) < columns or line.startswith("  http") for line in rows)


@pytest.mark.parametrize("columns", [44, 200])
def test_loopback_page_has_no_qr_code(program: Program, columns: int) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    screen = Screen(program, "login", "steam", "--no-browser", columns=columns, lines=60)
    screen.until_shown("Waiting for you")
    assert "Open this page in a browser on this computer:" in screen.lines
    assert "phone" not in screen.raw and qr_rows(screen.lines) == []
    assert any(line.startswith("  http://127.0.0.1:") for line in screen.lines)
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130


def modules(code: list[str]) -> list[list[bool]]:
    """Which modules of a shown QR code are dark, without its border."""
    dark = {"█": (False, False), "▀": (False, True), "▄": (True, False), " ": (True, True)}
    rows = []
    for line in code:
        rows += [[dark[block][half] for block in line] for half in (0, 1)]
    border, width = 2, len(code[0]) - 4
    return [row[border : border + width] for row in rows[border : border + width]]


@pytest.mark.parametrize("length", [20, 60, 100, 300])
def test_qr_code_of_any_size_has_a_border(length: int) -> None:
    text = f"https://via.sudomimus.com/{'a' * length}"
    shown = qr_code(text, os.terminal_size((200, 100)), colour=False, encoding="utf-8")
    assert shown is not None
    code = shown.split("\n")
    assert len({len(line) for line in code}) == 1
    assert set(code[0]) == {"█"} and all(line[:2] + line[-2:] == "████" for line in code)
    assert modules(code) == [[bool(module) for module in row] for row in segno.make(text, error="l").matrix]


def test_no_qr_code_if_the_encoding_has_no_blocks() -> None:
    assert qr_code("x", os.terminal_size((80, 24)), colour=False, encoding="ascii") is None


def test_no_color_removes_colours(program: Program) -> None:
    program.environ["STEAM_STUB_RUNNING"] = "0"
    screen = Screen(program, "login", "steam", columns=200)
    assert screen.end() == 3
    assert "\x1b[31msudomimus-bridge:\x1b[0m Steam is not running." in screen.raw
    program.environ["NO_COLOR"] = "1"
    screen = Screen(program, "login", "steam", columns=200)
    assert screen.end() == 3
    assert "m" not in {match[1] for match in ESCAPE.finditer(screen.raw)}
    assert screen.lines[0] == "sudomimus-bridge: Steam is not running. Start Steam, sign in, then try again."
    assert "  reason: SteamNotRunning" in screen.lines


def test_long_sentences_wrap_between_words(program: Program) -> None:
    screen = Screen(program, "doctor", steam_library="/nowhere/at/all")
    assert screen.end() == 3
    assert all(len(line) < 80 for line in screen.lines)
    assert "                      Set steam_library to the path of libsteam_api.so, or of" in screen.lines
    assert "                      its folder." in screen.lines
    assert "\x1b[31mfail\x1b[0m steam-library    There is no Steam library at /nowhere/at/all\n" in screen.raw


def test_dumb_terminal_gets_plain_lines(program: Program) -> None:
    program.environ["TERM"] = "dumb"
    screen = Screen(program, "login", "steam")
    assert screen.end() == 0
    assert "\x1b" not in screen.raw and "\r" not in screen.raw


def test_terminal_with_an_ascii_encoding(program: Program) -> None:
    program.environ |= {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    program.emulator.update({"claims.email": "REQUIRED"})
    screen = Screen(program, "login", "steam", "--no-browser")
    screen.until_shown("Waiting for you")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    assert screen.raw.isascii() and "Traceback" not in screen.raw


def test_wait_is_counted_down(program: Program) -> None:
    program.emulator.fault(path=ISSUE, status=503, headers={"Retry-After": "70"})
    screen = Screen(program, "login", "steam")
    screen.until_shown("Many players are signing in right now. Trying again (2 of 8) in 1:")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    assert screen.lines[0].startswith("sudomimus-bridge: The login was cancelled.")


def test_narrow_terminal_shows_the_time_that_the_login_has_left(program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    screen = Screen(program, "login", "steam", "--no-browser", columns=44, timeout="600")
    screen.until_shown("Waiting for you in the 9:5")
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
    drawn = [line for line in screen.raw.split("\r\x1b[K") if "Waiting for you" in line]
    assert all(len(line.split("\n")[0]) < 44 for line in drawn)


def test_closed_terminal_does_not_end_the_login(program: Program) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "300"
    leader, follower = os.openpty()
    process = subprocess.Popen(
        command("login", "steam", "--json", *program.flags()),
        env=program.all_environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    os.read(leader, 10)
    os.close(leader)
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0 and out.startswith(b"{")
    program.every_ticket_was_cancelled_once(1)


def test_demo(program: Program) -> None:
    screen = Screen(program, "demo", **NOT_FOR_DEMO)
    assert screen.end() == 0
    assert screen.lines[0] == "Steam: a stub, loaded like the real libsteam_api.so."
    assert screen.lines[1].startswith("Sign-in service: the local one, at http://127.0.0.1:")
    assert screen.lines[2] == "Signed in to demo-game."
    assert screen.lines[3].endswith("characters, not shown here")  # demo has no --json, so no line mentions it
    assert screen.lines[-2:] == ["Steam gave 1 ticket; none of them left open.", ""]


@pytest.mark.parametrize("more", [[], ["--no-browser"]])
def test_demo_completes_its_errand_by_itself(program: Program, more: list[str]) -> None:
    screen = Screen(program, "demo", "--claim-gate", "--auto", *more, **NOT_FOR_DEMO)
    assert screen.end() == 0
    assert "The game asks for your email." in screen.lines
    assert "Done in the browser. Thank you." in screen.lines
    assert not any("Waiting" in line for line in screen.lines)
    assert "  email           shared" in screen.lines
    assert screen.lines[-2] == "Steam gave 2 tickets; none of them left open."
