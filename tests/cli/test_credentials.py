"""Specifies `login access-key` and `errand` as programs: the sources of their secrets, and each end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit_errand

from ..conftest import StubLog
from .test_login import failed, url_shown
from .test_program import Here, Program, in_time, on_stub

ID = "acs_k_00000000-0000-4000-8000-000000000000"
SECRET = "acs_t_" + "0123456789abcdef" * 4


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def here(program: Program, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    return Here(program, monkeypatch, capfd)


@pytest.fixture
def identifier(program: Program) -> str:
    return str(program.emulator.urls["accessKeyId"])


@pytest.fixture
def secret(program: Program) -> str:
    return str(program.emulator.urls["accessKeySecret"])


# --- login access-key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["environment", "file", "file-with-mark", "standard-input"])
def test_secret_from_each_source(program: Program, identifier: str, secret: str, source: str, tmp_path: Path) -> None:
    text = None
    flags = ["--json", "--access-key-id", identifier]
    if source == "environment":
        program.environ["SUDOMIMUS_ACCESS_KEY_SECRET"] = secret
    elif source == "standard-input":
        flags += ["--secret-file", "-"]
        text = f"{secret}\n"
    else:
        file = tmp_path / "secret"
        file.write_text(f"{secret}\r\n", encoding="utf-8-sig" if source == "file-with-mark" else "utf-8")
        flags += ["--secret-file", str(file)]
    ended = program.run("login", "access-key", *flags, text=text, steam_library=None, steam_app_id=None)
    assert ended.status == 0, ended.err
    assert list(ended.json) == ["applicationAnchor", "accessToken", "refreshToken", "claims"]
    assert secret not in ended.err and program.log.story() == []


def test_summary_shows_no_token(program: Program, identifier: str, secret: str) -> None:
    program.environ |= {"SUDOMIMUS_ACCESS_KEY_ID": identifier, "SUDOMIMUS_ACCESS_KEY_SECRET": secret}
    ended = program.run("login", "access-key")
    assert ended.status == 0 and "eyJ" not in ended.out and "Signed in to demo-game" in ended.out


@pytest.mark.parametrize(
    ("given_id", "given_secret", "words"),
    [
        (None, SECRET, "No access key is set"),
        (ID, None, "No access key secret is set"),
        (ID, "", "No access key secret is set"),
        ("acs_k_1", SECRET, "identifier is malformed"),
        (ID.replace("-4000-", "-1000-"), SECRET, "identifier is malformed"),
        (ID, "acs_t_" + "A" * 64, "secret is malformed"),
        (ID, SECRET[:-1], "secret is malformed"),
        (ID, SECRET + "\n" + SECRET, "secret is malformed"),
        (ID, "hunter2-hunter2", "secret is malformed"),
        (SECRET, ID, "the two are swapped"),
    ],
)
def test_malformed_key_is_not_sent(
    program: Program, here: Here, given_id: str | None, given_secret: str | None, words: str
) -> None:
    if given_id is not None:
        program.environ["SUDOMIMUS_ACCESS_KEY_ID"] = given_id
    if given_secret is not None:
        program.environ["SUDOMIMUS_ACCESS_KEY_SECRET"] = given_secret
    ended = here.run("login", "access-key", "--json")
    failed(ended, 2, words)
    assert program.emulator.requests == []
    assert not given_secret or given_secret not in ended.err
    assert given_id != SECRET or SECRET not in ended.err


@pytest.mark.parametrize("kind", ["missing", "folder", "binary", "unreadable"])
def test_unreadable_secret_file(program: Program, here: Here, identifier: str, kind: str, tmp_path: Path) -> None:
    file = tmp_path / "hunter2-hunter2"
    if kind == "folder":
        file.mkdir()
    elif kind == "binary":
        file.write_bytes(b"\xff\xfe\x00\x80")
    elif kind == "unreadable":
        file.symlink_to("/proc/self/mem")  # even root cannot read address 0 of it
    ended = here.run("login", "access-key", "--json", "--access-key-id", identifier, "--secret-file", str(file))
    failed(ended, 2, "cannot be read")
    # A person may have given the secret instead of a path, so the error does not repeat it.
    assert "hunter2" not in ended.err
    assert program.emulator.requests == []


@pytest.mark.parametrize("status", ["revoked", "unknown"])
def test_denied_key(program: Program, identifier: str, secret: str, status: str) -> None:
    program.environ |= {
        "SUDOMIMUS_ACCESS_KEY_ID": ID if status == "unknown" else identifier,
        "SUDOMIMUS_ACCESS_KEY_SECRET": secret,
    }
    if status == "revoked":
        program.emulator.fault(path="/direct-issue/access-key", status=401, reason="AccessKeyDirectDenied")
    failed(program.run("login", "access-key", "--json"), 4, "The access key was not accepted")
    assert len(program.emulator.requests) == 1


# --- errand ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def access_token(program: Program) -> str:
    token = str(program.run("login", "steam", "--json").json["accessToken"])
    with program.emulator._state.lock:
        program.emulator._state.requests.clear()
    return token


def test_completed_errand(program: Program, access_token: str) -> None:
    """The token comes from standard input, and in a second run from the environment. Both get the same errand."""
    by_input = program.start("errand", "--json", "--no-browser", stdin=subprocess.PIPE)
    by_input.write(access_token + "\n")
    program.environ["SUDOMIMUS_ACCESS_TOKEN"] = access_token
    both = [by_input, program.start("errand", "--json", "--no-browser")]
    assert url_shown(both[0]) == url_shown(both[1])
    assert visit_errand(url_shown(both[0])) == "done"
    for running in both:
        ended = running.end()
        assert ended.status == 0 and list(ended.json) == ["completed", "claims"]
        assert ended.json["completed"] is True
        assert ended.json["claims"]["email"] == {
            "requirement": "OPTIONAL",
            "state": "GRANTED",
        }  # the claims after the errand
        assert access_token not in ended.err


def test_errand_with_nothing_owed(program: Program, access_token: str) -> None:
    program.emulator.update({"claims": {"email": "OFF", "firstName": "OFF"}})
    program.environ["SUDOMIMUS_ACCESS_TOKEN"] = access_token
    ended = program.run("errand", "--json")
    assert ended.status == 0 and ended.json["completed"] is False
    assert ended.json["claims"]["email"]["requirement"] == "OFF"
    ended = program.run("errand")
    assert ended.status == 0 and ended.out.startswith("Nothing is owed")


@pytest.mark.parametrize("text", [None, "", "  \n"])
def test_errand_without_a_token(program: Program, text: str | None) -> None:
    failed(program.run("errand", "--json", text=text), 2, "No access token was given")
    assert program.emulator.requests == []


def test_errand_with_an_expired_token(program: Program, access_token: str) -> None:
    program.emulator.advance(3600)
    program.environ["SUDOMIMUS_ACCESS_TOKEN"] = access_token
    failed(program.run("errand", "--json"), 4, "has ended. Sign in again")


@pytest.mark.parametrize(
    ("status", "reason", "ends"), [(400, "InvalidBody", 2), (404, None, 2), (403, "AccountDisabled", 4), (429, None, 6)]
)
def test_refused_errand(program: Program, here: Here, status: int, reason: str | None, ends: int) -> None:
    program.environ["SUDOMIMUS_ACCESS_TOKEN"] = "a-token"
    program.emulator.fault(path="/errand", status=status, reason=reason, headers={"Retry-After": "100"})
    failed(here.run("errand", "--json", timeout="10"), ends, "")


def test_errand_that_is_not_finished(program: Program, access_token: str) -> None:
    program.environ["SUDOMIMUS_ACCESS_TOKEN"] = access_token
    ended, seconds = in_time(program, "errand", "--json", "--no-browser", waits_for="Waiting for you")
    failed(ended, 5, f"was not finished within {seconds:.0f} seconds")
