"""Specifies how long an errand is waited for, and for whom. `test_rules.py` has its answers and its pace."""

from __future__ import annotations

import httpx
import pytest

from sudomimus_bridge._values.errors import BridgeError, ErrandNotCompleted, ServiceUnavailable
from sudomimus_bridge._values.events import ERRAND_SECONDS
from sudomimus_bridge.testing._scripted_service import Step, errand_step

from ..helpers.service_helpers import ISSUED, PENDING, ran

CUT_OFF, SLOW = Step(raises=httpx.ConnectError), Step(body={"status": "PENDING"}, delay=60)


@pytest.mark.parametrize(
    ("polls", "timeout", "error", "whom"),
    [
        ([SLOW], 10, ErrandNotCompleted, "the player"),
        ([CUT_OFF] * 2 + [SLOW], 20, ErrandNotCompleted, "the player"),
        ([CUT_OFF] * 3 + [SLOW], 30, ServiceUnavailable, "the service"),
        ([CUT_OFF] * 3 + [PENDING, SLOW], 30, ErrandNotCompleted, "the player"),
    ],
)
def test_third_unanswered_poll_makes_it_a_wait_for_the_service(
    polls: list[Step], timeout: int, error: type[BridgeError], whom: str
) -> None:
    ended = ran("steam", [errand_step()], polls, timeout=timeout)
    assert type(ended.error) is error and ended.error.reason == "TimedOut"
    assert f"waited for {whom}." in str(ended.error.detail)


@pytest.mark.parametrize("how", ["steam", "share"])
def test_errand_that_the_service_never_ends_is_asked_for_again(how: str) -> None:
    """Its lifetime and a minute are over, so the service has forgotten it."""
    owed = [Step(200, dict(errand_step(key=key).body)) if how == "share" else errand_step(key=key) for key in "ab"]
    nothing = ISSUED if how == "steam" else Step(body={"errand": None, "claims": {}})
    ended = ran(how, [*owed, nothing], [PENDING], timeout=9_000)
    assert not isinstance(ended.outcome, BridgeError), ended.outcome
    assert [event.errand.errand_key.reveal() for event in ended.events if event.errand] == ["a", "a", "b", "b"]
    assert ended.seconds == pytest.approx(2 * (ERRAND_SECONDS + 60), abs=10)
