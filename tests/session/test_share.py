"""Specifies the proactive errand and "I'm done": the player is not asked again about a claim that they have just decided."""

from __future__ import annotations

import asyncio

import pytest

from sudomimus_bridge._runs.signals import DoneSignal
from sudomimus_bridge._values.events import Claims, ErrandResult
from sudomimus_bridge.testing._scripted_service import Step, errand_step

from ..helpers.service_helpers import ran

CLAIMS: Claims = {"email": {"requirement": "OPTIONAL", "state": "DENIED"}}


def offer(key: str) -> Step:
    url = f"https://via.sudomimus.com/errand?key={key}"
    errand = {"errandKey": key, "url": url, "expiresAt": "2026-06-10T12:30:00Z"}
    return Step(body={"errand": errand, "claims": CLAIMS})


PENDING, COMPLETED, EXPIRED = (Step(body={"status": status}) for status in ("PENDING", "COMPLETED", "EXPIRED"))


@pytest.mark.parametrize(("after", "asked_at"), [(0.2, 1.0), (1.5, 1.5)])
def test_finished_page_is_not_followed_by_another(after: float, asked_at: float) -> None:
    """A service that offers a declined claim again has a second page ready."""
    told = iter([True])

    def say(_seen: object, done: DoneSignal) -> None:
        if next(told, False):
            asyncio.get_running_loop().call_later(after, done.set)

    walked = ran("share", [offer("ernd_1"), offer("ernd_2")], [COMPLETED], on_request=say)
    assert walked.outcome == ErrandResult(True, CLAIMS)
    assert len(walked.browser.pages) == 1
    (asked,) = walked.sent("/errand/ernd_1/status")
    assert asked.at - walked.transport.seen[0].at == pytest.approx(asked_at, abs=0.01)


def test_done_said_too_early_keeps_the_same_page_open() -> None:
    told = iter([True])
    walked = ran(
        "share",
        [offer("ernd_1"), offer("ernd_1"), Step(body={"errand": None, "claims": {}})],
        [PENDING, COMPLETED],
        on_request=lambda seen, done: done.set() if next(told, False) else None,
    )
    assert walked.outcome.completed
    assert len(walked.browser.pages) == 1


def test_done_said_of_a_page_that_has_expired_opens_a_fresh_one() -> None:
    walked = ran("share", [offer("ernd_1"), offer("ernd_2")], [EXPIRED, COMPLETED])
    assert walked.outcome.completed
    assert len(walked.browser.pages) == 2


def test_declined_claim_is_named_in_plain_words() -> None:
    def gate(state: str) -> Step:
        return errand_step(claims={"firstName": {"requirement": "REQUIRED", "state": state}})

    walked = ran("steam", [gate("UNKNOWN"), gate("DENIED")], [COMPLETED])
    assert "not to share what this game needs (first name)." in walked.error.sentence


def test_login_asks_for_tokens_as_soon_as_the_player_says_done() -> None:
    """The next attempt shows whether the page is finished: it succeeds or returns the errand again."""
    told = iter([False, True])
    gate = errand_step()
    walked = ran(
        "steam",
        [gate, Step(body={"accessToken": "a.b.c", "refreshToken": "d.e.f"})],
        [PENDING],
        on_request=lambda seen, done: done.set() if next(told, False) else None,
    )
    assert walked.result
    assert len(walked.sent("/direct-issue/steam-ticket")) == 2
