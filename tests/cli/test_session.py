"""`refresh` and `logout`, by subprocess on the local service."""

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


def test_a_session_is_renewed_and_ended(program: Program, emulator: Emulator) -> None:
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
    ) == 1  # nothing is used up for nobody

    ended = program.run("logout", "--json", text=emulator.open_session().refresh_token)
    assert ended.status == 0
    assert [session.revoked for session in emulator.sessions] == [True, False]  # the environment's goes first
    assert json.loads(ended.out) == {"revoked": True}
    assert program.run("logout").out == "This session had ended already.\n"


def test_a_refused_token_and_none(program: Program, emulator: Emulator) -> None:
    refused = program.run("refresh", "--json", text="eyJhbGciOiJSUzI1NiJ9.e30.c2ln")
    assert (refused.status, refused.out) == (4, "") and "eyJ" not in refused.err
    for command in ("refresh", "logout"):
        none = program.run(command, "--json", text="")
        assert none.status == 2 and "SUDOMIMUS_REFRESH_TOKEN" in none.err


def test_a_renewal_says_which_application_it_is_for(program: Program) -> None:
    """The service's answer does not, and a launcher reads it in the pair."""
    refused = program.run("refresh", "--json", text="x", application=None)
    assert refused.status == 2 and "No application is set" in refused.err


def test_a_token_of_unknown_fate_is_said_to_be_one(program: Program, emulator: Emulator) -> None:
    emulator.fault("POST /session/refresh reset when=after")
    lost = program.run("refresh", "--json", text=emulator.open_session().refresh_token)
    assert (lost.status, lost.out) == (6, "") and "Do not send it again" in lost.err
