"""Specifies the login through the browser: in virtual time on a scripted service, then on the local service."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._login.methods import Device
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.sign_in import sign_in
from sudomimus_bridge._service.policy import Spacing
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.errors import (
    ConfigurationError,
    ErrandNotCompleted,
    LoginCancelled,
    LoginDenied,
    ServiceUnavailable,
)
from sudomimus_bridge._values.events import ProgressEvent
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._scripted_browser import AutoBrowser, RecordingBrowser
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Step, errand_step, scripted
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.service_helpers import (
    CONFIRMATION,
    DEVICE_CODE,
    ESTABLISHED,
    EXPOSURE,
    GRANTED,
    HIDDEN,
    ISSUED,
    PENDING,
    REALIZED,
    by_inquiry,
    by_key,
    ran,
    refused,
)

PAGE = f"https://via.sudomimus.com/?exposure-key={EXPOSURE}"
KEYS = {"exposureKey": EXPOSURE, "hiddenKey": HIDDEN}


def test_inquiry_of_a_backend(backend: str) -> None:
    claims = {"email": {"requirement": "OPTIONAL", "state": "GRANTED"}}
    body = {"applicationAnchor": "my-game", "accessToken": "a.b.c", "refreshToken": "d.e.f", "claims": claims}
    after = ran("browser", [Step(body=body)], [PENDING, REALIZED], backend=backend)
    assert after.result.to_json() == body
    assert [page.reveal() for page in after.browser.pages] == [PAGE]
    assert [(seen.path, seen.body) for seen in after.transport.seen] == [
        ("/status-poll", KEYS),
        ("/status-poll", KEYS),
        ("/redeem", {**KEYS, "confirmationKey": CONFIRMATION}),
    ]
    assert {seen.host for seen in after.transport.seen} == {"connect-api.sudomimus.com"}
    assert all(seen.authorization is None for seen in after.transport.seen)
    assert after.phases == ["waiting-for-browser", "errand-completed", "issuing", "succeeded"]


def test_client_key_establishes_an_inquiry(backend: str) -> None:
    after = ran("browser", [ESTABLISHED, ISSUED], [REALIZED], credentials=by_key(), backend=backend)
    assert after.result.access_token == "access.token.1"
    assert [seen.path for seen in after.transport.seen] == ["/establish", "/status-poll", "/redeem"]
    assert after.phases == ["issuing", "waiting-for-browser", "errand-completed", "issuing", "succeeded"]


def test_event_has_the_page_if_no_browser_opens() -> None:
    for opens, no_browser in ((False, False), (True, True)):
        browser = RecordingBrowser(opens=opens)
        after = ran("browser", [ISSUED], [REALIZED], browser=browser, no_browser=no_browser)
        (told,) = [event for event in after.events if event.phase.value == "waiting-for-browser"]
        assert told.browser_opened is False and told.errand is not None
        assert (told.errand.url, told.errand.expires_at, told.errand.lifetime) == (PAGE, None, None)
        assert EXPOSURE not in repr(told)


def test_exposure_key_cannot_change_the_page() -> None:
    body = {"exposureKey": "exp_1&next=https://evil.example/#", "hiddenKey": HIDDEN}
    after = ran("browser", [Step(body=body), ISSUED], [REALIZED], credentials=by_key())
    (page,) = after.browser.pages
    assert page.reveal() == ("https://via.sudomimus.com/?exposure-key=exp_1%26next%3Dhttps%3A%2F%2Fevil.example%2F%23")


def test_refused_page_ends_the_login() -> None:
    after = ran("browser", [ISSUED], [REALIZED], browser_hosts=["pages.example.org"])
    assert isinstance(after.error, ServiceUnavailable) and after.error.reason == "PageRefused"
    assert after.browser.pages == [] and after.transport.seen == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"exposureKey": EXPOSURE},
        {"hiddenKey": HIDDEN},
        {"exposureKey": "", "hiddenKey": HIDDEN},
        {"exposureKey": 1},
    ],
)
def test_establish_is_retried_after_an_answer_without_keys(body: dict[str, Any]) -> None:
    after = ran("browser", [Step(body=body), ESTABLISHED, ISSUED], [REALIZED], credentials=by_key())
    assert after.result and len(after.sent("/establish")) == 2


# --- the poll ----------------------------------------------------------------------------------------------------------


def test_inquiry_is_polled_every_few_seconds() -> None:
    after = ran("browser", [ISSUED], [*[PENDING] * 20, REALIZED])
    assert set(after.gaps("/status-poll")) == {3.0}
    assert after.sent("/status-poll")[0].at == 3.0


@pytest.mark.parametrize(
    "trouble",
    [refused(500), refused(502), refused(429), Step(raises=httpx.ConnectError), Step(200, b"?"), Step(200, {})],
)
def test_failed_polls_are_repeated_more_slowly(trouble: Step) -> None:
    after = ran("browser", [ISSUED], [PENDING, *[trouble] * 5, PENDING, REALIZED])
    assert after.result
    gaps = after.gaps("/status-poll")
    assert gaps == [3.0, 6.0, 12.0, 24.0, 30.0, 30.0, 3.0]


def test_poll_honours_retry_after() -> None:
    after = ran("browser", [ISSUED], [refused(429, Retry_After="90"), REALIZED])
    assert after.gaps("/status-poll") == [90.0]


def test_retry_after_beyond_the_timeout_ends_the_login_at_once() -> None:
    after = ran("browser", [ISSUED], [refused(429, Retry_After="4000")])
    assert isinstance(after.error, ServiceUnavailable) and after.seconds < 4


def test_unknown_status_counts_as_pending() -> None:
    assert ran("browser", [ISSUED], [Step(body={"status": "SCANNED", "more": 1}), REALIZED]).result


def test_realized_inquiry_without_its_key_is_polled_again() -> None:
    assert ran("browser", [ISSUED], [Step(body={"status": "REALIZED"}), REALIZED]).result


def test_time_over_while_waiting_for_the_player() -> None:
    after = ran("browser", [ISSUED], [PENDING], timeout=60)
    assert isinstance(after.error, ErrandNotCompleted) and after.error.reason == "TimedOut"
    assert 59 <= after.seconds <= 60.1


def test_time_over_while_nothing_answers() -> None:
    after = ran("browser", [ISSUED], [PENDING, Step(raises=httpx.ConnectError)], timeout=300)
    assert isinstance(after.error, ServiceUnavailable)
    assert after.seconds <= 300.1


@pytest.mark.parametrize(("timeout", "error"), [(20, ErrandNotCompleted), (40, ServiceUnavailable)])
def test_third_unanswered_poll_makes_it_a_failure_of_the_service(timeout: int, error: type) -> None:
    after = ran("browser", [ISSUED], [PENDING, Step(raises=httpx.ConnectError)], timeout=timeout)
    assert type(after.error) is error


def test_time_over_while_waiting_for_the_service() -> None:
    after = ran("browser", [Step(delay=29)], [REALIZED], timeout=20)
    assert isinstance(after.error, ServiceUnavailable) and after.error.reason == "TimedOut"


def test_done_polls_at_once() -> None:
    after = ran(
        "browser",
        [ISSUED],
        [PENDING, REALIZED],
        on_request=lambda seen, done: asyncio.get_running_loop().call_later(2, done.set),
    )
    assert after.result
    assert after.gaps("/status-poll") == [2.0]


def test_done_never_polls_faster_than_the_spacing() -> None:
    after = ran("browser", [ISSUED], [PENDING, PENDING, PENDING, REALIZED], on_request=lambda seen, done: done.set())
    assert after.result
    assert after.gaps("/status-poll") == [1.0, 1.0, 1.0]


def test_done_said_twice_counts_once() -> None:
    told: list[bool] = []
    after = ran(
        "browser",
        [ISSUED],
        [PENDING, PENDING, REALIZED],
        on_request=lambda seen, done: told.extend([done.set(), done.set()]) if len(told) < 2 else None,
    )
    assert told == [True, False]
    assert after.gaps("/status-poll") == [1.0, 3.0]


# --- redeeming ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", [refused(500), Step(raises=httpx.ReadError), Step(200, b"{"), refused(503)])
def test_redeem_is_retried(trouble: Step) -> None:
    after = ran("browser", [trouble, ISSUED], [REALIZED])
    assert after.result and len(after.sent("/redeem")) == 2


def test_errand_of_a_redemption_is_not_followed() -> None:
    """No document has one there."""
    after = ran("browser", [errand_step()], [REALIZED])
    assert isinstance(after.error, LoginDenied) and len(after.browser.pages) == 1


def test_redeem_after_a_lost_answer_says_used_already() -> None:
    after = ran("browser", [Step(raises=httpx.ReadError), refused(400, "InquiryAlreadyRedeemed")], [REALIZED])
    assert isinstance(after.error, ErrandNotCompleted) and after.error.reason == "InquiryAlreadyRedeemed"


def test_at_most_eight_requests_without_polls() -> None:
    after = ran("browser", [ESTABLISHED, refused(500)], [PENDING, REALIZED], credentials=by_key())
    assert isinstance(after.error, ServiceUnavailable)
    assert len(after.sent("/establish") + after.sent("/redeem")) == 8


def test_answer_without_anchor_or_claims() -> None:
    after = ran("browser", [Step(body={"accessToken": "a", "refreshToken": "b"})], [REALIZED])
    assert after.result.to_json() == {
        "applicationAnchor": "my-game",
        "accessToken": "a",
        "refreshToken": "b",
        "claims": {},
    }


# --- whole, on the local service ----------------------------------------------------------------------------------------


@pytest.fixture
def make_bridge(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bridge]:
    """Bridges that poll often. The tests above check the real waits."""
    monkeypatch.setattr("sudomimus_bridge._service.policy.INQUIRY_POLL", Spacing(0.05, 1.0, least=0.05, regular=True))

    def make(**more: Any) -> Bridge:
        urls = emulator.urls
        given = {"application": urls["application"], "connect_url": urls["connect"], "via_url": urls["via"]}
        return Bridge(**{**given, **more})

    return make


@pytest.fixture(autouse=True)
def _settings_as_they_were(emulator: Emulator) -> Iterator[None]:
    yield
    emulator.reset(settings=True)


@pytest.fixture
def key(emulator: Emulator) -> dict[str, Any]:
    return {"client_key_file": emulator.urls["clientKeyFile"]}


@pytest.fixture
def inquiry(emulator: Emulator) -> dict[str, Any]:
    keys = emulator.establish()
    return {"exposure_key": keys["exposureKey"], "hidden_key": keys["hiddenKey"]}


def test_blocking_async_and_polled_login(
    make_bridge: Callable[..., Bridge], emulator: Emulator, key: dict[str, Any], backend: str
) -> None:
    with make_bridge(browser=AutoBrowser()) as bridge:

        async def face() -> str:
            return (await bridge.login_async("browser", **key)).access_token

        tokens = {bridge.login("browser", **key).access_token, anyio.run(face, backend=backend)}
        running = bridge.start_login("browser", **key)
        while (result := running.poll()) is None:
            time.sleep(0.01)
    assert len(tokens | {result.access_token}) == 3
    assert result.application_anchor == emulator.urls["application"]
    assert result.claims["email"]["state"] in ("GRANTED", "UNKNOWN")


def test_bridge_with_an_inquiry_of_the_backend(make_bridge: Callable[..., Bridge], inquiry: dict[str, Any]) -> None:
    with make_bridge(browser=AutoBrowser()) as bridge:
        assert bridge.login("browser", **inquiry).access_token
        with pytest.raises(ErrandNotCompleted) as caught:
            bridge.login("browser", **inquiry)
    assert caught.value.reason == "InquiryAlreadyRedeemed"


def test_bridge_with_an_inquiry_in_the_environment(
    make_bridge: Callable[..., Bridge], inquiry: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in inquiry.items():
        monkeypatch.setenv(f"SUDOMIMUS_{name.upper()}", value)
    with make_bridge(browser=AutoBrowser(), application=None) as bridge:
        assert bridge.login("browser").application_anchor == "demo-game"


def test_bridge_with_a_client_key(make_bridge: Callable[..., Bridge], key: dict[str, Any]) -> None:
    with make_bridge(browser=AutoBrowser()) as bridge:
        assert bridge.login("browser", client_key=Path(key["client_key_file"]).read_text())


def test_player_declines_a_required_claim(
    make_bridge: Callable[..., Bridge], emulator: Emulator, key: dict[str, Any]
) -> None:
    emulator.update({"claims.email": "REQUIRED"})
    with make_bridge(browser=AutoBrowser(agree=False)) as bridge, pytest.raises(ErrandNotCompleted):
        bridge.login("browser", **key)


def test_player_declines_an_optional_claim(make_bridge: Callable[..., Bridge], key: dict[str, Any]) -> None:
    with make_bridge(browser=AutoBrowser(agree=False)) as bridge:
        assert bridge.login("browser", **key).claims["email"]["state"] == "DENIED"


def test_claim_that_becomes_required_during_the_login(
    make_bridge: Callable[..., Bridge], emulator: Emulator, key: dict[str, Any]
) -> None:
    def more(event: ProgressEvent) -> None:
        if event.phase.value == "errand-completed":
            emulator.update({"claims.email": "REQUIRED"})

    with make_bridge(browser=AutoBrowser(agree=False)) as bridge, pytest.raises(LoginDenied) as caught:
        bridge.login("browser", more, **key)
    assert caught.value.reason == "ClaimConsentRequired" and "Sign in again" in caught.value.sentence


def test_inquiry_expires(make_bridge: Callable[..., Bridge], emulator: Emulator, key: dict[str, Any]) -> None:
    emulator.update({"connect.inquiry_lifetime_seconds": 1})
    with make_bridge(browser=RecordingBrowser()) as bridge, pytest.raises(ErrandNotCompleted) as caught:
        bridge.login("browser", **key)
    assert caught.value.reason == "InquiryExpired"


@pytest.mark.parametrize(
    ("setting", "error", "reason"),
    [
        ({"application.disabled": True}, LoginDenied, "ApplicationNotActive"),
        ({"application.status_poll": False}, LoginDenied, "Layer3Denied"),
    ],
)
def test_application_refuses(
    make_bridge: Callable[..., Bridge],
    emulator: Emulator,
    key: dict[str, Any],
    setting: dict[str, Any],
    error: type[Exception],
    reason: str,
) -> None:
    emulator.update(setting)
    with make_bridge(browser=AutoBrowser()) as bridge, pytest.raises(error) as caught:
        bridge.login("browser", **key)
    assert getattr(caught.value, "reason", None) == reason


def test_cancel_while_waiting(make_bridge: Callable[..., Bridge], key: dict[str, Any]) -> None:
    events: list[ProgressEvent] = []
    with make_bridge(browser=RecordingBrowser()) as bridge:
        running = bridge.start_login("browser", events.append, **key)
        while not any(event.phase.value == "waiting-for-browser" for event in events):
            assert running.poll() is None
            time.sleep(0.01)
        running.done()
        running.cancel()
        with pytest.raises(LoginCancelled):
            while running.poll() is None:
                time.sleep(0.01)


def test_login_without_credentials(make_bridge: Callable[..., Bridge]) -> None:
    with make_bridge() as bridge:
        with pytest.raises(ConfigurationError, match="needs an inquiry or a client key"):
            bridge.login("browser")
        with pytest.raises(TypeError, match="no such credential for browser: access_key_id"):
            bridge.login("browser", access_key_id="x")  # type: ignore[call-overload]


@pytest.mark.parametrize("phase", ["issuing", "waiting-for-browser", "errand-completed", "succeeded"])
@pytest.mark.parametrize("how", ["browser", "key", "device"])
def test_error_of_a_door_has_no_secret_in_its_frames(how: str, phase: str) -> None:
    """A crash reporter keeps the local variables of every frame of a traceback."""
    secrets = [EXPOSURE, HIDDEN, CONFIRMATION, DEVICE_CODE, "access.token.1", "refresh.token.1", "BEGIN PRIVATE"]
    posts = {"browser": [ISSUED], "key": [ESTABLISHED, ISSUED], "device": [GRANTED]}[how]
    clock, credentials = VirtualClock(), by_key() if how == "key" else by_inquiry()
    transport = ScriptedTransport(clock, posts, [ISSUED] if how == "device" else [REALIZED])
    settings = read_settings({"application": "my-game", "no_browser": True}, {})
    ports = Ports(settings, clock=clock, open_service=scripted(transport))

    def door(event: ProgressEvent) -> None:
        if event.phase.value == phase:
            raise RuntimeError("the door's own bug")

    async def flow() -> object:
        return await sign_in(Device() if how == "device" else credentials, ports, door)

    with pytest.raises(RuntimeError, match="the door's own bug") as caught:
        clock.run(flow)
    frames = [frame.frame for frame in caught.traceback if "sudomimus_bridge" in str(frame.path)]
    assert len(frames) > 3
    shown = repr([frame.f_locals for frame in frames])
    assert not [secret for secret in secrets if secret in shown]
