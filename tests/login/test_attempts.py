"""Bounds and edges of one flow's requests, in virtual time: the last attempt, the last second, and what is logged and told."""

from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from sudomimus_bridge import BridgeError, ErrandNotCompleted, ServiceUnavailable, SteamUnavailable
from sudomimus_bridge._login.attempts import Attempts
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._service.answers import Answer, Trouble
from sudomimus_bridge._service.operations import Operation
from sudomimus_bridge._service.policy import PATIENT
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.events import Phase, ProgressEvent
from sudomimus_bridge.testing._scripted_service import Step, errand_step
from sudomimus_bridge.testing._stub_steam import StubBehaviour, StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.service_helpers import GRANTED, ISSUED, PENDING, REALIZED, Ran, ran, refused

BUSY, USED, CUT_OFF = refused(503), refused(409), Step(raises=httpx.ConnectError)


def attempts(clock: VirtualClock, chance: float = 0.0, **settings: Any) -> Attempts:
    """The attempts of a flow whose random numbers are all the same."""
    given = read_settings({"application": "my-game", **settings}, {})
    ports = Ports(given, steam=StubSteam(clock), clock=clock, chance=lambda: chance)
    return Attempts(ports, None, patient=given.patient)  # type: ignore[arg-type]


def waits(ended: Ran) -> list[float]:
    return [event.retry_in_seconds or 0.0 for event in ended.events if event.phase is Phase.RETRYING]


# --- the bounds ----------------------------------------------------------------------------------------------------------


def test_each_wait_tells_how_many_attempts_are_left() -> None:
    ended = ran("access-key", [BUSY])
    assert [event.attempts_left for event in ended.events if event.phase is Phase.RETRYING] == [7, 6, 5, 4, 3, 2, 1]


def test_patient_login_sends_another_ticket_soon_for_as_long_as_an_impatient_one() -> None:
    ended = ran("steam", [USED] * 9 + [ISSUED], patient=True)
    assert ended.result
    assert max(waits(ended)[:7]) <= 2 and min(waits(ended)[7:]) >= PATIENT.seconds * PATIENT.certain


def test_attempts_that_a_patient_login_has_waited_after_do_not_count() -> None:
    assert ran("steam", [BUSY] * 3 + [USED] * 3 + [ISSUED], patient=True).result


@pytest.mark.parametrize(("retry_after", "seconds"), [(59.5, 59.5), (60.0, 0.0)])
def test_wait_that_ends_at_the_deadline_is_not_begun(retry_after: float, seconds: float) -> None:
    clock = VirtualClock()

    async def flow() -> None:
        await attempts(clock, timeout=60).wait(Operation.ACCESS_KEY, Answer(status=503, retry_after=retry_after))

    if seconds:
        clock.run(flow)
    else:
        with pytest.raises(ServiceUnavailable):
            clock.run(flow)
    assert clock.elapsed == seconds


@pytest.mark.parametrize(
    ("timeout", "polls", "posts", "seconds"),
    [
        (45, [CUT_OFF] * 9, 3, 21),  # the fourth poll would come at 45 seconds
        (45.5, [CUT_OFF] * 9, 4, 45),
        (100, [PENDING], 33, 100),
    ],
)
def test_polls_near_the_deadline(timeout: float, polls: list[Step], posts: int, seconds: float) -> None:
    ended = ran("browser", [ISSUED], polls, timeout=timeout)
    assert isinstance(ended.outcome, BridgeError)
    assert (len(ended.sent("/status-poll")), ended.seconds) == (posts, seconds)


# --- the error if the time is up -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "polls", "timeout", "error", "whom"),
    [
        ("browser", [PENDING], 2, ErrandNotCompleted, "the player"),  # before the first poll
        ("browser", [PENDING], 100, ErrandNotCompleted, "the player"),
        ("device", [Step(400, {"error": "authorization_pending"})], 60, ErrandNotCompleted, "the player"),
        ("browser", [CUT_OFF] * 2 + [Step(delay=20)], 25, ErrandNotCompleted, "the player"),
        ("browser", [CUT_OFF] * 3 + [Step(delay=20)], 50, ServiceUnavailable, "the service"),
    ],
)
def test_error_names_whom_the_flow_waited_for(
    how: str, polls: list[Step], timeout: int, error: type[BridgeError], whom: str
) -> None:
    ended = ran(how, [GRANTED if how == "device" else ISSUED], polls, timeout=timeout)
    assert type(ended.error) is error and ended.error.reason == "TimedOut"
    assert f"timeout ({timeout} seconds)" in str(ended.error.detail)
    assert f"waited for {whom}." in str(ended.error.detail)
    assert ended.seconds == timeout


@pytest.mark.parametrize(
    ("opens", "error", "whom"), [(True, ServiceUnavailable, "the service"), (False, SteamUnavailable, "Steam")]
)
def test_error_names_the_service_only_after_the_ticket(opens: bool, error: type[BridgeError], whom: str) -> None:
    clock = VirtualClock()
    steam = StubSteam(clock, behaviours=[StubBehaviour() if opens else StubBehaviour(silent=True)])
    ended = ran("steam", [Step(delay=20)], clock=clock, steam=steam, timeout=5)
    assert type(ended.error) is error and f"waited for {whom}." in str(ended.error.detail)


# --- what is logged and told ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (Answer(status=403, reason="Layer2Denied", detail="HTTP 403"), "answer 403, Layer2Denied, HTTP 403"),
        (Answer(status=429, retry_after=7.5), "answer 429, Retry-After 7.5 s"),
        (Answer(trouble=Trouble.TIMEOUT, detail="30 seconds"), f"no answer: {Trouble.TIMEOUT}, 30 seconds"),
    ],
)
def test_log_says_what_was_answered(answer: Answer[None], line: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sudomimus_bridge")
    clock = VirtualClock()

    async def flow() -> None:
        attempts(clock).rule(Operation.ACCESS_KEY, answer)

    clock.run(flow)
    assert caplog.messages == [f"{Operation.ACCESS_KEY.value}: {line}"]


def test_log_says_that_an_answer_has_an_errand(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sudomimus_bridge")
    ran("steam", [errand_step(), ISSUED], [Step(body={"status": "COMPLETED"})])
    assert "steam-ticket: answer 403, ClaimConsentRequired, HTTP 403, an errand" in " ".join(caplog.messages)


def test_wait_for_steam_is_not_a_crowd() -> None:
    clock = VirtualClock()
    steam = StubSteam(clock, behaviours=[StubBehaviour(result=3), StubBehaviour()])
    ended = ran("steam", [ISSUED], clock=clock, steam=steam, patient=True)
    assert [event.others_waiting for event in ended.events if event.phase is Phase.RETRYING] == [False]


@pytest.mark.parametrize(("how", "posts"), [("browser", [ISSUED]), ("device", [GRANTED])])
def test_moment_of_the_last_poll_is_told_only_if_it_brought_the_tokens(how: str, posts: list[Step]) -> None:
    told: list[ProgressEvent] = ran(how, posts, [REALIZED if how == "browser" else ISSUED]).events
    assert (told[-1].asked is None) == (how == "browser")


@pytest.mark.parametrize(
    ("wanted", "asks"),
    [
        ([], ""),
        (["email", "nickname"], " The service requires: email, nickname."),
        (["shoe size"] * 8, f" The service requires: {'shoe size, ' * 7}sho."),
    ],
)
def test_quiet_login_names_the_claims_that_are_required(wanted: list[str], asks: str) -> None:
    clock = VirtualClock()

    async def flow() -> None:
        attempts(clock, quietly=True).require_page(wanted)

    with pytest.raises(ErrandNotCompleted) as needed:
        clock.run(flow)
    assert str(needed.value.detail).endswith(f"SUDOMIMUS_QUIETLY) is on.{asks}")
