"""Specifies `login device` as a program: the code, the page as a QR code, and each end."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import segno

from sudomimus_bridge import Phase, ProgressEvent
from sudomimus_bridge._values.events import DeviceHandoff
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator, visit

from ..conftest import StubLog
from ..helpers.patience import kept
from .test_program import Program, Running, on_stub
from .test_terminal import Screen, modules, qr_rows, told

CODE = re.compile(r"  (http\S+)    code: (\S+)")


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    for program in on_stub(emulator, stub_library, stub_log):
        program.environ |= {"TERM": "xterm-256color", "PYTHONUTF8": "1"}
        emulator.update({"device.interval": 1})
        yield program


def start(program: Program, *arguments: str) -> Running:
    return program.start("login", "device", *arguments)


def shown(running: Running) -> tuple[str, str]:
    running.until_said("Waiting for the code")
    found = CODE.search(running.err)
    assert found is not None
    return found[1], found[2]


def test_code_is_confirmed(program: Program) -> None:
    running = start(program, "--json", "--no-browser")
    page, code = shown(running)
    assert page == f"{program.emulator.urls['via']}/device"
    assert visit(page, user_code=code) == "done"
    ended = running.end()
    assert ended.status == 0, ended.err
    assert list(ended.json) == ["applicationAnchor", "accessToken", "refreshToken", "claims"]
    assert "\033" not in ended.err and "█" not in ended.err
    assert ended.json["accessToken"] not in ended.err


def test_code_is_declined(program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    running = start(program, "--no-browser")
    page, code = shown(running)
    assert visit(page, user_code=code, agree=False) == "declined"
    ended = running.end()
    assert (ended.status, ended.out) == (4, "") and "reason: access_denied" in ended.error


def test_code_expires(program: Program) -> None:
    program.emulator.update({"device.lifetime_seconds": 1})
    ended = program.run("login", "device", "--no-browser")
    assert (ended.status, ended.out) == (5, "") and "reason: expired_token" in ended.error


def test_unknown_application(program: Program) -> None:
    ended = program.run("login", "device", application="no-such-game")
    assert ended.status == 2 and 'knows no application "no-such-game"' in ended.error


def test_signal_while_waiting(program: Program) -> None:
    running = start(program, "--no-browser")
    shown(running)
    running.signal(signal.SIGINT)
    ended = running.end()
    assert (ended.status, ended.out) == (130, "") and kept(ended.seconds, 2)


@pytest.mark.parametrize(
    ("columns", "lines", "coded"), [(80, 24, True), (120, 40, True), (80, 20, False), (40, 24, True)]
)
def test_device_page_on_a_terminal(columns: int, lines: int, coded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    page = "https://via.sudomimus.com/device"
    device = DeviceHandoff("WDJB-M0H8", Secret(page), Secret(f"{page}?user-code=WDJB-M0H8"), 600)
    rows = told(
        ProgressEvent(Phase.WAITING_FOR_BROWSER, device=device, browser_opened=False), columns, lines, monkeypatch
    )
    assert rows[0] == "Open this page in a browser, here or on any other device, and confirm the code:"
    found = CODE.search("\n".join(rows))
    assert found is not None
    at = next(number for number, row in enumerate(rows) if CODE.search(row))
    code = qr_rows(rows[:at])
    assert bool(code) is coded
    if coded:
        complete = f"{found[1]}?user-code={found[2]}"
        assert modules(code) == [[bool(module) for module in row] for row in segno.make(complete, error="l").matrix]
        assert len(rows) - rows.index(code[0]) <= lines


@pytest.mark.parametrize("opened", [False, True])
def test_loopback_page_has_no_qr_code(program: Program, opened: bool) -> None:
    program.environ["BROWSER"] = "true %s"
    screen = Screen(program, "login", "device", *([] if opened else ["--no-browser"]), columns=200, lines=60)
    screen.until_shown("Waiting for the code")
    assert "other device" not in screen.raw and qr_rows(screen.lines[:-6]) == []
    assert CODE.search("\n".join(screen.lines))
    screen.process.send_signal(signal.SIGINT)
    assert screen.end() == 130
