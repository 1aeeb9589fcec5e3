"""Specifies the sidecar's browser and device logins, `refresh` and `logout`, and the cancellation of each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit
from sudomimus_bridge.testing._scripted_browser import HandOver, ScriptedBrowser

from ..cli.test_program import Program, on_stub
from ..conftest import StubLog
from ..helpers.patience import kept, until
from ..helpers.sidecar_helpers import Launcher, launchers, request
from .test_logins import is_signed_in
from .test_shutdown import A_SECOND

Start = Callable[..., Launcher]


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def start(program: Program) -> Iterator[Start]:
    yield from launchers(program)


def test_browser_login_with_an_inquiry_of_a_backend(start: Start, emulator: Emulator) -> None:
    launcher, inquiry = start(), emulator.establish()
    keys = {"exposureKey": inquiry["exposureKey"], "hiddenKey": inquiry["hiddenKey"]}
    asked = launcher.ask("login", {"method": "browser", "openBrowser": False, **keys})
    page = launcher.phase(asked, "waiting-for-browser")["errand"]["url"]
    assert visit(page) == "done"
    launcher.call("done", {"id": asked})
    assert is_signed_in(launcher.answer(asked))


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"method": "browser", "exposureKey": "exp_1"}, "hiddenKey"),
        ({"method": "browser", "hiddenKey": "hid_1"}, "exposureKey"),
        ({"method": "steam", "exposureKey": "exp_1", "hiddenKey": "hid_1"}, "exposureKey"),
        ({"method": "device", "hiddenKey": "hid_1"}, "hiddenKey"),
    ],
)
def test_refused_combination_of_inquiry_keys(
    start: Start, program: Program, params: dict[str, str], field: str
) -> None:
    """A missing key is not taken from the environment: that key belongs to another inquiry."""
    program.environ |= {"SUDOMIMUS_EXPOSURE_KEY": "exp_other1", "SUDOMIMUS_HIDDEN_KEY": "hid_other1"}
    launcher = start()
    launcher.send(request("login", params, 1))
    answer = launcher.answer(1)
    assert (answer["error"]["code"], answer["error"]["data"]["field"]) == (-32602, f"params.{field}")
    assert "hid_1" not in json.dumps(answer)


def test_browser_login_without_credentials(start: Start) -> None:
    error = start().call("login", {"method": "browser"})["error"]
    assert (error["code"], error["data"]["kind"]) == (-32000, "configuration")


def test_swapped_inquiry_keys(start: Start, emulator: Emulator) -> None:
    inquiry = emulator.establish()
    keys = {"exposureKey": inquiry["hiddenKey"], "hiddenKey": inquiry["exposureKey"]}
    answer = start().call("login", {"method": "browser", **keys})
    assert answer["error"]["data"]["kind"] == "configuration"
    assert not any(key in json.dumps(answer) for key in inquiry.values())


def test_device_login(start: Start, emulator: Emulator) -> None:
    emulator.update({"device.interval": 1})
    launcher = start()
    asked = launcher.ask("login", {"method": "device", "openBrowser": False})
    device = launcher.phase(asked, "waiting-for-browser")["device"]
    assert set(device) == {"userCode", "verificationUri", "verificationUriComplete"}
    assert visit(device["verificationUri"], user_code=device["userCode"]) == "done"
    launcher.call("done", {"id": asked})
    assert is_signed_in(launcher.answer(asked))


def test_refresh_and_logout(start: Start, emulator: Emulator) -> None:
    launcher, pair = start("--verbose"), emulator.open_session()
    first = launcher.call("refresh", {"refreshToken": pair.refresh_token})
    assert is_signed_in(first)
    assert first["result"]["applicationAnchor"] == emulator.urls["application"]
    token = {"refreshToken": first["result"]["refreshToken"]}
    assert launcher.call("logout", token)["result"] == {"revoked": True}
    assert launcher.call("logout", token)["result"] == {"revoked": False}
    error = launcher.call("refresh", token)["error"]
    assert (error["data"]["kind"], error["data"]["retryable"]) == ("denied", False)
    launcher.close_input()
    launcher.end()
    for secret in (pair.refresh_token, first["result"]["accessToken"], token["refreshToken"]):
        assert secret not in launcher.err


@pytest.mark.parametrize(
    ("fault", "data"),
    [
        ("reset when=after", {"kind": "service-unavailable", "reason": "RefreshTokenUncertain", "retryable": True}),
        ("500 times=9", {"kind": "service-unavailable", "reason": "RefreshTokenUncertain", "retryable": True}),
        ("409", {"kind": "service-unavailable", "reason": "RefreshTokenUncertain", "retryable": True}),
        ("503 retry-after=7200", {"kind": "service-unavailable", "retryable": True}),
        ("404", {"kind": "configuration", "retryable": False}),
        (
            "403 reason=ClaimConsentRequired",
            {"kind": "denied", "reason": "ClaimConsentRequired", "retryable": False},
        ),
        (
            "401 reason=RefreshTokenExpired",
            {"kind": "denied", "reason": "RefreshTokenExpired", "retryable": False},
        ),
    ],
)
def test_error_tells_whether_to_send_the_token_again(
    start: Start, emulator: Emulator, fault: str, data: dict[str, Any]
) -> None:
    """The rows of the table in docs/sidecar.md."""
    emulator.fault(f"POST /session/refresh {fault}")
    error = start().call("refresh", {"refreshToken": emulator.open_session().refresh_token})["error"]
    assert error["data"] == data


@pytest.fixture
def browser(program: Program) -> Iterator[ScriptedBrowser]:
    """Visits each page that the sidecar opens, as a player would."""
    scripted = ScriptedBrowser()
    with HandOver(scripted) as hand_over:
        program.environ["BROWSER"] = hand_over.command
        yield scripted
    assert scripted.failures == []


def test_browser_login_opens_its_page(start: Start, emulator: Emulator, browser: ScriptedBrowser) -> None:
    launcher = start("--verbose")
    asked = launcher.ask("login", {"method": "browser", **emulator.establish()})
    answer = launcher.answer(asked)
    assert is_signed_in(answer)
    page = launcher.phase(asked, "waiting-for-browser")["errand"]
    assert browser.pages == [page["url"]] and page["expiresAt"] is None
    launcher.close_input()
    launcher.end()
    for secret in (page["url"], answer["result"]["accessToken"], answer["result"]["refreshToken"]):
        assert secret not in launcher.err


def test_device_login_opens_the_page_with_the_code(start: Start, emulator: Emulator, browser: ScriptedBrowser) -> None:
    emulator.update({"device.interval": 1})
    launcher = start("--verbose")
    asked = launcher.ask("login", {"method": "device"})
    assert is_signed_in(launcher.answer(asked))
    device = launcher.phase(asked, "waiting-for-browser")["device"]
    assert browser.pages == [device["verificationUriComplete"]]
    launcher.close_input()
    launcher.end()
    assert device["userCode"] not in launcher.err and device["verificationUriComplete"] not in launcher.err


def test_device_login_without_a_complete_uri(start: Start, emulator: Emulator) -> None:
    """The member is absent then, not null."""
    emulator.fault(path="/device/device-authorize", body=_GRANT | {"verificationUri": f"{emulator.urls['via']}/device"})
    launcher = start()
    device = launcher.phase(launcher.ask("login", {"method": "device", "openBrowser": False}), "waiting-for-browser")
    assert device["device"].keys() == {"userCode", "verificationUri"}
    assert device.keys() == {"id", "phase", "device"}


_GRANT = {"deviceCode": "dvc_0123456789abcdef", "userCode": "WDJB-MJHT", "expiresIn": 600, "interval": 5}


def test_done_is_accepted_while_waiting_only(start: Start, emulator: Emulator) -> None:
    launcher = start()
    for method, keys in (("browser", emulator.establish()), ("device", {})):
        asked = launcher.ask("login", {"method": method, "openBrowser": False, **keys})
        launcher.phase(asked, "waiting-for-browser")
        until(lambda asked=asked: launcher.call("done", {"id": asked})["result"]["accepted"])  # type: ignore[misc]
        launcher.ask("cancel", {"id": asked})
        assert launcher.answer(asked)["error"]["data"]["kind"] == "cancelled"
        assert launcher.call("done", {"id": asked})["result"] == {"accepted": False}


# --- cancelled during a call ------------------------------------------------------------------------------------------


def in_flight(launcher: Launcher, emulator: Emulator, method: str, path: str) -> Any:
    """A login whose current call the service does not answer."""
    emulator.fault(path=path, delay=20)
    keys = emulator.establish() if path in ("/connect/status-poll", "/connect/redeem") else {}
    asked = launcher.ask("login", {"method": method, "openBrowser": False, **keys})
    if path not in BEFORE_THE_PAGE:
        told = launcher.phase(asked, "waiting-for-browser")
        visit(told["errand"]["url"] if "errand" in told else told["device"]["verificationUriComplete"])
        launcher.call("done", {"id": asked})
    until(lambda: emulator._faults.active[0].applied)
    return asked


BEFORE_THE_PAGE = ("/connect/establish", "/device/device-authorize")
MIDDLES = [
    ("browser", "/connect/status-poll"),
    ("browser", "/connect/redeem"),
    ("device", "/device/device-authorize"),
    ("device", "/device/device-token"),
]


@pytest.mark.parametrize("by", ["cancel", "end of input"])
def test_cancel_while_establishing(start: Start, program: Program, emulator: Emulator, by: str) -> None:
    program.environ["SUDOMIMUS_CLIENT_KEY"] = Path(emulator.urls["clientKeyFile"]).read_text(encoding="utf-8")
    launcher = start()
    cancelled(launcher, emulator, in_flight(launcher, emulator, "browser", "/connect/establish"), by)


@pytest.mark.parametrize(("method", "path"), MIDDLES)
@pytest.mark.parametrize("by", ["cancel", "end of input"])
def test_cancel_during_a_call(
    start: Start, program: Program, emulator: Emulator, method: str, path: str, by: str
) -> None:
    emulator.update({"device.interval": 1})
    launcher = start()
    cancelled(launcher, emulator, in_flight(launcher, emulator, method, path), by)


def cancelled(launcher: Launcher, emulator: Emulator, asked: Any, by: str) -> None:
    """Assert that the request ends as cancelled, and that no other request is affected."""
    if by == "cancel":
        assert launcher.call("cancel", {"id": asked})["result"] == {"cancelled": True}
        assert launcher.answer(asked)["error"]["data"] == {"kind": "cancelled", "retryable": False}
        assert launcher.call("cancel", {"id": asked})["result"] == {"cancelled": False}
        emulator.clear_faults()
        assert is_signed_in(launcher.call("login", {"method": "steam", "openBrowser": False}))
    launcher.close_input()
    status, seconds = launcher.end()
    assert (status, launcher.err) == (0, "") and kept(seconds, A_SECOND)
    if by == "end of input":
        assert launcher.answer(asked)["error"]["data"] == {"kind": "cancelled", "retryable": False}


@pytest.mark.parametrize("by", ["cancel", "shutdown", "end of input"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_cancelled_refresh_says_that_the_token_is_uncertain(
    start: Start, emulator: Emulator, when: str, by: str
) -> None:
    """The service may have used the token or not: the sidecar cannot tell the two apart."""
    launcher, pair = start(), emulator.open_session()
    emulator.fault(path="/session/refresh", delay=20, when=when)
    asked = launcher.ask("refresh", {"refreshToken": pair.refresh_token})
    until(lambda: emulator._faults.active[0].applied)
    if by == "end of input":
        launcher.close_input()
        launcher.end()
    elif by == "shutdown":
        assert launcher.call("shutdown")["result"] is None
        launcher.end()
    else:
        assert launcher.call("cancel", {"id": asked})["result"] == {"cancelled": True}
    answer = launcher.answer(asked)
    assert answer["error"]["data"] == {"kind": "cancelled", "reason": "RefreshTokenUncertain", "retryable": False}
    assert pair.refresh_token not in json.dumps(answer)


def test_cancelled_logout_may_be_sent_again(start: Start, emulator: Emulator) -> None:
    launcher, pair = start(), emulator.open_session()
    emulator.fault(path="/session/logout", delay=20, when="after", times=1)
    asked = launcher.ask("logout", {"refreshToken": pair.refresh_token})
    until(lambda: emulator._faults.active[0].applied)
    assert launcher.call("cancel", {"id": asked})["result"] == {"cancelled": True}
    assert launcher.answer(asked)["error"]["data"] == {"kind": "cancelled", "retryable": False}
    assert launcher.call("logout", {"refreshToken": pair.refresh_token})["result"].keys() == {"revoked"}


def ask_three_times(launcher: Launcher, method: str, refresh_token: str) -> list[str]:
    """Send three requests in one batch, so that they run at the same time on a machine of any speed."""
    asked = [f"{method} {number}" for number in range(3)]
    params = {"refreshToken": refresh_token}
    for each in asked:
        launcher.expect(each, method, params)
    launcher.send([request(method, params, each) for each in asked])
    return asked


@pytest.mark.parametrize("method", ["refresh", "logout"])
def test_requests_with_the_same_token_share_one_call(start: Start, emulator: Emulator, method: str) -> None:
    """Without a grace window, a token that is sent twice ends the session."""
    emulator.update({"sessions.grace_seconds": 0})
    try:
        launcher, pair, other = start(), emulator.open_session(), emulator.open_session()
        asked = ask_three_times(launcher, method, pair.refresh_token)
        alone = launcher.ask(method, {"refreshToken": other.refresh_token})
        results = [launcher.answer(each)["result"] for each in asked]
        assert results == [results[0]] * 3
        assert launcher.answer(alone)["result"] != results[0] or method == "logout"
        assert [each.path for each in emulator.requests].count(f"/session/{method}") == 2
        if method == "refresh":
            assert not any(session.revoked for session in emulator.sessions)
    finally:
        emulator.reset(settings=True)


def test_requests_that_share_a_call_share_its_error(start: Start, emulator: Emulator) -> None:
    launcher, pair = start(), emulator.open_session()
    emulator.set_sessions(revoked=True)
    asked = ask_three_times(launcher, "refresh", pair.refresh_token)
    errors = [launcher.answer(each)["error"] for each in asked]
    assert errors == [errors[0]] * 3
    assert errors[0]["data"]["reason"] == "RefreshTokenRevoked"
    assert [each.path for each in emulator.requests].count("/session/refresh") == 1


def test_notification_does_not_use_a_refresh_token(start: Start, emulator: Emulator) -> None:
    """Nobody would receive the new pair."""
    launcher, pair = start(), emulator.open_session()
    for method in ("refresh", "logout"):
        launcher.send(request(method, {"refreshToken": pair.refresh_token}))
    assert is_signed_in(launcher.call("refresh", {"refreshToken": pair.refresh_token}))
    assert [each.path for each in emulator.requests].count("/session/refresh") == 1
