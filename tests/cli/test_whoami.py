"""Specifies `whoami` and the sidecar's `player`: the same profile in each dialect, and an unknown player instead of an error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from ..helpers.sidecar_helpers import Launcher, launchers
from ..session.test_player import DIALECTS, share_everything
from .test_program import Here, Program, on_stub

MEMBERS = ["subject", "name", "givenName", "familyName", "email", "emailVerified", "picture", "animatedPicture"]

Ask = Callable[[str], dict[str, Any]]


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture(params=["whoami", "sidecar"])
def ask(request: pytest.FixtureRequest, program: Program) -> Iterator[Ask]:
    """A function that returns the player of an access token."""
    if request.param == "whoami":
        yield partial(by_command, program)
    else:
        for start in launchers(program):
            yield partial(by_sidecar, start())


def by_command(program: Program, token: str) -> dict[str, Any]:
    return dict(program.run("whoami", "--json", text=token + "\n").json)


def by_sidecar(launcher: Launcher, token: str) -> dict[str, Any]:
    return dict(launcher.call("player", {"accessToken": token})["result"])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_player_in_each_dialect(ask: Ask, emulator: Emulator, dialect: str) -> None:
    share_everything(emulator, dialect)
    pair = emulator.open_session()
    player = ask(pair.access_token)
    assert list(player) == MEMBERS
    assert player["subject"] in {each.subject for each in emulator.config.players}
    assert (player["name"], player["givenName"], player["familyName"]) == ("Robin", "Robin", "")
    assert player["email"] == "robin@example.com"
    assert (player["picture"] is None) is (dialect == "documents")


@pytest.mark.parametrize(
    "fault", ["401", "404", "429", "500", "reset", "garbage", "redirect=https://elsewhere.example/"]
)
def test_profile_that_cannot_be_fetched_is_unknown(ask: Ask, emulator: Emulator, fault: str) -> None:
    emulator.update(dialect="v4")
    emulator.fault(f"GET /session/userinfo {fault}")
    player = ask(emulator.open_session().access_token)
    assert player.pop("subject")
    assert set(player.values()) == {None}


UNHELPFUL: dict[str, dict[str, Any]] = {
    "missing": {"status": 404, "reason": "RouteNotFound"},
    "slow": {"delay": 120},
    "hostile, about another player": {"body": {"sub": "another", "name": "Mallory", "email": "mallory@example.com"}},
    "hostile, not HTTP": {"garbage": True},
    "hostile, endless": {"drip_seconds": 1, "huge_megabytes": 1},
    "unauthorized": {"status": 401, "body": {"error": "invalid_token", "error_description": "Mallory"}},
    "rate limit": {"status": 429, "headers": {"Retry-After": "3600"}},
}


@pytest.mark.parametrize("fault", UNHELPFUL)
def test_unhelpful_userinfo_delays_no_login_and_shows_nothing(
    program: Program, emulator: Emulator, fault: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """For the command line and the sidecar at once. A service that never answers is given up after some seconds."""
    emulator.fault(path="/session/userinfo", **UNHELPFUL[fault])
    here = Here(program, monkeypatch, capfd)
    for start in launchers(program):
        launcher = start("-vv")
        pairs = [here.run("login", "steam", "--json").json, launcher.call("login", {"method": "steam"})["result"]]
        assert not [each for each in emulator.requests if each.path == "/session/userinfo"]

        asked = launcher.ask("player", {"accessToken": pairs[1]["accessToken"]})
        program.environ["SUDOMIMUS_ACCESS_TOKEN"] = pairs[0]["accessToken"]
        running = program.start("whoami", "--json", "-vv")
        pairs.append(launcher.call("login", {"method": "steam"})["result"])  # while the service is still silent
        quiet, loud = here.run("whoami", "--json"), running.end()
        for player in (quiet.json, loud.json, dict(launcher.answer(asked)["result"])):
            assert player.pop("subject") and set(player.values()) == {None}

        assert (quiet.status, quiet.err) == (0, "")
        launcher.close_input()
        launcher.end()
        assert "/userinfo" in loud.err and "/userinfo" in launcher.err
        secrets = [pair[name] for pair in pairs for name in ("accessToken", "refreshToken")]
        assert not [text for text in (*secrets, "allory") if text in loud.err + launcher.err]


def test_player_of_an_unknown_token(ask: Ask, emulator: Emulator) -> None:
    assert set(ask("nonsense").values()) == {None}


def test_summary_for_a_person(program: Program, emulator: Emulator) -> None:
    share_everything(emulator, "v4")
    program.environ["SUDOMIMUS_ACCESS_TOKEN"] = emulator.open_session().access_token
    ended = program.run("whoami")
    assert ended.status == 0, ended.err
    lines = dict(line.split(maxsplit=1) for line in ended.out.splitlines() if not line.startswith("e-mail"))
    assert lines["name"] == "Robin" and lines["subject"]
    assert "e-mail address   robin@example.com\n" in ended.out
    assert "eyJ" not in ended.out + ended.err


def test_missing_token(program: Program) -> None:
    ended = program.run("whoami", "--json", text="")
    assert (ended.status, ended.out) == (2, "") and "SUDOMIMUS_ACCESS_TOKEN" in ended.err
