"""Specifies each row of the table of rules, in virtual time: the answer, the login's reaction, and its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from sudomimus_bridge._login.errand import share
from sudomimus_bridge._login.methods import AccessKey, Steam
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.sign_in import sign_in
from sudomimus_bridge._runs.signals import DoneSignal
from sudomimus_bridge._service.answers import Answer, Trouble
from sudomimus_bridge._service.operations import Operation
from sudomimus_bridge._service.policy import MAX_ATTEMPTS, seconds_to_wait
from sudomimus_bridge._service.rules import rule_for
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.errors import (
    AccessTokenRefused,
    BridgeError,
    ConfigurationError,
    ErrandNotCompleted,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from sudomimus_bridge._values.events import ERRAND_SECONDS, Claims, ErrandResult, LoginResult, Phase, ProgressEvent
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import TOKENS, ScriptedTransport, Seen, Step, errand_step, scripted
from sudomimus_bridge.testing._stub_steam import StubBehaviour, StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

KEY = ("acs_k_4f9d5f61-8e3a-4f0e-9f65-0123456789ab", Secret("acs_t_" + "0123456789abcdef" * 4))


@dataclass
class Run:
    """One flow, run to its end."""

    outcome: Any
    transport: ScriptedTransport
    steam: StubSteam
    browser: RecordingBrowser
    events: list[ProgressEvent]
    seconds: float

    @property
    def posts(self) -> list[Seen]:
        return [seen for seen in self.transport.seen if seen.method == "POST"]

    @property
    def polls(self) -> list[Seen]:
        return [seen for seen in self.transport.seen if seen.method == "GET"]

    @property
    def tickets(self) -> list[str]:
        return [seen.body["steamTicketHex"] for seen in self.posts]

    def failed_with(self, kind: type[BridgeError]) -> BridgeError:
        assert type(self.outcome) is kind, self.outcome
        assert self.outcome.sentence.endswith(".")
        return self.outcome

    def signed_in(self) -> LoginResult:
        assert isinstance(self.outcome, LoginResult), self.outcome
        return self.outcome


def run(
    *posts: Step,
    polls: tuple[Step, ...] = (),
    how: str = "steam",
    behaviours: tuple[StubBehaviour, ...] = (StubBehaviour(),),
    browser: RecordingBrowser | None = None,
    backend: str = "asyncio",
    overlay: bool = False,
    running: bool = True,
    on_event: Callable[[ProgressEvent, DoneSignal], None] | None = None,
    on_request: Callable[[Seen], object] | None = None,
    **settings: Any,
) -> Run:
    clock = VirtualClock()
    transport = ScriptedTransport(clock, posts, polls)
    transport.on_request = on_request
    steam = StubSteam(clock, behaviours=behaviours, overlay=overlay, running=running)
    shown = browser or RecordingBrowser()
    events: list[ProgressEvent] = []
    done = DoneSignal()

    def progress(event: ProgressEvent) -> None:
        events.append(event)
        if on_event is not None:
            on_event(event, done)

    async def flow() -> tuple[Any, float]:
        given = read_settings({"application": "my-game", "steam_app_id": 480, **settings}, {})
        ports = Ports(given, steam=steam, browser=shown, clock=clock, open_service=scripted(transport))
        outcome: LoginResult | ErrandResult | BridgeError
        try:
            if how == "steam":
                outcome = await sign_in(Steam(), ports, progress, done)
            elif how == "access-key":
                outcome = await sign_in(
                    AccessKey(access_key_id=KEY[0], access_key_secret=KEY[1]), ports, progress, done
                )
            else:
                outcome = await share(Secret("access.token.1"), ports, progress, done)
        except BridgeError as error:
            outcome = error
        finally:
            await ports.aclose()
        return outcome, clock.now()

    outcome, seconds = clock.run(flow, backend=backend)
    assert steam.open_tickets == []
    return Run(outcome, transport, steam, shown, events, seconds)


ISSUED = Step()


def refused(status: int, reason: str | None = None, **headers: str) -> Step:
    return Step(status, {"reason": reason} if reason else b"", {k.replace("_", "-"): v for k, v in headers.items()})


# --- 200 ---------------------------------------------------------------------------------------------------------------


def test_tokens_are_issued(backend: str) -> None:
    claims = {"email": {"requirement": "OPTIONAL", "state": "UNKNOWN"}}
    ran = run(Step(body={**TOKENS, "claims": claims}), backend=backend)
    result = ran.signed_in()
    assert (result.access_token, result.refresh_token) == ("access.token.1", "refresh.token.1")
    assert result.to_json() == {**TOKENS, "claims": claims}
    assert ran.posts[0].path == "/direct-issue/steam-ticket"
    assert ran.posts[0].body["applicationAnchor"] == "my-game"
    assert ran.posts[0].body["steamAppId"] == 480
    assert [event.phase for event in ran.events] == [Phase.REQUESTING_TICKET, Phase.ISSUING, Phase.SUCCEEDED]
    assert ran.events[-1].claims == claims


UNKNOWN = {"requirement": "SOMETIMES", "state": "PERHAPS", "since": 3}


@pytest.mark.parametrize(
    ("body", "claims", "anchor"),
    [
        ({"accessToken": "a.b.c", "refreshToken": "opaque"}, {}, "my-game"),
        ({**TOKENS, "claims": None, "more": [1]}, {}, "my-game"),
        ({**TOKENS, "claims": {"shoeSize": UNKNOWN, "email": 7}}, {"shoeSize": UNKNOWN, "email": 7}, "my-game"),
        ({**TOKENS, "applicationAnchor": "its-own-name"}, {}, "its-own-name"),
    ],
    ids=["nothing but tokens", "claims null", "unknown claims and values", "another anchor"],
)
def test_extra_missing_and_unknown_fields_log_a_player_in(body: dict[str, Any], claims: object, anchor: str) -> None:
    result = run(Step(body=body)).signed_in()
    assert result.claims == claims
    assert result.application_anchor == anchor


# --- final answers -----------------------------------------------------------------------------------------------------

FINAL = [
    (400, "InvalidBody", ConfigurationError),
    (400, "SomethingNew", ConfigurationError),
    (400, None, ConfigurationError),
    (404, "ApplicationNotFound", ConfigurationError),
    (404, None, ConfigurationError),
    (403, "Layer1Denied", LoginDenied),
    (403, "Layer2Denied", LoginDenied),
    (403, "Layer3Denied", LoginDenied),
    (403, "ApplicationDisabled", LoginDenied),
    (403, "ApplicationNotActive", LoginDenied),
    (403, "AccountDisabled", LoginDenied),
    (403, "AccountDeleted", LoginDenied),
    (403, "EmailDomainBlocked", LoginDenied),
    (403, "EmailDomainRequiresSso", LoginDenied),
    (403, "SsoAuthorityConflict", LoginDenied),
    (403, "SomethingNew", LoginDenied),
    (403, None, LoginDenied),
    (418, None, ServiceUnavailable),
]


@pytest.mark.parametrize(("status", "reason", "error"), FINAL)
@pytest.mark.parametrize("how", ["steam", "access-key"])
def test_final_answer_ends_the_login_at_once(
    status: int, reason: str | None, error: type[BridgeError], how: str
) -> None:
    ran = run(refused(status, reason), how=how)
    assert ran.failed_with(error).reason == reason
    assert len(ran.posts) == 1
    assert ran.seconds < 1


def test_each_denial_has_texts_of_its_own() -> None:
    denials = [reason for status, reason, _ in FINAL if status == 403]
    errors = [run(refused(403, reason)).outcome for reason in denials]
    # Two pairs share their texts: an unknown reason and none; the two names of a disabled application.
    assert len({(error.sentence, error.detail) for error in errors}) == len(denials) - 2


# --- answers that call for a fresh ticket --------------------------------------------------------------------------------

AGAIN = [
    refused(409, "ReplayProtectionAlreadySeen"),
    refused(409, "AuthorizationArtifactStale"),
    refused(429),
    refused(503),
    refused(502, "SteamUnreachable"),
    refused(500),
    refused(504),
    Step(raises=httpx.ConnectError),
    Step(raises=httpx.ReadTimeout),
    Step(raises=httpx.ReadError),
    Step(raises=httpx.RemoteProtocolError),
    Step(200, b"<html>not JSON</html>"),
    Step(200, {"accessToken": "only one"}),
    Step(200, [1, 2]),
    Step(200, {**TOKENS}, {"Content-Type": "text/html"}),
    Step(204, b""),
    Step(302, b"", {"Location": "https://login.example/"}),
    Step(200, b"{" + b" " * 300_000 + b"}"),
    Step(200, {**TOKENS}, {"Content-Encoding": "gzip"}),
    Step(delay=31),
    Step(chunk_delay=40),
]


@pytest.mark.parametrize("step", AGAIN, ids=lambda step: f"{step.status} {step.raises and step.raises.__name__}")
def test_retry_uses_a_fresh_ticket(step: Step) -> None:
    ran = run(step, ISSUED)
    ran.signed_in()
    assert len(set(ran.tickets)) == len(ran.tickets) == 2
    kinds = [kind for kind, _ in ran.steam.calls]
    assert kinds == ["open", "request", "cancel", "request", "cancel", "shutdown"]
    assert [event.attempt for event in ran.events if event.phase is Phase.RETRYING] == [1]


@pytest.mark.parametrize("step", AGAIN, ids=lambda step: f"{step.status} {step.raises and step.raises.__name__}")
def test_repeated_failures_end_the_login(step: Step) -> None:
    ran = run(step)
    ran.failed_with(ServiceUnavailable)
    assert 2 <= len(ran.posts) <= MAX_ATTEMPTS


@pytest.mark.parametrize("step", AGAIN[:8], ids=lambda step: f"{step.status} {step.raises and step.raises.__name__}")
def test_access_key_is_sent_again(step: Step) -> None:
    ran = run(step, ISSUED, how="access-key")
    ran.signed_in()
    assert ran.posts[0].body == ran.posts[1].body
    assert {KEY[0], KEY[1].reveal()} < set(ran.posts[0].body.values())
    assert ran.posts[0].path == "/direct-issue/access-key"


def test_rejected_ticket_is_replaced_once() -> None:
    assert len(run(refused(401), ISSUED).tickets) == 2
    ran = run(refused(401))
    assert len(set(ran.tickets)) == 2
    ran.failed_with(SteamUnavailable)


def test_rejected_access_key_is_final() -> None:
    ran = run(refused(401, "AccessKeyDirectDenied"), how="access-key")
    assert ran.failed_with(LoginDenied).reason == "AccessKeyDirectDenied"
    assert len(ran.posts) == 1


def test_at_most_eight_attempts_in_any_mixture() -> None:
    ran = run(*[refused(status) for status in (429, 409, 502, 409, 503, 500, 429, 409, 502)])
    ran.failed_with(ServiceUnavailable)
    assert len(ran.posts) == len(set(ran.tickets)) == MAX_ATTEMPTS == 8


# --- waiting -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
def test_ticket_is_requested_after_retry_after(status: int) -> None:
    ran = run(refused(status, Retry_After="7"), ISSUED)
    ran.signed_in()
    assert ran.posts[1].at - ran.posts[0].at >= 7
    assert [kind for kind, _ in ran.steam.calls][1:4] == ["request", "cancel", "request"]
    waits = [event.retry_in_seconds for event in ran.events if event.phase is Phase.RETRYING]
    assert waits[0] is not None
    assert 7 <= waits[0] <= 9


def test_retry_after_date_counts_from_the_answers_date() -> None:
    dates = {"Date": "Wed, 10 Jun 2026 12:00:00 GMT", "Retry-After": "Wed, 10 Jun 2026 12:00:20 GMT"}
    ran = run(Step(503, b"", dates), ISSUED)
    assert 20 <= ran.posts[1].at - ran.posts[0].at <= 23


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows takes its time zone from elsewhere")
@pytest.mark.parametrize(
    "date", ["Wed, 10 Jun 2026 12:00:00", "Wed Jun 10 12:00:00 2026", "Wed, 10 Jun 2026 12:00:00 -0000"]
)
def test_date_without_a_zone_is_utc(date: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        ran = run(Step(503, b"", {"Date": date, "Retry-After": "Wed, 10 Jun 2026 12:00:20 GMT"}), ISSUED)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert 20 <= ran.posts[1].at - ran.posts[0].at <= 23


@pytest.mark.parametrize("value", ["-5", "soon", "1e9", "999999999999", "Wed, 99 Jun", ""])
def test_malformed_retry_after_is_ignored(value: str) -> None:
    ran = run(refused(503, Retry_After=value), ISSUED)
    ran.signed_in()
    assert ran.seconds < 5


def test_retry_after_beyond_the_timeout_ends_the_login_at_once() -> None:
    ran = run(refused(429, Retry_After="61"), ISSUED, timeout=60)
    assert ran.failed_with(ServiceUnavailable).reason != "TimedOut"
    assert ran.seconds < 1
    run(refused(429, Retry_After="55"), ISSUED, timeout=60).signed_in()


@pytest.mark.parametrize(
    ("answer", "longest"),
    [
        (Answer(status=409), [0.25, 0.5, 1, 2, 2, 2, 2]),
        (Answer(trouble=Trouble.NETWORK), [0.5, 1, 2, 4, 8, 8, 8]),
        (Answer(status=502), [1, 2, 4, 8, 15, 15, 15]),
        (Answer(status=503), [2, 4, 8, 16, 32, 60, 60]),
    ],
)
def test_longest_wait_doubles_up_to_a_cap(answer: Answer[None], longest: list[float]) -> None:
    spacing = rule_for(Operation.STEAM_TICKET, answer).spacing
    assert [seconds_to_wait(spacing, failures, None, 1.0) for failures in range(1, 8)] == longest
    assert [seconds_to_wait(spacing, failures, 9.0, 0.0) for failures in range(3)] == [9.0] * 3


def test_full_jitter_spreads_the_players() -> None:
    second_attempts = {round(run(refused(503), ISSUED).posts[1].at, 3) for _ in range(40)}
    assert len(second_attempts) > 20
    assert max(second_attempts) < 2.2


# --- what is sent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [2561, 4000])
def test_ticket_longer_than_the_service_takes_is_cancelled_and_not_sent(size: int) -> None:
    ran = run(ISSUED, behaviours=(StubBehaviour(size=size),))
    assert ran.failed_with(SteamUnavailable).reason == "TicketUnreadable"
    assert ran.posts == []


def test_longest_ticket_is_sent() -> None:
    assert run(ISSUED, behaviours=(StubBehaviour(size=2560),)).signed_in()


@pytest.mark.parametrize(
    ("how", "members"),
    [
        ("steam", {"applicationAnchor", "steamTicketHex", "steamAppId"}),
        ("access-key", {"applicationAnchor", "accessKeyIdentifier", "accessKeySecret"}),
        ("share", {"accessToken"}),
    ],
)
def test_request_has_exactly_the_members_of_the_contract(how: str, members: set[str]) -> None:
    answer = Step(body={"errand": None, "claims": {}}) if how == "share" else ISSUED
    assert set(run(answer, how=how).posts[0].body) == members


# --- the time ------------------------------------------------------------------------------------------------------------


def test_time_over_while_waiting_for_steam() -> None:
    ran = run(ISSUED, behaviours=(StubBehaviour(delay=15),), timeout=3)
    assert ran.failed_with(SteamUnavailable).reason == "TimedOut"
    assert ran.seconds < 3.1


def test_time_over_while_waiting_for_the_service() -> None:
    ran = run(Step(delay=20), timeout=5)
    assert ran.failed_with(ServiceUnavailable).reason == "TimedOut"
    assert ran.seconds < 5.1


def test_time_over_while_waiting_for_the_player() -> None:
    ran = run(errand_step(), timeout=100)
    assert ran.failed_with(ErrandNotCompleted).reason == "TimedOut"
    assert ran.seconds < 100.1


def test_time_over_while_no_poll_is_answered() -> None:
    """The player may have finished the page, so the error is about the service."""
    ran = run(errand_step(), polls=(Step(raises=httpx.ConnectError),), timeout=100)
    assert ran.failed_with(ServiceUnavailable).reason == "TimedOut"


def test_time_over_after_polls_are_answered_again() -> None:
    ran = run(errand_step(), polls=(*[Step(raises=httpx.ConnectError)] * 5, poll("PENDING")), timeout=100)
    assert ran.failed_with(ErrandNotCompleted).reason == "TimedOut"


def test_missing_callback_ends_the_login_after_twenty_seconds() -> None:
    ran = run(ISSUED, behaviours=(StubBehaviour(silent=True),))
    assert ran.failed_with(SteamUnavailable).reason == "NoCallback"
    assert ran.seconds < 20.1
    assert [kind for kind, _ in ran.steam.calls] == ["open", "request", "cancel", "shutdown"]


# --- the errand ------------------------------------------------------------------------------------------------------------


def poll(status: str) -> Step:
    return Step(body={"status": status})


@pytest.mark.parametrize("how", ["steam", "access-key"])
def test_errand_is_opened_and_followed_by_a_fresh_attempt(how: str, backend: str) -> None:
    ran = run(
        errand_step(), ISSUED, polls=(poll("PENDING"), poll("PENDING"), poll("COMPLETED")), how=how, backend=backend
    )
    ran.signed_in()
    assert [page.reveal() for page in ran.browser.pages] == ["https://via.sudomimus.com/errand?key=ernd_1"]
    assert [seen.path for seen in ran.polls] == ["/errand/ernd_1/status"] * 3
    assert len(ran.posts) == 2
    if how == "steam":
        assert len(set(ran.tickets)) == 2
    told = {event.phase: event for event in ran.events}
    claims = errand_step().body["claims"]
    for phase in (Phase.ERRAND_REQUIRED, Phase.WAITING_FOR_BROWSER, Phase.ERRAND_COMPLETED):
        assert told[phase].claims == claims
    shown = told[Phase.ERRAND_REQUIRED].errand
    assert shown is not None and shown.url == "https://via.sudomimus.com/errand?key=ernd_1"
    phases = [Phase.REQUESTING_TICKET, Phase.ISSUING] if how == "steam" else [Phase.ISSUING]
    for phase in phases:
        assert [event.attempt for event in ran.events if event.phase is phase] == [1, 2]
    assert told[Phase.SUCCEEDED].attempt == 2


def test_errand_is_polled_every_two_seconds() -> None:
    ran = run(errand_step(), ISSUED, polls=(*[poll("PENDING")] * 20, poll("COMPLETED")))
    gaps = [after.at - before.at for before, after in zip(ran.polls, ran.polls[1:], strict=False)]
    assert all(1.99 <= gap <= 2.01 for gap in gaps)


@pytest.mark.parametrize(
    "trouble",
    [refused(500), refused(404), refused(429, Retry_After="60"), Step(raises=httpx.ConnectError), Step(200, b"?")],
)
def test_failed_poll_is_repeated_within_one_to_eight_seconds(trouble: Step) -> None:
    ran = run(errand_step(), ISSUED, polls=(poll("PENDING"), *[trouble] * 6, poll("COMPLETED")))
    ran.signed_in()
    gaps = [after.at - before.at for before, after in zip(ran.polls, ran.polls[1:], strict=False)]
    assert all(1 <= gap <= 8.01 for gap in gaps)


def test_wait_doubles_with_each_failed_poll_in_a_row() -> None:
    ran = run(errand_step(), ISSUED, polls=(*[refused(500)] * 3, poll("PENDING"), refused(500), poll("COMPLETED")))
    gaps = [after.at - before.at for before, after in zip(ran.polls, ran.polls[1:], strict=False)]
    assert gaps == pytest.approx([4, 8, 8, 2, 4])


def test_retry_after_of_a_poll_stays_within_eight_seconds() -> None:
    ran = run(errand_step(), ISSUED, polls=(refused(429, Retry_After="7"), poll("COMPLETED")))
    assert ran.polls[1].at - ran.polls[0].at == pytest.approx(7, abs=0.01)


def test_unknown_errand_status_counts_as_pending() -> None:
    run(errand_step(), ISSUED, polls=(poll("ALMOST"), poll("COMPLETED"))).signed_in()


def test_expired_errands_are_replaced_a_bounded_number_of_times() -> None:
    fresh = [errand_step(f"https://via.sudomimus.com/errand?key=ernd_{n}", f"ernd_{n}") for n in range(9)]
    ran = run(*fresh, polls=(poll("EXPIRED"),))
    assert ran.failed_with(ErrandNotCompleted).reason == "OutOfRounds"
    assert len({page.reveal() for page in ran.browser.pages}) == len(ran.browser.pages) == 3


def test_errand_past_its_lifetime_is_requested_again() -> None:
    ran = run(errand_step(), ISSUED)
    ran.signed_in()
    assert len(ran.polls) == (ERRAND_SECONDS + 60) / 2 == 930


def test_same_errand_again_and_again_is_out_of_rounds() -> None:
    ran = run(errand_step(), polls=(poll("COMPLETED"),))
    assert ran.failed_with(ErrandNotCompleted).reason == "OutOfRounds"
    assert len(ran.posts) <= MAX_ATTEMPTS
    assert len(ran.browser.pages) == 1


def test_player_declines_the_errand() -> None:
    declined = errand_step(
        "https://via.sudomimus.com/errand?key=ernd_2",
        "ernd_2",
        claims={"email": {"requirement": "REQUIRED", "state": "DENIED"}},
    )
    ran = run(errand_step(), declined, polls=(poll("EXPIRED"),))
    error = ran.failed_with(ErrandNotCompleted)
    assert error.reason == "Declined"
    assert "email" in error.sentence
    assert len(ran.browser.pages) == 1


def test_claim_declined_earlier_may_be_granted_now() -> None:
    before = errand_step(claims={"email": {"requirement": "REQUIRED", "state": "DENIED"}})
    run(before, ISSUED, polls=(poll("COMPLETED"),)).signed_in()
    page = "https://via.sudomimus.com/errand?key=ernd_2"
    again = errand_step(page, "ernd_2", claims={"email": {"requirement": "REQUIRED", "state": "DENIED"}})
    run(before, again, ISSUED, polls=(poll("EXPIRED"), poll("COMPLETED"))).signed_in()


def say_done(event: ProgressEvent, done: DoneSignal) -> None:
    if event.phase is Phase.WAITING_FOR_BROWSER:
        assert done.set()
        assert not done.set()


def test_done_in_an_errand() -> None:
    ran = run(errand_step(), ISSUED, on_event=say_done)
    ran.signed_in()
    assert ran.polls == []
    assert ran.seconds < 1


def test_early_done_cannot_use_up_the_attempts() -> None:
    ran = run(*[errand_step()] * 6, ISSUED, polls=(poll("PENDING"), poll("COMPLETED")), on_event=say_done)
    ran.signed_in()
    assert len(ran.browser.pages) == 1
    assert len(ran.posts) == 7
    # From the sixth attempt on, "I'm done" has no effect: the last two attempts wait until the page is finished.
    assert len(ran.polls) == 2


def test_done_during_a_poll_counts_after_the_poll() -> None:
    signals: list[DoneSignal] = []
    ran = run(
        errand_step(),
        ISSUED,
        polls=(Step(body={"status": "PENDING"}, delay=5),),
        on_event=lambda _event, done: signals.append(done),
        on_request=lambda seen: seen.method == "GET" and signals[-1].set(),
    )
    ran.signed_in()
    assert len(ran.polls) == 1


@pytest.mark.parametrize("how", ["steam", "access-key", "share"])
@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/",
        *(f"https://via.sudomimus.com/errand?key=ernd_1{odd}x" for odd in "\n\t\0\x1b\x7f\u202e\u2028\ud800"),
    ],
    ids=ascii,
)
def test_refused_page_ends_the_flow_after_one_post(url: str, how: str) -> None:
    ran = run(Step(200, errand_step(url).body) if how == "share" else errand_step(url), how=how)
    error = ran.failed_with(ServiceUnavailable)
    assert error.reason == "PageRefused" and error.sentence.isprintable()
    assert ran.browser.pages == [] and len(ran.posts) == 1


@pytest.mark.parametrize("kind", ["\x1b]0;title\x07", "text/\x1b[2Jhtml", "text/\x7f"], ids=ascii)
def test_content_type_cannot_control_a_terminal(kind: str) -> None:
    detail = run(Step(200, b"{}", {"Content-Type": kind})).failed_with(ServiceUnavailable).detail
    assert detail and detail.isprintable() and "in place of application/json" in detail


def test_403_with_half_an_errand_is_unreadable() -> None:
    ran = run(Step(403, {"reason": "ClaimConsentRequired", "errand": {"errandKey": "ernd_1"}}))
    ran.failed_with(ServiceUnavailable)


def test_event_says_that_the_browser_did_not_open() -> None:
    ran = run(errand_step(), ISSUED, polls=(poll("COMPLETED"),), browser=RecordingBrowser(opens=False))
    told = [event for event in ran.events if event.phase is Phase.WAITING_FOR_BROWSER]
    assert told[0].browser_opened is False
    assert told[0].errand is not None
    assert told[0].errand.url == "https://via.sudomimus.com/errand?key=ernd_1"


def test_no_browser_opens_no_page() -> None:
    ran = run(errand_step(), ISSUED, polls=(poll("COMPLETED"),), no_browser=True)
    ran.signed_in()
    assert ran.browser.pages == []


@pytest.mark.parametrize("how", ["steam", "access-key"])
def test_overlay_opens_the_page_in_steam_and_no_browser(how: str, backend: str) -> None:
    ran = run(errand_step(), ISSUED, polls=(poll("COMPLETED"),), how=how, page="overlay", overlay=True, backend=backend)
    ran.signed_in()
    assert [page.reveal() for page in ran.steam.overlay_pages] == ["https://via.sudomimus.com/errand?key=ernd_1"]
    assert ran.browser.pages == []
    assert [event.browser_opened for event in ran.events if event.phase is Phase.WAITING_FOR_BROWSER] == [True]


@pytest.mark.parametrize("running", [True, False])
def test_player_sees_the_address_if_the_overlay_is_off_or_steam_is_not_running(running: bool, backend: str) -> None:
    ran = run(
        errand_step(),
        ISSUED,
        polls=(poll("COMPLETED"),),
        how="access-key",
        page="overlay",
        running=running,
        backend=backend,
    )
    ran.signed_in()
    assert (ran.steam.overlay_pages, ran.browser.pages) == ([], [])
    assert [event.browser_opened for event in ran.events if event.phase is Phase.WAITING_FOR_BROWSER] == [False]


def test_a_page_that_the_gate_refuses_does_not_reach_the_overlay() -> None:
    ran = run(errand_step("https://evil.example/errand?key=ernd_1"), ISSUED, page="overlay", overlay=True)
    assert ran.failed_with(ServiceUnavailable).reason == "PageRefused"
    assert ran.steam.overlay_pages == []


# --- the proactive errand ----------------------------------------------------------------------------------------------------

OWED: Claims = {"email": {"requirement": "OPTIONAL", "state": "UNKNOWN"}}
SHARED: Claims = {"email": {"requirement": "OPTIONAL", "state": "GRANTED"}}


def offer(key: str = "ernd_1", **more: Any) -> Step:
    errand = {
        "errandKey": key,
        "url": f"https://via.sudomimus.com/errand?key={key}",
        "expiresAt": "2026-06-10T12:30:00Z",
    }
    return Step(body={"errand": errand, "claims": OWED, **more})


NOTHING_OWED = Step(body={"errand": None, "claims": SHARED})


def test_share_if_nothing_is_owed() -> None:
    ran = run(NOTHING_OWED, how="share")
    assert ran.outcome == ErrandResult(False, SHARED)
    assert ran.posts[0].path == "/errand"
    assert ran.posts[0].body == {"accessToken": "access.token.1"}


def test_claims_are_requested_again_after_sharing(backend: str) -> None:
    ran = run(offer(), NOTHING_OWED, polls=(poll("PENDING"), poll("COMPLETED")), how="share", backend=backend)
    assert ran.outcome == ErrandResult(True, SHARED)
    assert len(ran.posts) == 2
    phases = ["issuing", "errand-required", "waiting-for-browser", "errand-completed", "issuing", "succeeded"]
    assert [event.phase.value for event in ran.events] == phases
    assert (ran.events[-1].claims, ran.events[-1].attempt) == (SHARED, 2)


def test_errand_with_a_declined_claim_is_completed() -> None:
    declined: Claims = {"email": {"requirement": "OPTIONAL", "state": "DENIED"}}
    ran = run(offer(), Step(body={"errand": None, "claims": declined}), polls=(poll("COMPLETED"),), how="share")
    assert ran.outcome == ErrandResult(True, declined)


def test_declined_required_claim_ends_the_share() -> None:
    required = {"email": {"requirement": "REQUIRED", "state": "DENIED"}}
    ran = run(offer(), offer("ernd_2", claims=required), polls=(poll("EXPIRED"),), how="share")
    assert ran.failed_with(ErrandNotCompleted).reason == "Declined"


def test_expired_access_token_has_an_error_of_its_own() -> None:
    ran = run(refused(401, "AccessTokenExpired"), how="share")
    error = ran.failed_with(AccessTokenRefused)
    assert isinstance(error, LoginDenied) and (error.exit_status, error.kind) == (4, "denied")
    assert len(ran.posts) == 1 and ran.browser.pages == []


def test_access_token_expires_together_with_the_page() -> None:
    run(offer(), refused(401), polls=(poll("EXPIRED"),), how="share").failed_with(AccessTokenRefused)


def test_access_token_that_expires_meanwhile_does_not_undo_the_errand() -> None:
    ran = run(offer(), refused(401), polls=(poll("COMPLETED"),), how="share")
    assert ran.outcome == ErrandResult(True, OWED)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (refused(400), ConfigurationError),
        (refused(404), ConfigurationError),
        (refused(401), AccessTokenRefused),
        (refused(403, "ApplicationDisabled"), LoginDenied),
        (refused(503), ServiceUnavailable),
        (Step(body={"claims": {}}), ServiceUnavailable),
    ],
)
def test_share_fails_as_its_status_says(step: Step, error: type[BridgeError]) -> None:
    run(step, how="share").failed_with(error)


def test_service_that_fails_meanwhile_does_not_undo_the_errand() -> None:
    ran = run(offer(), refused(503), polls=(poll("COMPLETED"),), how="share")
    assert ran.outcome == ErrandResult(True, OWED)


def test_time_over_while_the_player_shares() -> None:
    ran = run(offer(), polls=(poll("PENDING"),), how="share", timeout=60)
    assert ran.failed_with(ErrandNotCompleted).reason == "TimedOut"
    assert ran.seconds == 60


def test_done_in_a_share_asks_the_service_after_a_second() -> None:
    ran = run(offer(), NOTHING_OWED, polls=(poll("PENDING"),), how="share", on_event=say_done)
    assert ran.outcome == ErrandResult(True, SHARED)
    assert [seen.at for seen in ran.polls] == [ran.posts[0].at + 1]


def test_done_between_two_polls_of_a_share_asks_the_service_a_second_after_the_last() -> None:
    signals: list[DoneSignal] = []
    ran = run(
        offer(),
        NOTHING_OWED,
        polls=(poll("PENDING"),),
        how="share",
        on_event=lambda _event, done: signals.append(done),
        on_request=lambda seen: seen.method == "GET" and asyncio.get_running_loop().call_later(0.5, signals[-1].set),
    )
    assert ran.outcome == ErrandResult(True, SHARED)
    assert ran.polls[1].at - ran.polls[0].at == 1


def test_share_gives_up_on_errands_that_only_expire() -> None:
    ran = run(*[offer(f"ernd_{n}") for n in range(9)], polls=(poll("EXPIRED"),), how="share")
    assert ran.failed_with(ErrandNotCompleted).reason == "OutOfRounds"


def test_share_gives_up_on_one_errand_that_expires_for_ever() -> None:
    ran = run(offer(), polls=(poll("EXPIRED"),), how="share")
    assert ran.failed_with(ErrandNotCompleted).reason == "OutOfRounds"
    assert len(ran.posts) <= MAX_ATTEMPTS
