"""Specifies `login steam` as a program: its output, its end after each answer of the service, and its cancelled tickets."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit_errand
from sudomimus_bridge.testing._compiled_stub import compiled_stub

from ..conftest import StubLog, command
from ..helpers.emulator_helpers import Client, new_ticket, told
from .test_program import Ended, Here, Program, Running, in_time, on_stub

ISSUE = "/direct-issue/steam-ticket"
LATE = {"Retry-After": "100"}
ONE_TICKET = ["request", "callback", "cancel", "shutdown"]


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def here(program: Program, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Here:
    return Here(program, monkeypatch, capfd)


def url_shown(running: Running) -> str:
    """Wait for the page that the program shows."""
    running.until_said("\n\n")
    return next(line.strip() for line in running.err.splitlines() if line.startswith("  http"))


@pytest.mark.parametrize("dialect", ["documents", "openapi"])
def test_json_is_all_of_standard_output(program: Program, dialect: str) -> None:
    program.emulator.update(dialect=dialect)
    program.environ["STEAM_STUB_CHATTER"] = "1"
    ended = program.run("login", "steam", "--json")
    assert ended.status == 0
    assert list(ended.json) == ["applicationAnchor", "accessToken", "refreshToken", "claims"]
    assert ended.json["applicationAnchor"] == "demo-game"
    assert ended.json["claims"]["email"] == {"requirement": "OPTIONAL", "state": "UNKNOWN"}
    assert "[S_API]" in ended.err and ended.json["accessToken"] not in ended.err
    assert program.log.story() == ONE_TICKET
    # The local service refuses cancelled tickets, so it accepted this one before the cancellation.
    assert [(entry.path, entry.status) for entry in program.emulator.requests] == [(ISSUE, 200)]
    program.every_ticket_was_cancelled_once(1)


def test_service_refuses_a_cancelled_ticket(program: Program) -> None:
    """The test above relies on this."""
    program.environ["STEAM_STUB_TICKET_RESULT"] = "15"  # so this ticket was never sent
    program.run("login", "steam")
    nonce = next(call.nonce for call in program.log.calls if call.nonce)
    client = Client(program.emulator)
    with client.http:
        assert told(client.steam(new_ticket(nonce=bytes.fromhex(nonce or ""))))[0] == 401
        assert client.steam(new_ticket()).status_code == 200


def test_summary_shows_no_token(program: Program) -> None:
    ended = program.run("login", "steam")
    assert ended.status == 0
    assert ended.out.startswith("Signed in to demo-game.\n") and "  email           not asked" in ended.out
    assert "  first name      not asked\n" in ended.out and "  animated avatar not asked\n" in ended.out
    assert "eyJ" not in ended.out + ended.err
    assert "\033" not in ended.out + ended.err


def test_absent_and_unknown_members_of_the_answer(program: Program) -> None:
    program.emulator.update({"drift.without": ["claims", "applicationAnchor"], "drift.fields": {"new": 1}})
    ended = program.run("login", "steam", "--json")
    assert ended.status == 0
    assert ended.json["applicationAnchor"] == "demo-game" and ended.json["claims"] == {}


def test_claims_cannot_steer_the_terminal(program: Program) -> None:
    program.emulator.update({"drift.claims": {"\033[2J": {"requirement": "REQUIRED", "state": "\033]0;x\a"}}})
    ended = program.run("login", "steam")
    assert ended.status == 0 and "\033" not in ended.out + ended.err and "?[2J" in ended.out


def answer(status: int, reason: str | None = None, **more: Any) -> dict[str, Any]:
    return {"status": status, "reason": reason, **more}


@pytest.mark.parametrize(
    ("fault", "status", "tickets", "words"),
    [
        (answer(400, "InvalidBody"), 2, 1, "refuses the request as malformed"),
        (answer(404, "ApplicationNotFound"), 2, 1, 'knows no application "demo-game"'),
        (answer(404), 2, 1, 'knows no application "demo-game"'),
        (answer(401, "SteamTicketInvalid"), 3, 2, "Steam did not confirm your sign-in"),
        (answer(403, "Layer1Denied"), 4, 1, "allow-list"),
        (answer(403, "Layer2Denied"), 4, 1, "no rule for players"),
        (answer(403, "AccountDisabled"), 4, 1, "is disabled"),
        (answer(403, "SomethingNew"), 4, 1, "refused to sign you in"),
        (answer(403), 4, 1, "refused to sign you in"),
        (answer(409, "ReplayProtectionAlreadySeen", headers=LATE), 6, 1, "used before"),
        (answer(429, headers=LATE), 6, 1, "Too many players"),
        (answer(502, headers=LATE), 6, 1, "cannot reach Steam"),
        (answer(503, headers=LATE), 6, 1, "overloaded"),
        (answer(500, headers=LATE), 6, 1, "has a problem"),
        (answer(418), 6, 1, "does not know"),
        (answer(200, body="<html>", headers={"Content-Type": "text/html", **LATE}), 6, 1, "Something other"),
        (answer(200, body={"accessToken": "x"}, headers=LATE), 6, 1, "Something other"),
        (answer(200, body="{", headers=LATE), 6, 1, "Something other"),
    ],
    ids=lambda value: f"{value['status']}-{value['reason'] or 'x'}" if isinstance(value, dict) else "",
)
def test_end_after_each_answer(
    program: Program, here: Here, fault: dict[str, Any], status: int, tickets: int, words: str
) -> None:
    program.emulator.fault(path=ISSUE, **fault)
    failed(here.run("login", "steam", "--json", timeout="20"), status, words)
    program.every_ticket_was_cancelled_once(tickets)


def failed(ended: Ended, status: int, words: str) -> None:
    assert (ended.status, ended.out) == (status, ""), ended.err
    assert words in ended.error and "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"reset": True}, "cannot be reached"),
        ({"garbage": True}, "Something other"),
        ({"truncate": True}, "cannot be reached"),
        ({"redirect": "https://elsewhere.example/"}, "Something other"),
        ({"huge_megabytes": 1}, "Something other"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_end_after_a_broken_exchange(program: Program, fault: dict[str, Any], words: str) -> None:
    program.emulator.fault(path=ISSUE, **fault)
    arguments = command("login", "steam", "--json", *program.flags(timeout="60"), draw=1e6)
    failed(Running(arguments, program.all_environ, subprocess.DEVNULL).end(), 6, words)
    program.every_ticket_was_cancelled_once(1)


@pytest.mark.parametrize("fault", ["reset times=1", "503 times=1", "garbage times=1 when=after", "409 times=2"])
def test_retry_takes_a_fresh_ticket(program: Program, fault: str) -> None:
    program.emulator.fault(f"POST {ISSUE} {fault}")
    ended = program.run("login", "steam", "--json")
    assert ended.status == 0 and ended.json["accessToken"]
    why = "Many players are signing in right now." if "503" in fault else "That attempt failed."
    assert f"{why} Trying again (2 of 8)" in ended.err
    program.every_ticket_was_cancelled_once(3 if "409" in fault else 2)


@pytest.mark.parametrize(
    ("stub", "words", "tickets"),
    [
        ({"RUNNING": "0"}, "Steam is not running", 0),
        ({"INIT": "1"}, "cannot connect to Steam", 0),
        ({"INIT": "2"}, "Steam is not running", 0),
        ({"INIT": "3"}, "Steam is too old for this game", 0),
        ({"TICKET_HANDLE": "0"}, "did not confirm who you are", 0),
        ({"TICKET_RESULT": "2"}, "could not confirm who you are", 1),
        ({"TICKET_RESULT": "15"}, "owns the game", 1),
        ({"TICKET_RESULT": "21"}, "Nobody is signed in", 1),
        ({"TICKET_SIZE": "0"}, "damaged answer", 1),
        ({"TICKET_STATED_SIZE": "4000"}, "damaged answer", 1),
        ({"TICKET_STATED_SIZE": "-1"}, "damaged answer", 1),
        ({"TICKET_DELAY_MS": "5000", "SHUTDOWN_AFTER_MS": "20"}, "Steam is closing", None),
    ],
    ids=str,
)
def test_unusable_steam(program: Program, here: Here, stub: dict[str, str], words: str, tickets: int | None) -> None:
    program.environ |= {f"STEAM_STUB_{name}": value for name, value in stub.items()}
    failed(here.run("login", "steam", "--json"), 3, words)
    program.every_ticket_was_cancelled_once(tickets)
    assert program.emulator.requests == []


def test_steam_library_that_is_too_old(program: Program) -> None:
    ended = program.run("login", "steam", "--json", steam_library=str(compiled_stub(156)))
    failed(ended, 3, "lacks SteamAPI_ISteamUser_GetAuthTicketForWebApi")


# --- the timeout expires ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stub",
    [{"TICKET_CALLBACK": "never"}, {"LOGGED_ON": "0"}, {"HANG": "init:2500"}],
    ids=["no-callback", "offline", "hangs"],
)
def test_timeout_while_waiting_for_steam(program: Program, stub: dict[str, str]) -> None:
    program.environ |= {f"STEAM_STUB_{name}": value for name, value in stub.items()}
    ended = program.run("login", "steam", "--json", timeout="1.5")
    failed(ended, 3, "within 1.5 seconds")
    if "HANG" not in stub:
        program.every_ticket_was_cancelled_once()


def test_timeout_while_waiting_for_the_service(program: Program) -> None:
    program.emulator.fault(path=ISSUE, delay=600)
    ended, seconds = in_time(program, "login", "steam", "--json", waits_for="Asking the sign-in service")
    failed(ended, 6, f"did not sign you in within {seconds:.0f} seconds")
    program.every_ticket_was_cancelled_once()


def test_timeout_while_waiting_for_the_player(program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    ended, seconds = in_time(program, "login", "steam", "--json", "--no-browser", waits_for="Waiting for you")
    failed(ended, 5, f"not finished within {seconds:.0f} seconds")
    program.every_ticket_was_cancelled_once()


# --- the errand ------------------------------------------------------------------------------------------------------


def test_errand_takes_two_tickets(program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    running = program.start("login", "steam", "--json", "--no-browser")
    assert visit_errand(url_shown(running)) == "done"
    ended = running.end()
    assert ended.status == 0 and ended.json["claims"]["email"]["state"] == "GRANTED"
    assert "The game asks for your email." in ended.err
    assert program.log.story() == [*ONE_TICKET[:3], *ONE_TICKET]
    program.every_ticket_was_cancelled_once(2)


def test_declined_errand(program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    running = program.start("login", "steam", "--json", "--no-browser")
    assert visit_errand(url_shown(running), agree=False) == "declined"
    failed(running.end(), 5, "You chose not to share what this game needs (email)")
    program.every_ticket_was_cancelled_once(2)


def test_expired_errands(program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED", "errands.lifetime_seconds": 1, "errands.reuse_seconds": 1})
    failed(program.run("login", "steam", "--json", "--no-browser"), 5, "not finished in 3 tries")
    program.every_ticket_was_cancelled_once(4)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://via.sudomimus.com.evil.example/errand"])
def test_forbidden_page_is_not_opened(program: Program, url: str, tmp_path: Path) -> None:
    trap = tmp_path / "opened"
    program.environ["BROWSER"] = f"touch {trap} %s"
    errand = {"errandKey": "ernd_abcdefgh", "url": url, "expiresAt": "2030-01-01T00:00:00Z"}
    body = {"reason": "ClaimConsentRequired", "claims": {}, "errand": errand}
    program.emulator.fault(path=ISSUE, status=403, body=body)
    ended = program.run("login", "steam", "--json")
    failed(ended, 6, "looks wrong, so it was not opened")
    assert url not in ended.err and not trap.exists()
    program.every_ticket_was_cancelled_once(1)


@pytest.mark.parametrize(("starts", "opened"), [("1", True), ("0", False)])
def test_page_in_steams_overlay_is_named_so(program: Program, starts: str, opened: bool) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    program.environ["STEAM_STUB_OVERLAY"] = starts
    running = program.start("login", "steam", "--page", "overlay")
    running.until_said("Waiting for you")
    running.signal(signal.SIGINT)
    failed(ended := running.end(), 130, "The login was cancelled.")
    assert ("A page has opened in Steam's overlay." in ended.err) is opened
    assert ("/errand?key=ernd_" in ended.err) is not opened


@pytest.mark.parametrize(("script", "opened"), [("echo $1 > page", True), ("exit 1", False)])
def test_page_is_printed_only_if_no_browser_opens_it(
    program: Program, script: str, opened: bool, tmp_path: Path
) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\n{script}\n")
    browser.chmod(0o755)
    program.emulator.update({"claims.email": "REQUIRED"})
    program.environ |= {"BROWSER": str(browser), "PATH": str(tmp_path)}
    running = program.start("login", "steam", "--json")
    running.until_said("Waiting for you")
    page = tmp_path / "page"
    running.until(lambda: not opened or (page.exists() and page.read_text()))
    running.signal(signal.SIGINT)
    failed(ended := running.end(), 130, "The login was cancelled.")
    assert ("A page has opened in your browser." in ended.err) is opened
    assert ("--no-browser" in ended.err) is opened
    assert ("/errand?key=ernd_" in ended.err) is not opened
    if opened:
        assert "/errand?key=ernd_" in page.read_text()
