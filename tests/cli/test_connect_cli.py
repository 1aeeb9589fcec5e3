"""Specifies `login browser` as a program: its credentials, its page, and each end."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sudomimus_bridge.emulator import Emulator, visit

from ..conftest import StubLog
from ..helpers.patience import kept
from .test_program import Program, Running, in_time, on_stub

LOGIN = ("login", "browser", "--json", "--no-browser")


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


def start(program: Program, *arguments: str) -> Running:
    return program.start(*LOGIN, *arguments)


def run(program: Program, *arguments: str, **flags: str) -> Any:
    return program.run(*LOGIN, *arguments, **flags)


def page(running: Running) -> str:
    running.until_said("Waiting for you")
    return next(line.strip() for line in running.err.splitlines() if line.startswith("  http"))


def with_inquiry(program: Program) -> dict[str, str]:
    keys = program.emulator.establish()
    program.environ |= {"SUDOMIMUS_EXPOSURE_KEY": keys["exposureKey"], "SUDOMIMUS_HIDDEN_KEY": keys["hiddenKey"]}
    return keys


def test_client_key_from_a_file(program: Program) -> None:
    running = start(program, "--client-key-file", program.emulator.urls["clientKeyFile"])
    assert visit(page(running)) == "done"
    ended = running.end()
    assert ended.status == 0, ended.err
    assert list(ended.json) == ["applicationAnchor", "accessToken", "refreshToken", "claims"]
    assert "Finish there" not in ended.err and "Done in the browser" in ended.err
    assert ended.json["accessToken"] not in ended.err


def test_client_key_after_the_services_clock_was_moved(program: Program) -> None:
    moved = httpx.post(f"{program.emulator.urls['native']}/_emulator/clock", json={"advance": 400 * 86_400})
    assert moved.is_success, moved.text
    running = start(program, "--client-key-file", program.emulator.urls["clientKeyFile"])
    assert visit(page(running)) == "done"
    ended = running.end()
    assert ended.status == 0, ended.err
    assert ended.json["accessToken"]


def test_client_key_from_the_environment_on_one_line(program: Program) -> None:
    pem = Path(program.emulator.urls["clientKeyFile"]).read_text()
    program.environ["SUDOMIMUS_CLIENT_KEY"] = pem.replace("\n", "\\n")
    running = start(program)
    visit(page(running))
    assert running.end().status == 0


def test_inquiry_of_a_backend(program: Program) -> None:
    keys = with_inquiry(program)
    running = start(program)
    visit(page(running))
    ended = running.end()
    assert ended.status == 0
    assert keys["hiddenKey"] not in ended.err + ended.out
    again = run(program)
    assert (again.status, again.out) == (5, "")
    assert again.error.startswith("This sign-in was used already. Start it again. ")
    assert again.error.endswith(" reason: InquiryAlreadyRedeemed")


def test_page_is_not_printed_if_a_browser_opens_it(program: Program, tmp_path: Path) -> None:
    robot = tmp_path / "robot"
    robot.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path[:0] = {sys.path!r}\n"
        "from sudomimus_bridge.emulator import visit\nvisit(sys.argv[1])\n"
    )
    robot.chmod(0o755)
    program.environ["BROWSER"] = str(robot)
    keys = with_inquiry(program)
    ended = program.run("login", "browser")
    assert ended.status == 0, ended.err
    assert ended.out.startswith("Signed in to demo-game.\n")
    assert "A page has opened in your browser. Finish there." in ended.err
    assert keys["exposureKey"] not in ended.err


def test_constraints_from_a_file(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "narrow.json"
    narrowing = {
        "realizeConstraints": [{"constraintType": "EMAIL", "payload": {"allowedEmails": ["nobody@example.com"]}}]
    }
    file.write_text(json.dumps(narrowing))
    key = ("--client-key-file", program.emulator.urls["clientKeyFile"])
    running = start(program, *key, "--constraints-file", str(file))
    assert visit(page(running)) == "not-allowed"
    running.signal(signal.SIGINT)
    assert running.end().status == 130
    file.write_text('{"realizeConstraints": []}')
    ended = run(program, *key, "--constraints-file", str(file))
    assert ended.status == 2 and "realizeConstraints is empty" in ended.error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("{", "does not hold JSON"),
        ("[]", "must be a JSON object"),
        ("\xff", "does not hold JSON"),
    ],
)
def test_unreadable_constraints(program: Program, tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "narrow.json"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    ended = run(program, "--constraints-file", str(file))
    assert ended.status == 2 and words in ended.error


def test_missing_credentials(program: Program) -> None:
    ended = run(program)
    assert ended.status == 2
    assert "SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY" in ended.error and "--client-key-file" in ended.error


def test_malformed_key_is_not_repeated(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("correct horse battery staple")
    ended = run(program, "--client-key-file", str(file))
    assert ended.status == 2 and "RSA, in PEM" in ended.error
    assert "horse" not in ended.err


@pytest.mark.parametrize(
    "typed",
    [
        ["--client-key", "abc"],
        ["--hidden-key=abc"],
        ["--exposure-key", "abc"],
        ["hid_0123456789abcdef"],
        ["--client-key-file", "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----"],
    ],
    ids=lambda typed: typed[0][:13],
)
def test_secret_on_the_command_line(program: Program, typed: list[str]) -> None:
    ended = run(program, *typed)
    assert (ended.status, ended.out) == (2, "")
    assert "SUDOMIMUS_HIDDEN_KEY" in ended.error and "client key" in ended.error
    assert "abc" not in ended.err and "0123456789" not in ended.err and "MIIE" not in ended.err


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"path": "/connect/establish", "status": 400, "reason": "InvalidBody"}, 2, "constraints"),
        ({"path": "/connect/establish", "status": 401}, 4, "client key was not accepted"),
        ({"path": "/connect/establish", "status": 403, "reason": "ApplicationDisabled"}, 4, "switched off"),
        ({"path": "/connect/status-poll", "status": 400, "reason": "InquiryExpired"}, 5, "has expired"),
        ({"path": "/connect/establish", "status": 429, "headers": {"Retry-After": "9999"}}, 6, "Too many players"),
    ],
)
def test_failed_login(program: Program, fault: dict[str, Any], status: int, words: str) -> None:
    program.emulator.fault(**fault)
    ended = run(program, "--client-key-file", program.emulator.urls["clientKeyFile"])
    assert (ended.status, ended.out) == (status, "")
    assert words in ended.error


def test_timeout_while_waiting_for_the_player(program: Program) -> None:
    with_inquiry(program)
    ended, _ = in_time(program, *LOGIN, waits_for="Waiting for you")
    assert ended.status == 5 and "reason: TimedOut" in ended.error


def test_signal_while_waiting(program: Program) -> None:
    with_inquiry(program)
    running = start(program)
    page(running)
    running.signal(signal.SIGTERM)
    ended = running.end()
    assert (ended.status, ended.out) == (130, "") and kept(ended.seconds, 2)


def test_verbose_logs_no_secret(program: Program) -> None:
    keys = with_inquiry(program)
    running = start(program, "-v")
    visit(page(running))
    ended = running.end()
    assert ended.status == 0 and "DEBUG" in ended.err
    for secret in (keys["hiddenKey"], ended.json["accessToken"], ended.json["refreshToken"], "cnf_"):
        assert secret not in ended.err
