"""Specifies the login with a code that the player confirms on another device, as RFC 8628 requires of a client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpx
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._values.errors import ConfigurationError, ErrandNotCompleted, LoginDenied, ServiceUnavailable
from sudomimus_bridge._values.events import DeviceHandoff, ProgressEvent
from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.testing._scripted_browser import AutoBrowser, RecordingBrowser
from sudomimus_bridge.testing._scripted_service import Step

from ..helpers.service_helpers import (
    AUTHORIZATION_PENDING,
    DEVICE_CODE,
    GRANT,
    GRANTED,
    ISSUED,
    USER_CODE,
    Ran,
    ran,
    refused,
)

TOKEN = "/device-token"


def slow_down(interval: object = None) -> Step:
    return Step(400, {"error": "slow_down", **({} if interval is None else {"interval": interval})})


def grant(**changes: Any) -> Step:
    return Step(body={name: value for name, value in {**GRANT, **changes}.items() if value is not None})


def shown(after: Ran) -> DeviceHandoff:
    (event,) = [event for event in after.events if event.phase.value == "waiting-for-browser"]
    assert event.device is not None
    return event.device


def test_code_is_shown_and_confirmed(backend: str) -> None:
    after = ran("device", [GRANTED], [AUTHORIZATION_PENDING, AUTHORIZATION_PENDING, ISSUED], backend=backend)
    assert after.result.access_token == "access.token.1"
    assert [(seen.path, seen.body) for seen in after.transport.seen] == [
        ("/device-authorize", {"applicationAnchor": "my-game"}),
        *[(TOKEN, {"deviceCode": DEVICE_CODE})] * 3,
    ]
    assert {seen.host for seen in after.transport.seen} == {"device-api.sudomimus.com"}
    device = shown(after)
    assert device.user_code == USER_CODE
    assert device.verification_uri == "https://via.sudomimus.com/device"
    assert device.verification_uri_complete == f"https://via.sudomimus.com/device?user-code={USER_CODE}"
    assert device.lifetime == 600
    assert after.phases == ["issuing", "waiting-for-browser", "errand-completed", "succeeded"]
    assert USER_CODE not in repr(after.events) and DEVICE_CODE not in repr(after.events)


def test_page_with_the_code_is_opened() -> None:
    after = ran("device", [GRANTED], [ISSUED])
    assert [page.reveal() for page in after.browser.pages] == [GRANT["verificationUriComplete"]]
    assert ran("device", [GRANTED], [ISSUED], no_browser=True).browser.pages == []


def test_answer_without_the_page_with_the_code() -> None:
    after = ran("device", [grant(verificationUriComplete=None)], [ISSUED])
    assert [page.reveal() for page in after.browser.pages] == [GRANT["verificationUri"]]
    assert shown(after).verification_uri_complete is None


@pytest.mark.parametrize("name", ["verificationUri", "verificationUriComplete"])
@pytest.mark.parametrize("page", ["https://evil.example/device", "https://via.sudomimus.com/device\n", "\0"], ids=ascii)
def test_refused_page_ends_the_login(name: str, page: str) -> None:
    after = ran("device", [grant(**{name: page})], [ISSUED])
    assert len(after.sent("/device-authorize")) == 1
    assert isinstance(after.error, ServiceUnavailable) and after.error.reason == "PageRefused"
    assert after.browser.pages == [] and after.sent(TOKEN) == []


@pytest.mark.parametrize("name", ["deviceCode", "userCode", "verificationUri"])
def test_answer_without_codes_is_retried(name: str) -> None:
    after = ran("device", [grant(**{name: None}), GRANTED], [ISSUED])
    assert after.result and len(after.sent("/device-authorize")) == 2


# --- pace (RFC 8628, 3.5) ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("interval", "wait"), [(5, 5), (1, 1), (30, 30), (None, 5), ("soon", 5), (0, 1), (True, 5), (9e9, 120)]
)
def test_polls_are_never_faster_than_the_interval(interval: object, wait: float) -> None:
    after = ran("device", [grant(interval=interval)], [AUTHORIZATION_PENDING] * 3 + [ISSUED])
    assert after.gaps(TOKEN) == [wait] * 3
    assert after.sent(TOKEN)[0].at - after.sent("/device-authorize")[0].at == wait


@pytest.mark.parametrize(("asked", "after_that"), [(None, 10), (10, 10), (25, 25), (6, 10), ("much", 10)])
def test_slow_down_applies_to_all_later_polls(asked: object, after_that: float) -> None:
    after = ran("device", [GRANTED], [AUTHORIZATION_PENDING, slow_down(asked), *[AUTHORIZATION_PENDING] * 2, ISSUED])
    assert after.gaps(TOKEN) == [5.0, after_that, after_that, after_that]


def test_each_slow_down_adds_five_seconds() -> None:
    after = ran("device", [GRANTED], [slow_down(), slow_down(), slow_down(), ISSUED])
    assert after.gaps(TOKEN) == [10.0, 15.0, 20.0]


@pytest.mark.parametrize("trouble", [Step(raises=httpx.ConnectError), refused(503), refused(502), Step(200, b"{")])
def test_unanswered_polls_double_the_wait_up_to_a_minute(trouble: Step) -> None:
    after = ran("device", [GRANTED], [*[trouble] * 5, AUTHORIZATION_PENDING, ISSUED])
    assert after.result
    assert after.gaps(TOKEN) == [10.0, 20.0, 40.0, 60.0, 60.0, 5.0]


def test_timed_out_poll_doubles_the_wait() -> None:
    after = ran("device", [GRANTED], [Step(raises=httpx.ReadTimeout), ISSUED])
    assert after.gaps(TOKEN) == [10.0]


def test_done_never_polls_faster_than_the_interval() -> None:
    polls = [refused(503), refused(503), AUTHORIZATION_PENDING, ISSUED]
    after = ran("device", [GRANTED], polls, on_request=lambda seen, done: done.set())
    assert after.gaps(TOKEN) == [5.0, 5.0, 5.0]


def test_retry_after_of_a_pending_answer_ends_nothing() -> None:
    pending = Step(400, {"error": "authorization_pending"}, {"Retry-After": "4000"})
    after = ran("device", [GRANTED], [pending])
    assert isinstance(after.error, ErrandNotCompleted) and after.error.sentence


def test_retry_after_beyond_the_timeout_ends_the_login_at_once() -> None:
    after = ran("device", [GRANTED], [refused(429, Retry_After="61")], timeout=60)
    assert isinstance(after.error, ServiceUnavailable) and after.error.reason != "TimedOut"
    assert after.seconds == 5


def test_poll_honours_retry_after() -> None:
    after = ran("device", [GRANTED], [refused(429, Retry_After="100"), ISSUED])
    assert after.gaps(TOKEN) == [100.0]


# --- ends ---------------------------------------------------------------------------------------------------------------


def test_player_declines_the_code() -> None:
    after = ran("device", [GRANTED], [AUTHORIZATION_PENDING, refused(400, "access_denied", "error")])
    assert isinstance(after.error, LoginDenied) and after.error.exit_status == 4
    assert len(after.sent(TOKEN)) == 2


def test_service_says_that_the_code_has_expired() -> None:
    after = ran("device", [GRANTED], [refused(400, "expired_token", "error")])
    assert isinstance(after.error, ErrandNotCompleted) and after.error.exit_status == 5


def test_code_past_its_lifetime_is_polled_no_more() -> None:
    after = ran("device", [grant(expiresIn=60)], [AUTHORIZATION_PENDING])
    assert isinstance(after.error, ErrandNotCompleted) and after.error.reason == "expired_token"
    assert 60 <= after.seconds <= 65
    assert len(after.sent(TOKEN)) == 12


def test_code_expires_while_nothing_answers() -> None:
    after = ran("device", [GRANTED], [Step(raises=httpx.ConnectError)])
    assert isinstance(after.error, ServiceUnavailable)
    assert after.seconds <= 600


def test_time_over_while_waiting_for_the_player() -> None:
    after = ran("device", [GRANTED], [AUTHORIZATION_PENDING], timeout=30)
    assert isinstance(after.error, ErrandNotCompleted) and after.error.reason == "TimedOut"


def test_failed_issuance_is_not_polled_again() -> None:
    after = ran("device", [GRANTED], [Step(500, {"error": "server_error"})])
    assert isinstance(after.error, ServiceUnavailable) and after.error.reason == "server_error"
    assert len(after.sent(TOKEN)) == 1


def test_login_without_an_application() -> None:
    after = ran("device", application=None)
    assert isinstance(after.error, ConfigurationError) and after.transport.seen == []


def test_lifetime_counts_from_the_last_poll() -> None:
    after = ran("device", [GRANTED], [*[AUTHORIZATION_PENDING] * 50, ISSUED])
    succeeded = after.events[-1]
    assert succeeded.asked is not None and succeeded.asked.seconds == after.sent(TOKEN)[-1].at


# --- whole, on the local service ----------------------------------------------------------------------------------------


@pytest.fixture
def quick(emulator: Emulator) -> Emulator:
    emulator.update({"device.interval": 1, "device.slow_down": False})
    return emulator


@pytest.fixture
def make_bridge(quick: Emulator) -> Callable[..., Bridge]:
    def make(**more: Any) -> Bridge:
        urls = quick.urls
        return Bridge(application=urls["application"], device_url=urls["device"], via_url=urls["via"], **more)

    return make


@pytest.fixture(autouse=True)
def _settings_as_they_were(emulator: Emulator) -> Iterator[None]:
    yield
    emulator.reset(settings=True)


@pytest.mark.usefixtures("hurried")
def test_blocking_async_and_polled_login(make_bridge: Callable[..., Bridge], backend: str) -> None:
    with make_bridge(browser=AutoBrowser()) as bridge:

        async def face() -> str:
            return (await bridge.login_async("device")).access_token

        tokens = {bridge.login("device").access_token, anyio.run(face, backend=backend)}
        running = bridge.start_login("device")
        while (result := running.poll()) is None:
            time.sleep(0.01)
    assert len(tokens | {result.access_token}) == 3


@pytest.mark.usefixtures("hurried")
def test_player_types_the_code_on_another_device(make_bridge: Callable[..., Bridge]) -> None:
    def confirm(event: ProgressEvent) -> None:
        if event.device is not None:
            assert event.browser_opened is False
            assert visit(event.device.verification_uri, user_code=event.device.user_code) == "done"

    with make_bridge(no_browser=True) as bridge:
        assert bridge.login("device", confirm).refresh_token


@pytest.mark.usefixtures("hurried")
def test_player_declines_on_the_page(make_bridge: Callable[..., Bridge], quick: Emulator) -> None:
    quick.update({"claims.email": "REQUIRED"})
    with make_bridge(browser=AutoBrowser(agree=False)) as bridge, pytest.raises(LoginDenied) as caught:
        bridge.login("device")
    assert caught.value.reason == "access_denied"


def test_code_expires_on_the_local_service(make_bridge: Callable[..., Bridge], quick: Emulator) -> None:
    quick.update({"device.lifetime_seconds": 1})
    with make_bridge(browser=RecordingBrowser()) as bridge, pytest.raises(ErrandNotCompleted):
        bridge.login("device")


def test_application_without_the_return_rule(make_bridge: Callable[..., Bridge], quick: Emulator) -> None:
    quick.update({"application.device_code": False})
    with make_bridge() as bridge, pytest.raises(LoginDenied, match="DEVICE_CODE"):
        bridge.login("device")


def test_local_service_never_says_slow_down(make_bridge: Callable[..., Bridge], quick: Emulator) -> None:
    settings = {"device.slow_down": True, "scripted_player.does": "approves", "scripted_player.after_seconds": 2}
    quick.update(settings)
    with make_bridge(no_browser=True) as bridge:
        assert bridge.login("device")
    assert "slow_down" not in [entry.reason for entry in quick.requests]
