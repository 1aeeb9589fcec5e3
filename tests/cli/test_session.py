"""Specifies the commands `refresh` and `logout`, on the local service."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from .test_program import Program, on_stub


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


def test_refresh_and_logout(program: Program, emulator: Emulator) -> None:
    token = emulator.open_session().refresh_token
    renewed = program.run("refresh", "--json", text=token + "\n")
    assert (renewed.status, renewed.err) == (0, "")
    pair = json.loads(renewed.out)
    assert set(pair) == {"applicationAnchor", "accessToken", "refreshToken", "claims"}
    assert pair["refreshToken"] != token

    program.environ["SUDOMIMUS_REFRESH_TOKEN"] = pair["refreshToken"]
    refused = program.run("refresh")
    assert (refused.status, refused.out) == (2, "") and "Pass --json" in refused.err
    assert [request.path for request in emulator.requests].count(
        "/session/refresh"
    ) == 1  # the first command, without --json, did not use the token

    ended = program.run("logout", "--json", text=emulator.open_session().refresh_token)
    assert ended.status == 0
    assert [session.revoked for session in emulator.sessions] == [
        True,
        False,
    ]  # the environment wins over standard input
    assert json.loads(ended.out) == {"revoked": True}
    assert program.run("logout").out == "This session had already ended.\n"


def test_refused_and_missing_token(program: Program, emulator: Emulator) -> None:
    refused = program.run("refresh", "--json", text="eyJhbGciOiJSUzI1NiJ9.e30.c2ln")
    assert (refused.status, refused.out) == (4, "") and "eyJ" not in refused.err
    for command in ("refresh", "logout"):
        none = program.run(command, "--json", text="")
        assert none.status == 2 and "SUDOMIMUS_REFRESH_TOKEN" in none.err


def test_refresh_needs_the_application(program: Program) -> None:
    """The output names the application, and the service's answer does not."""
    refused = program.run("refresh", "--json", text="x", application=None)
    assert refused.status == 2 and "No application is set" in refused.err


def test_refresh_says_that_the_token_may_be_used(program: Program, emulator: Emulator) -> None:
    emulator.fault("POST /session/refresh reset when=after")
    lost = program.run("refresh", "--json", text=emulator.open_session().refresh_token)
    assert (lost.status, lost.out) == (6, "") and "Do not send it again" in lost.err
