"""`login browser` as a program: what is typed, what is shown, and how it ends."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


def test_by_a_key_file(program: Program) -> None:
    running = start(program, "--client-key-file", program.emulator.urls["clientKeyFile"])
    assert visit(page(running)) == "done"
    ended = running.end()
    assert ended.status == 0, ended.err
    assert list(ended.json) == ["applicationAnchor", "accessToken", "refreshToken", "claims"]
    assert "Finish there" not in ended.err and "Done in the browser" in ended.err
    assert ended.json["accessToken"] not in ended.err


def test_by_a_key_in_the_environment_with_its_lines_joined(program: Program) -> None:
    pem = Path(program.emulator.urls["clientKeyFile"]).read_text()
    program.environ["SUDOMIMUS_CLIENT_KEY"] = pem.replace("\n", "\\n")
    running = start(program)
    visit(page(running))
    assert running.end().status == 0


def test_by_an_inquiry_of_the_backends(program: Program) -> None:
    keys = with_inquiry(program)
    running = start(program)
    visit(page(running))
    ended = running.end()
    assert ended.status == 0
    assert keys["hiddenKey"] not in ended.err + ended.out
    again = run(program)
    assert (again.status, again.out) == (5, "")
    assert again.sentence == "This sign-in was used already. Start it again. (InquiryAlreadyRedeemed)"


def test_with_a_browser_that_opens_nothing_of_the_page_is_printed(program: Program, tmp_path: Path) -> None:
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
    assert ended.status == 2 and "realizeConstraints is empty" in ended.sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("{", "does not hold JSON"),
        ("[]", "must be a JSON object"),
        ("\xff", "does not hold JSON"),
    ],
)
def test_constraints_that_cannot_be_read(program: Program, tmp_path: Path, content: str | None, words: str) -> None:
    file = tmp_path / "narrow.json"
    if content is not None:
        file.write_bytes(content.encode("latin-1"))
    ended = run(program, "--constraints-file", str(file))
    assert ended.status == 2 and words in ended.sentence


def test_nothing_to_sign_in_with(program: Program) -> None:
    ended = run(program)
    assert ended.status == 2
    assert "SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY" in ended.sentence and "--client-key-file" in ended.sentence


def test_a_key_that_is_none_is_not_repeated(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("correct horse battery staple")
    ended = run(program, "--client-key-file", str(file))
    assert ended.status == 2 and "RSA, in PEM" in ended.sentence
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
def test_a_secret_typed_by_mistake(program: Program, typed: list[str]) -> None:
    ended = run(program, *typed)
    assert (ended.status, ended.out) == (2, "")
    assert "SUDOMIMUS_HIDDEN_KEY" in ended.sentence and "client key" in ended.sentence
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
def test_how_it_fails(program: Program, fault: dict[str, Any], status: int, words: str) -> None:
    program.emulator.fault(**fault)
    ended = run(program, "--client-key-file", program.emulator.urls["clientKeyFile"])
    assert (ended.status, ended.out) == (status, "")
    assert words in ended.sentence


def test_time_over_while_waiting_for_the_player(program: Program) -> None:
    with_inquiry(program)
    ended, _ = in_time(program, *LOGIN, waits_for="Waiting for you")
    assert ended.status == 5 and "(TimedOut)" in ended.sentence


def test_interrupted_while_waiting(program: Program) -> None:
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
