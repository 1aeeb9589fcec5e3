"""Specifies that help, logs, crashes and errors show no secret, and that the command line refuses a secret."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sudomimus_bridge._cli.main import main
from sudomimus_bridge._values.logs import RedactingFormatter
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit_errand

from ..conftest import StubLog
from .test_login import ISSUE, url_shown
from .test_program import Program, Running, on_stub

SECRETS = {
    "access-key secret": "acs_t_" + "0123456789abcdef" * 4,
    "its beginning": "acs_t_0123",
    "access token": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "errand key": "ernd_abcdefghijklmnop",
    "hidden key": "hid_abcdefghijklmnop",
    "exposure key": "exp_abcdefghijklmnop",
    "device code": "dvc_abcdefghijklmnop",
    "ticket": "14000000" * 30,
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----",
}
"""One secret of each kind. The command line recognises it by its shape."""

PLACES: dict[str, list[str]] = {
    "positional": ["login", "{}"],
    "command": ["{}"],
    "one too many": ["errand", "{}"],
    "flag's value": ["login", "access-key", "--access-key-id", "{}"],
    "flag=value": ["login", "access-key", "--access-key-id={}"],
    "file's name": ["login", "access-key", "--secret-file", "{}"],
    "setting": ["doctor", "--application", "{}"],
    "URL": ["doctor", "--native-url", "https://{}@example.com/?token={}"],
    "unknown flag": ["errand", "--token", "{}"],
    "unknown flag=value": ["errand", "--my-token={}"],
    "flag itself": ["errand", "--{}"],
    "short flag": ["errand", "-t{}"],
    "list": ["emulator", "--set", "accessKeys.0.secret={}"],
}

# Flags that a person might try, each followed by a secret of any shape.
TEMPTING = ["access-token", "refresh-token", "access-key-secret", "client-key", "private-key", "token", "password"]


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", SECRETS)
def test_secret_on_the_command_line(place: str, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    secret = SECRETS[kind]
    assert main([word.replace("{}", secret) for word in PLACES[place]]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    # Hexadecimal digits after a letter are not recognised as a ticket. They are not repeated either.
    glued = (kind, place) == ("ticket", "short flag")
    assert ("There is a flag that does not exist" if glued else "A secret does not belong on the command line") in err
    assert err.count("\n") == (1 if glued else 2)  # the sentence, and the detail with the right places for a secret
    assert secret not in err and secret[8:16] not in err


@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("flag", TEMPTING)
def test_secret_of_any_shape_after_a_flag_of_its_name(
    flag: str, apart: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["errand", f"--{flag}", "hunter2"] if apart else ["errand", f"--{flag}=hunter2"]) == 2
    out, err = capfd.readouterr()
    assert "A secret does not belong on the command line" in err and "hunter2" not in out + err


@pytest.mark.parametrize("arguments", [["errand", "hunter2"], ["errand", "-thunter2"], ["errand", "--key=hunter2"]])
def test_secret_of_any_shape_elsewhere(arguments: list[str], capfd: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "hunter2" not in "".join(capfd.readouterr())


# --- a whole login with every kind of output --------------------------------------------------------------------------

_ROOT_LOGGER = """
import logging, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
from sudomimus_bridge._cli.main import main
sys.exit(main())
"""

_CRASH = """
import sys
from sudomimus_bridge._service.apis import NativeApi
async def crash(self, application, ticket_hex, app_id):
    raise RuntimeError(f"{application} {ticket_hex.reveal()} {ticket_hex} {app_id}")
NativeApi.direct_issue_steam_ticket = crash
from sudomimus_bridge._cli.main import main
sys.exit(main())
"""


def python(program: Program, code: str, *arguments: str) -> Running:
    return Running(
        [sys.executable, "-X", "dev", "-c", code, *arguments, *program.flags()], program.all_environ, subprocess.DEVNULL
    )


def tickets(program: Program) -> list[str]:
    return [call.nonce for call in program.log.calls if call.nonce]


def test_logs_hold_no_secret(program: Program) -> None:
    """With -vv, and in a program that configures the root logger to log everything."""
    program.emulator.update({"claims.email": "REQUIRED"})
    program.emulator.fault(path=ISSUE, reset=True, times=2)
    arguments = ["login", "steam", "--json", "--no-browser"]
    both = [program.start(*arguments, "-vv"), python(program, _ROOT_LOGGER, *arguments)]
    urls = [url_shown(running) for running in both]
    assert urls[0] == urls[1]  # the service returns an open errand again
    cmdlines = [Path(f"/proc/{running.process.pid}/cmdline").read_text(encoding="utf-8") for running in both]
    visit_errand(urls[0])
    for running, cmdline in zip(both, cmdlines, strict=True):
        ended = running.end()
        assert ended.status == 0, ended.err
        assert "DEBUG" in ended.err and "httpcore" in ended.err
        shown = f"\n  {urls[0]}\n"
        assert ended.err.count(shown) == 1  # only this output shows the page
        told = ended.err.replace(shown, "") + cmdline
        key = urls[0].partition("key=")[2]
        for secret in (key, ended.json["accessToken"], ended.json["refreshToken"], *tickets(program)):
            assert secret not in told
    assert len(tickets(program)) >= 8  # requests and cancellations


def test_crash_shows_no_secret(program: Program) -> None:
    ended = python(program, _CRASH, "login", "steam", "--json", "-v").end()
    assert (ended.status, ended.out) == (70, "")
    assert (
        "this is a bug of the bridge. Please report it: RuntimeError at <string>:5, in crash: demo-game [secret] Secret(***) 480"
        in (ended.err)
    )
    assert "Traceback" not in ended.err and all(nonce not in ended.err for nonce in tickets(program))
    program.every_ticket_was_cancelled_once(1)


def test_error_repeats_no_secret_from_the_service(program: Program) -> None:
    """A service, or a server in its place, may echo the secret that it received."""
    secret = str(program.emulator.urls["accessKeySecret"])
    program.environ |= {
        "SUDOMIMUS_ACCESS_KEY_ID": str(program.emulator.urls["accessKeyId"]),
        "SUDOMIMUS_ACCESS_KEY_SECRET": secret,
    }
    program.emulator.fault(path="/direct-issue/access-key", status=403, body={"reason": f"No {secret}"})
    ended = program.run("login", "access-key", "--json", "-v")
    assert ended.status == 4 and "[secret]" in ended.err and secret not in ended.err


def test_reason_does_not_steer_the_terminal(program: Program) -> None:
    program.emulator.fault(path=ISSUE, status=403, body={"reason": "\033]0;title\a"})
    ended = program.run("login", "steam", "--json")
    assert ended.status == 4 and "\033" not in ended.err


def test_log_line_does_not_steer_the_terminal() -> None:
    line = logging.LogRecord(
        "httpcore", logging.DEBUG, "x.py", 1, "Content-Type: %s\nthe second line", ("\033]0;t\a\x9b31m",), None
    )
    assert RedactingFormatter("%(message)s").format(line) == "Content-Type: ?]0;t??31m\nthe second line"


def test_path_that_looks_like_a_secret_is_accepted(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["login", "steam", "--application", "my-game", "--steam-library", "/games/exp_edition-2/lib"]) == 3
    assert "There is no Steam library at /games/exp_edition-2/lib" in capfd.readouterr().err
