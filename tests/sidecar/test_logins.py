"""Specifies a launcher's logins through the sidecar, on the compiled stub and the local service.

Each message is checked against the OpenRPC document.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge._sidecar.methods import TABLE
from sudomimus_bridge._sidecar.streams import MAX_LINE
from sudomimus_bridge._version import __version__
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit_errand

from ..cli.test_login import ISSUE
from ..cli.test_program import Program, on_stub
from ..conftest import StubLog
from ..helpers.sidecar_helpers import Launcher, judge, launchers, request

Start = Callable[..., Launcher]
STEAM = {"method": "steam", "openBrowser": False}


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def start(program: Program) -> Iterator[Start]:
    yield from launchers(program)


def is_signed_in(answer: dict[str, Any]) -> bool:
    return set(answer["result"]) == {"applicationAnchor", "accessToken", "refreshToken", "claims"}


def test_initialize(start: Start) -> None:
    launcher = start()
    result = launcher.call("initialize", {})["result"]
    assert result == {"protocolVersion": 1, "bridgeVersion": __version__, "methods": [row.name for row in TABLE]}
    assert launcher.call("rpc.discover")["result"] == judge().document
    assert launcher.call("shutdown")["result"] is None
    assert launcher.end()[0] == 0


def test_login(start: Start, program: Program) -> None:
    program.environ["STEAM_STUB_CHATTER"] = "1"
    launcher = start()
    first = launcher.ask("login", STEAM, "a player")
    answer = launcher.answer(first)
    assert is_signed_in(answer)
    assert launcher.phases(first) == ["requesting-ticket", "issuing", "succeeded"]
    launcher.close_input()
    assert launcher.end()[0] == 0
    assert "[S_API]" in launcher.err  # Steam's own output on standard output
    assert answer["result"]["accessToken"] not in launcher.err
    program.every_ticket_was_cancelled_once(1)
    assert program.log.story()[-1] == "shutdown"


def test_access_key(start: Start, program: Program) -> None:
    urls = program.emulator.urls
    program.environ |= {
        "SUDOMIMUS_ACCESS_KEY_ID": urls["accessKeyId"],
        "SUDOMIMUS_ACCESS_KEY_SECRET": urls["accessKeySecret"],
    }
    launcher = start("--verbose")
    assert is_signed_in(launcher.call("login", {"method": "access-key"}))
    assert program.log.story() == []
    launcher.close_input()
    assert launcher.end()[0] == 0
    assert urls["accessKeySecret"] not in launcher.err


def test_errand_within_a_login(start: Start, program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start("--verbose")
    login = launcher.ask("login", STEAM)
    errand = launcher.phase(login, "waiting-for-browser")["errand"]
    assert errand.keys() == {"url", "expiresAt"} and errand == launcher.phase(login, "errand-required")["errand"]
    visit_errand(errand["url"])
    answer = launcher.answer(login)
    assert answer["result"]["claims"]["email"]["state"] == "GRANTED"
    assert launcher.phases(login)[2:5] == ["errand-required", "waiting-for-browser", "errand-completed"]
    launcher.close_input()
    launcher.end()
    for secret in (errand["url"], answer["result"]["accessToken"], answer["result"]["refreshToken"]):
        assert secret not in launcher.err
    program.every_ticket_was_cancelled_once(2)


@pytest.mark.parametrize("open_browser", [True, False])
def test_overlay_opens_the_page_unless_the_launcher_opens_it(
    start: Start, program: Program, open_browser: bool
) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start("--page", "overlay")
    login = launcher.ask("login", {"method": "steam", "openBrowser": open_browser})
    url = launcher.phase(login, "waiting-for-browser")["errand"]["url"]
    visit_errand(url)
    assert is_signed_in(launcher.answer(login))
    overlay = [call.details["url"] for call in program.log.calls if call.call.endswith("ActivateGameOverlayToWebPage")]
    assert overlay == ([url] if open_browser else [])
    launcher.close_input()
    launcher.end()


def test_done(start: Start, program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start()
    login = launcher.ask("login", STEAM)
    launcher.phase(login, "waiting-for-browser")
    assert launcher.call("done", {"id": login})["result"] == {"accepted": True}
    launcher.phase(login, "waiting-for-browser", times=2)
    assert launcher.call("done", {"id": "another"})["result"] == {"accepted": False}
    assert launcher.call("cancel", {"id": login})["result"] == {"cancelled": True}
    assert launcher.answer(login)["error"]["data"] == {"kind": "cancelled", "retryable": False}
    assert launcher.call("done", {"id": login})["result"] == {"accepted": False}
    assert launcher.call("cancel", {"id": login})["result"] == {"cancelled": False}


def test_proactive_errand(start: Start, program: Program) -> None:
    launcher = start()
    token = launcher.call("login", STEAM)["result"]["accessToken"]
    errand = launcher.ask("errand", {"accessToken": token, "openBrowser": False})
    visit_errand(launcher.phase(errand, "waiting-for-browser")["errand"]["url"])
    outcome = launcher.answer(errand)["result"]
    assert outcome["completed"] is True and outcome["claims"]["email"]["state"] == "GRANTED"
    again = launcher.call("errand", {"accessToken": token, "openBrowser": False})["result"]
    assert again == {"completed": False, "claims": outcome["claims"]}
    wrong = launcher.call("errand", {"accessToken": "nonsense", "openBrowser": False})["error"]
    assert wrong["data"]["kind"] == "denied" and "nonsense" not in json.dumps(wrong)


def test_cancel_of_one_of_two_logins(start: Start, program: Program) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "400"
    launcher = start()
    one, other = launcher.ask("login", STEAM, "one"), launcher.ask("login", STEAM, "other")
    launcher.phase(one, "requesting-ticket")
    launcher.phase(other, "requesting-ticket")
    assert launcher.call("cancel", {"id": "one"})["result"] == {"cancelled": True}
    assert launcher.answer(one)["error"]["data"]["kind"] == "cancelled"
    assert is_signed_in(launcher.answer(other))
    assert launcher.phases(one) == ["requesting-ticket"]
    assert launcher.phases(other) == ["requesting-ticket", "issuing", "succeeded"]
    launcher.close_input()
    launcher.end()
    program.every_ticket_was_cancelled_once()
    assert program.log.story().count("shutdown") == 1


def test_batch_of_logins_and_a_cancel(start: Start, program: Program) -> None:
    launcher = start()
    for each in ("a", "b"):
        launcher.expect(each, "login", STEAM)
    launcher.expect("c", "cancel", {"id": "a"})
    launcher.send([request("login", STEAM, "a"), request("login", STEAM, "b"), request("cancel", {"id": "a"}, "c")])
    assert launcher.answer("a")["error"]["data"]["kind"] == "cancelled"
    assert is_signed_in(launcher.answer("b"))
    assert launcher.answer("c")["result"] == {"cancelled": True}


def test_notification_cancels_but_does_not_sign_in(start: Start, program: Program) -> None:
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "10000"
    launcher = start()
    login = launcher.ask("login", STEAM)
    launcher.phase(login, "requesting-ticket")
    launcher.send(request("login", STEAM))
    launcher.send(request("cancel", {"id": login}))
    launcher.send(request("nonsense"))
    assert launcher.answer(login)["error"]["data"]["kind"] == "cancelled"
    launcher.send(request("shutdown"))
    assert launcher.end()[0] == 0
    assert launcher.left_unasked() == [] and "login was ignored" in launcher.err
    program.every_ticket_was_cancelled_once()


WRONG_PARAMS: list[tuple[str, Any, str]] = [
    ("login", None, "params.method"),
    ("login", {}, "params.method"),
    ("login", {"method": "oidc"}, "params.method"),
    ("login", {"method": "browser", "exposureKey": ""}, "params.exposureKey"),
    ("login", {"method": "browser", "hiddenKey": 1}, "params.hiddenKey"),
    ("login", {"method": "browser", "exposureKey": None, "hiddenKey": None}, "params.exposureKey"),
    ("login", {"method": ["steam"]}, "params.method"),
    ("login", {"method": "steam", "openBrowser": 1}, "params.openBrowser"),
    ("login", {"method": "steam", "openBrowser": None}, "params.openBrowser"),
    ("login", {"method": "steam", "open_browser": True}, "params.open_browser"),
    ("login", {"method": "steam", "x" * 1000: 1}, f"params.{'x' * 57}…"),
    ("login", ["steam"], "params"),
    ("login", {"method": "steam", "\ud800": 1}, "params"),
    ("errand", {}, "params.accessToken"),
    ("errand", {"accessToken": ""}, "params.accessToken"),
    ("errand", {"accessToken": "with a space"}, "params.accessToken"),
    ("errand", {"accessToken": "x\r\nHost: y"}, "params.accessToken"),
    ("errand", {"accessToken": "\ud800"}, "params.accessToken"),
    ("errand", {"accessToken": 7}, "params.accessToken"),
    ("player", {}, "params.accessToken"),
    ("player", {"accessToken": "a", "openBrowser": False}, "params.openBrowser"),
    ("refresh", {}, "params.refreshToken"),
    ("refresh", {"refreshToken": None}, "params.refreshToken"),
    ("refresh", {"refreshToken": "a", "openBrowser": False}, "params.openBrowser"),
    ("logout", {"accessToken": "a"}, "params.refreshToken"),
    ("done", {}, "params.id"),
    ("done", {"id": True}, "params.id"),
    ("cancel", {"id": [1]}, "params.id"),
    ("initialize", {"clientInfo": {}}, "params.clientInfo"),
    ("shutdown", {"now": True}, "params.now"),
    ("rpc.discover", [1], "params"),
]


def test_wrong_params_are_named_by_their_field_and_the_stream_continues(start: Start) -> None:
    launcher = start()
    for method, params, field in WRONG_PARAMS:
        error = launcher.call(method, params)["error"]
        assert (error["code"], error["data"]["field"]) == (-32602, field), method
    for method in ("renew", "Login", ""):
        assert launcher.call(method)["error"]["code"] == -32601
    launcher.write(b"\xff\n" + b"x" * (MAX_LINE + 1) + b"\n[]\n")
    assert [launcher.unasked()["error"]["code"] for _ in range(3)] == [-32700, -32600, -32600]
    for params in ({}, [], None):
        assert launcher.call("initialize", params)["result"]["protocolVersion"] == 1


FAILURES: list[tuple[dict[str, str], dict[str, Any], str, bool]] = [
    ({}, {"status": 401, "times": 9}, "steam-unavailable", True),
    ({}, {"status": 403, "body": {"reason": "Layer1Denied"}}, "denied", False),
    ({}, {"status": 404}, "configuration", False),
    ({"STEAM_STUB_INIT": "2"}, {}, "steam-unavailable", True),
]


@pytest.mark.parametrize(("environ", "fault", "kind", "retryable"), FAILURES)
def test_failed_login(
    start: Start, program: Program, environ: dict[str, str], fault: dict[str, Any], kind: str, retryable: bool
) -> None:
    program.environ |= environ
    if fault:
        program.emulator.fault(path=ISSUE, **fault)
    launcher = start()
    error = launcher.call("login", STEAM)["error"]
    assert error["code"] == -32000 and error["message"]
    assert (error["data"]["kind"], error["data"]["retryable"]) == (kind, retryable)


def test_missing_setting_is_a_configuration_error(start: Start, program: Program) -> None:
    program.flags = lambda **_: []  # type: ignore[method-assign]
    launcher = start()
    assert launcher.call("initialize")["result"]
    error = launcher.call("login", STEAM)["error"]
    assert error["data"]["kind"] == "configuration" and "--application" not in error["message"]
    error = launcher.call("refresh", {"refreshToken": program.emulator.open_session().refresh_token})["error"]
    assert error["data"]["kind"] == "configuration" and "--application" not in error["message"]
    launcher.close_input()
    launcher.end()
    assert launcher.err.count("configuration: No application is set: pass --application") == 2
    assert not program.emulator.requests  # the token must not be used: the answer could not name the application


_BROWSER = """
import json, os, sys
ends = {number: os.readlink(f"/proc/self/fd/{number}") for number in map(int, os.listdir("/proc/self/fd"))
        if os.path.exists(f"/proc/self/fd/{number}")}
with open(sys.argv[1] + ".part", "w") as file:
    json.dump([sys.argv[2], ends], file)
os.rename(sys.argv[1] + ".part", sys.argv[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the browser's descriptors are read from /proc")
def test_browser_gets_the_page_and_none_of_the_pipes(start: Start, program: Program, tmp_path: Path) -> None:
    script, seen = tmp_path / "browser.py", tmp_path / "seen.json"
    script.write_text(_BROWSER)
    program.environ["BROWSER"] = f"{sys.executable} {script} {seen} %s"
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start()
    login = launcher.ask("login", {"method": "steam"})
    url = launcher.phase(login, "waiting-for-browser")["errand"]["url"]
    for _ in range(1000):
        if seen.exists():
            break
        time.sleep(0.01)
    opened, ends = json.loads(seen.read_text())
    assert opened == url
    assert not any(end.startswith(("pipe:", "socket:")) for end in ends.values()), ends
    visit_errand(url)
    assert is_signed_in(launcher.answer(login))


def test_logins_in_a_row_share_one_steam(start: Start, program: Program) -> None:
    launcher = start()
    for _ in range(2):
        assert is_signed_in(launcher.call("login", STEAM))
    assert program.log.story().count("shutdown") == 0
    launcher.close_input()
    launcher.end()
    assert program.log.story().count("shutdown") == 1


def test_logs_hold_no_secret(start: Start, program: Program) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start("--verbose")
    login = launcher.ask("login", STEAM)
    url = launcher.phase(login, "waiting-for-browser")["errand"]["url"]
    visit_errand(url)
    result = launcher.answer(login)["result"]
    launcher.ask("errand", {"accessToken": result["accessToken"], "openBrowser": False})
    launcher.close_input()
    launcher.end()
    assert launcher.err.count("\n") > 5
    key = url.rsplit("/", 1)[-1]
    for secret in (url, key, result["accessToken"], result["refreshToken"]):
        assert secret not in launcher.err
    assert not re.search(r"[0-9a-fA-F]{64}|eyJ[0-9A-Za-z_-]{8}", launcher.err)
