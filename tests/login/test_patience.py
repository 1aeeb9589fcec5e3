"""Specifies `patient`: a login keeps trying while service, network or Steam cannot be used, and spreads its attempts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sudomimus_bridge import (
    Bridge,
    BridgeError,
    ConfigurationError,
    ErrandNotCompleted,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from sudomimus_bridge._service.policy import PATIENT, seconds_to_wait
from sudomimus_bridge._values.events import Phase, ProgressEvent, in_words
from sudomimus_bridge.steam import _results as results
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, Step, errand_step, scripted
from sudomimus_bridge.testing._stub_steam import StubBehaviour, StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.service_helpers import ESTABLISHED, GRANTED, ISSUED, REALIZED, Ran, by_key, ran, refused

BUSY, OVERLOADED, NO_STEAM_THERE = refused(429), refused(503), refused(502)
CUT_OFF, SILENT = Step(raises=httpx.ConnectError), Step(raises=httpx.ReadTimeout)
BROKEN, USED = Step(200, b"<html>"), refused(409)
MANY = 40


def waits(ended: Ran) -> list[float]:
    return [event.retry_in_seconds or 0.0 for event in ended.events if event.phase is Phase.RETRYING]


@pytest.mark.parametrize(
    "answer",
    [BUSY, OVERLOADED, NO_STEAM_THERE, refused(500), refused(408), CUT_OFF, SILENT, BROKEN, USED],
    ids=["429", "503", "502", "500", "408", "refused", "silent", "unreadable", "409"],
)
@pytest.mark.parametrize("how", ["steam", "access-key"])
def test_patient_login_outlasts_any_number_of_failures(how: str, answer: Step, backend: str) -> None:
    ended = ran(how, [answer] * MANY + [ISSUED], backend=backend, patient=True)
    assert ended.result.access_token
    assert ended.seconds > 3600 * 4
    assert len(waits(ended)) == MANY
    assert isinstance(ran(how, [answer] * MANY + [ISSUED], backend=backend).outcome, ServiceUnavailable)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refused(403, "Layer2Denied"), LoginDenied),
        (refused(400, "InvalidBody"), ConfigurationError),
        (refused(404), ConfigurationError),
        (refused(401), SteamUnavailable),
        (refused(418), ServiceUnavailable),
    ],
)
def test_final_answer_ends_a_patient_login(answer: Step, error: type[BridgeError]) -> None:
    ended = ran("steam", [BUSY, BUSY, answer], patient=True)
    assert isinstance(ended.outcome, error)
    assert len(waits(ended)) <= 3


def test_errand_after_many_refusals_is_followed() -> None:
    ended = ran(
        "steam", [BUSY] * MANY + [errand_step(), BUSY, ISSUED], [Step(body={"status": "COMPLETED"})], patient=True
    )
    assert ended.result.access_token and len(ended.browser.pages) == 1


def test_patient_and_quiet_login_ends_if_a_page_is_needed() -> None:
    ended = ran("steam", [BUSY] * MANY + [errand_step()], patient=True, quietly=True)
    assert isinstance(ended.outcome, ErrandNotCompleted) and ended.error.reason == "PageNeeded"


@pytest.mark.parametrize(
    ("how", "more", "posts"),
    [
        ("browser", {"credentials": by_key}, [*[BUSY] * MANY, ESTABLISHED, *[CUT_OFF] * MANY, ISSUED]),
        ("device", {}, [*[BUSY] * MANY, GRANTED]),
    ],
)
def test_other_methods_are_patient_too(how: str, more: dict[str, Callable[[], Any]], posts: list[Step]) -> None:
    polls = [REALIZED] if how == "browser" else [ISSUED]
    ended = ran(how, posts, polls, patient=True, **{name: make() for name, make in more.items()})
    assert ended.result.access_token


def test_renewal_is_not_patient() -> None:
    """A refresh token is never sent late, and a token request never waits for hours."""
    ended = ran("refresh", [BUSY], patient=True)
    assert len(ended.sent("/refresh")) <= 8 and ended.seconds < 600
    assert isinstance(ran("share", [BUSY], patient=True).outcome, ServiceUnavailable)


def test_timeout_bounds_a_patient_login_only_if_it_is_set() -> None:
    assert ran("steam", [BUSY] * MANY + [ISSUED], patient=True).seconds > 3600
    ended = ran("steam", [BUSY], patient=True, timeout=1800)
    assert isinstance(ended.outcome, ServiceUnavailable) and ended.seconds <= 1800


def test_waits_grow_and_spread() -> None:
    ended = ran("steam", [BUSY] * 8 + [ISSUED], patient=True)
    for number, wait in enumerate(waits(ended), 1):
        window = min(PATIENT.most, PATIENT.seconds * PATIENT.growth ** (number - 1))
        assert window * PATIENT.certain <= wait <= window
    shapes = {tuple(waits(ran("steam", [BUSY] * 3 + [ISSUED], patient=True))) for _ in range(5)}
    assert len(shapes) == 5  # players get different waits


@pytest.mark.parametrize("retry_after", [7.0, 60.0, 7200.0])
def test_retry_after_is_a_minimum_with_a_spread_on_top(retry_after: float) -> None:
    for failures in (1, 4, 400):
        least, middle, most = (seconds_to_wait(PATIENT, failures, retry_after, chance) for chance in (0.0, 0.5, 1.0))
        assert least == retry_after
        assert most - least >= max(PATIENT.seconds, PATIENT.certain * retry_after)
        assert middle == pytest.approx((least + most) / 2)
    ended = ran("steam", [refused(429, retry_after=str(int(retry_after))), ISSUED], patient=True)
    assert ended.result.access_token and ended.seconds >= retry_after


def test_ticket_is_held_only_during_an_attempt() -> None:
    clock = VirtualClock()
    steam = StubSteam(clock)
    held: list[int] = []
    transport = ScriptedTransport(clock, [BUSY] * 5 + [ISSUED])

    def watch(event: ProgressEvent) -> None:
        if event.phase is Phase.RETRYING:
            held.extend(steam.open_tickets)

    async def flow() -> None:
        bridge = Bridge(application="my-game", steam_app_id=480, steam=steam, clock=clock, service=scripted(transport))
        assert (await bridge.login_async(on_progress=watch, patient=True)).access_token

    clock.run(flow)
    assert held == [] and steam.open_tickets == []
    assert [call for call, _ in steam.calls].count("request") == 6


def patient_with(steam: StubSteam, clock: VirtualClock) -> Any:
    bridge = Bridge(
        application="my-game",
        steam_app_id=480,
        steam=steam,
        clock=clock,
        service=scripted(ScriptedTransport(clock, [ISSUED])),
    )
    return clock.run(lambda: bridge.login_async(patient=True))


def test_patient_login_waits_for_steam_to_start() -> None:
    clock = VirtualClock()
    steam = StubSteam(clock, running=False)
    clock.call_later(3600, lambda: setattr(steam, "running", True))
    assert patient_with(steam, clock).access_token
    assert clock.elapsed >= 3600


@pytest.mark.parametrize(
    "trouble",
    [
        StubBehaviour(no_handle=True),
        StubBehaviour(silent=True),
        StubBehaviour(result=3),
        StubBehaviour(goes_away="shutdown"),
        StubBehaviour(goes_away="disconnect"),
    ],
    ids=["no handle", "silent", "offline", "shutdown", "disconnect"],
)
def test_patient_login_outlasts_a_steam_that_gives_no_ticket(trouble: StubBehaviour) -> None:
    clock = VirtualClock()
    steam = StubSteam(clock, behaviours=[trouble] * 12 + [StubBehaviour()])
    assert patient_with(steam, clock).access_token
    assert steam.open_tickets == []


def test_steam_that_denies_the_game_ends_a_patient_login() -> None:
    clock = VirtualClock()
    with pytest.raises(SteamUnavailable):
        patient_with(StubSteam(clock, behaviours=[StubBehaviour(result=15)]), clock)
    assert not results.may_pass(SteamUnavailable("", reason="LibraryNotFound"))


def test_event_tells_the_player_how_long_and_why() -> None:
    ended = ran("steam", [BUSY, CUT_OFF, ISSUED], patient=True)
    busy, cut_off = (event for event in ended.events if event.phase is Phase.RETRYING)
    assert busy.others_waiting and "Many players" in str(busy.sentence) and busy.attempts_left is None
    assert not cut_off.others_waiting and "Many players" not in str(cut_off.sentence)
    for event in (busy, cut_off):
        assert in_words(event.retry_in_seconds or 0.0) in str(event.sentence)
    assert all(event.sentence is None for event in ended.events if event.phase is not Phase.RETRYING)


def test_seconds_in_words() -> None:
    assert [in_words(seconds) for seconds in (0.2, 3, 22, 59, 61, 100, 1500)] == [
        "in a moment",
        "in about 5 seconds",
        "in about 20 seconds",
        "in about a minute",
        "in about a minute",
        "in about 2 minutes",
        "in about 25 minutes",
    ]
