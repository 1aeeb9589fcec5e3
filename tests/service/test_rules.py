"""The table of rules, row by row: for each call and answer, the act, the error, the retries, and the refresh token's fate.

A row that is removed, or that matches one answer less, leaves its answers to a later row with other facts or words.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from sudomimus_bridge._service.answers import Answer, Fate, Trouble
from sudomimus_bridge._service.operations import Operation
from sudomimus_bridge._service.policy import AT_ONCE, BUDGET, NETWORK, SOON, UPSTREAM, Spacing
from sudomimus_bridge._service.rows import Act
from sudomimus_bridge._service.rules import RULES, error_for, rule_for
from sudomimus_bridge._values.errors import (
    AccessTokenRefused,
    BridgeError,
    ConfigurationError,
    ErrandNotCompleted,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from sudomimus_bridge._values.events import ErrandHandoff
from sudomimus_bridge._values.secret import Secret

STEAM, KEY, SHARE = Operation.STEAM_TICKET, Operation.ACCESS_KEY, Operation.CREATE_ERRAND
ESTABLISH, POLL, REDEEM = Operation.ESTABLISH, Operation.STATUS_POLL, Operation.REDEEM
CODE, TOKEN = Operation.DEVICE_AUTHORIZE, Operation.DEVICE_TOKEN
REFRESH, LOGOUT = Operation.REFRESH, Operation.LOGOUT
ALL = list(Operation)
INQUIRY, SESSION, BROWSER = [POLL, REDEEM], [REFRESH, LOGOUT], [ESTABLISH, POLL, REDEEM]


def but(*calls: Operation) -> list[Operation]:
    return [call for call in ALL if call not in calls]


@dataclass(frozen=True)
class Row:
    """The same outcome for each of the calls, with each of the answers."""

    calls: list[Operation]
    answers: list[int | Trouble]
    reasons: list[str | None]
    error: type[BridgeError]
    fate: Fate
    words: str
    repeats: int = 0
    spacing: Spacing = AT_ONCE
    more: dict[str, Any] = field(default_factory=dict)


FINAL = [
    # a code that the player confirms
    Row([TOKEN], [400], ["access_denied"], LoginDenied, Fate.UNUSED, "a rule of {application} excludes the player"),
    Row([TOKEN], [400], ["expired_token"], ErrandNotCompleted, Fate.UNUSED, "The device code has expired"),
    Row([TOKEN], [400], ["invalid_request"], ErrandNotCompleted, Fate.UNUSED, "The device code was used already"),
    Row([TOKEN], [500], ["server_error", None], ServiceUnavailable, Fate.UNUSED, "after the player had confirmed"),
    # an inquiry
    Row(INQUIRY, [400, 404, 410], ["InquiryNotFound"], ErrandNotCompleted, Fate.UNUSED, "knows no such inquiry"),
    Row(INQUIRY, [400, 404, 410], ["InquiryExpired"], ErrandNotCompleted, Fate.UNUSED, "The inquiry has expired"),
    Row(INQUIRY, [400, 409], ["InquiryNotRealized"], ErrandNotCompleted, Fate.UNUSED, "is not realized"),
    Row(INQUIRY, [400, 409, 410], ["InquiryAlreadyRedeemed"], ErrandNotCompleted, Fate.UNUSED, "was redeemed before"),
    Row(INQUIRY, [400, 403, 404, 409, 410], ["InquiryNew"], ErrandNotCompleted, Fate.UNUSED, "a state of the inquiry"),
    Row([REDEEM], [400], ["AuthenticationNotFound"], LoginDenied, Fate.UNUSED, "authentication was removed"),
    Row(ALL, [400], ["AccountNotFound"], LoginDenied, Fate.DEAD, "account was removed"),
    # requests that can never succeed
    Row(ALL, [400, 404], ["ApplicationNotFound"], ConfigurationError, Fate.DEAD, "knows no application"),
    Row([KEY], [400], ["InvalidAccessKeyIdentifier"], ConfigurationError, Fate.UNUSED, "identifier is malformed"),
    Row([KEY], [400], ["InvalidAccessKeySecret"], ConfigurationError, Fate.UNUSED, "secret is malformed"),
    Row(ALL, [400], ["InvalidBody", "New", None], ConfigurationError, Fate.DEAD, "refuses the request as malformed"),
    Row(INQUIRY, [404], ["New", None], ErrandNotCompleted, Fate.UNUSED, "knows no such inquiry"),
    Row([TOKEN, *SESSION], [404], ["New", None], ConfigurationError, Fate.UNUSED, "does not have this call"),
    Row(but(TOKEN, *SESSION, *INQUIRY), [404], ["New", None], ConfigurationError, Fate.UNUSED, "knows no application"),
    # the service says no
    Row([REFRESH], [403], ["ClaimConsentRequired"], LoginDenied, Fate.CLAIMS, "since the player signed in"),
    Row([REFRESH], [403], ["RequiredClaimDataMissing"], LoginDenied, Fate.CLAIMS, "This game now asks for something"),
    Row(but(REFRESH), [403], ["ClaimConsentRequired"], LoginDenied, Fate.UNUSED, "that the player does not share"),
    Row(but(REFRESH), [403], ["RequiredClaimDataMissing"], LoginDenied, Fate.UNUSED, "and add it in the browser"),
    Row([STEAM], [403], ["Layer1Denied"], LoginDenied, Fate.UNUSED, "allow-list the game's Steam app id"),
    Row([KEY], [403], ["Layer1Denied"], LoginDenied, Fate.UNUSED, "allow access keys"),
    Row(but(STEAM, KEY), [403], ["Layer1Denied"], LoginDenied, Fate.UNUSED, "do not allow this method"),
    Row(ALL, [403], ["Layer2Denied"], LoginDenied, Fate.UNUSED, "no rule for players"),
    Row(BROWSER, [403], ["Layer3Denied"], LoginDenied, Fate.UNUSED, "STATUS_POLL"),
    Row([CODE], [403], ["Layer3Denied"], LoginDenied, Fate.UNUSED, "DEVICE_CODE"),
    Row(but(CODE, *BROWSER), [403], ["Layer3Denied"], LoginDenied, Fate.UNUSED, "DIRECT_ISSUE"),
    Row(ALL, [403], ["ApplicationDisabled", "ApplicationNotActive"], LoginDenied, Fate.UNUSED, "is switched off"),
    Row(ALL, [403], ["AccountDisabled"], LoginDenied, Fate.UNUSED, "account is disabled"),
    Row(ALL, [403], ["AccountDeleted"], LoginDenied, Fate.DEAD, "account was deleted"),
    Row(ALL, [403], ["EmailDomainBlocked"], LoginDenied, Fate.UNUSED, "does not allow signing in here"),
    Row(BROWSER, [403], ["EmailDomainRequiresSso"], LoginDenied, Fate.UNUSED, "on the page"),
    Row(but(*BROWSER), [403], ["EmailDomainRequiresSso"], LoginDenied, Fate.UNUSED, "on the web instead"),
    Row(ALL, [403], ["SsoAuthorityConflict"], LoginDenied, Fate.UNUSED, "different SSO authorities"),
    Row(ALL, [403], ["New", None], LoginDenied, Fate.UNUSED, "for a reason that this version does not know"),
    # the proof is not accepted
    Row([KEY], [401], ["New", None], LoginDenied, Fate.UNUSED, "The key is wrong, expired, revoked"),
    Row([SHARE], [401], ["New", None], AccessTokenRefused, Fate.UNUSED, "The access token is wrong"),
    Row([ESTABLISH], [401], ["New", None], LoginDenied, Fate.UNUSED, "client key was not accepted"),
    Row([ESTABLISH], [401], [None], LoginDenied, Fate.UNUSED, "client key was not accepted", more={"skew": -15.0}),
    Row(SESSION, [401], ["RefreshTokenInvalid"], LoginDenied, Fate.DEAD, "The refresh token is not valid"),
    Row(SESSION, [401], ["RefreshTokenInvalidType"], LoginDenied, Fate.DEAD, "an application's refresh token"),
    Row(SESSION, [401], ["RefreshTokenInvalidSignature"], LoginDenied, Fate.DEAD, "did not sign the refresh token"),
    Row(SESSION, [401], ["RefreshTokenSuspended"], LoginDenied, Fate.DEAD, "The session is suspended"),
    Row(SESSION, [401], ["RefreshTokenExpired"], LoginDenied, Fate.DEAD, "The refresh token has expired"),
    Row(SESSION, [401], ["RefreshTokenRevoked"], LoginDenied, Fate.DEAD, "The session was revoked"),
    Row(SESSION, [401], ["RefreshTokenFamilyCompromised"], LoginDenied, Fate.DEAD, "was used twice"),
    Row(SESSION, [401], ["New", None], LoginDenied, Fate.DEAD, "renewed it first"),
    Row([*INQUIRY, CODE, TOKEN], [401], ["New", None], LoginDenied, Fate.UNUSED, "does not accept the proof"),
    # something changed meanwhile
    Row([*INQUIRY, REFRESH], [409], ["New", None], ServiceUnavailable, Fate.DEAD, "so this proof is stale"),
    # no answer of the service, or none that this version knows
    Row(ALL, [Trouble.CERTIFICATE], [None], ServiceUnavailable, Fate.UNUSED, "The certificate is not trusted"),
    Row(
        ALL, [100, 204, 302, 402, 405, 418, 499, 600, 999], [None], ServiceUnavailable, Fate.UNKNOWN, "has no rule for"
    ),
]

_5XX: list[int | Trouble] = [501, 504, 599]
_FOREIGN: list[int | Trouble] = [Trouble.UNREADABLE, 407, 511]
SKEWED = {"skew": 15.1}

AGAIN = [
    Row([STEAM], [401], [None], SteamUnavailable, Fate.UNKNOWN, "refused the ticket twice", 1, AT_ONCE),
    Row([ESTABLISH], [401], [None], LoginDenied, Fate.UNKNOWN, "client key was not", 1, AT_ONCE, SKEWED),
    Row([STEAM], [409], [None], ServiceUnavailable, Fate.UNKNOWN, "several tickets in a row", 7, SOON),
    Row(
        [KEY, SHARE, ESTABLISH, CODE, TOKEN, LOGOUT],
        [409],
        [None],
        ServiceUnavailable,
        Fate.UNKNOWN,
        "a conflict",
        7,
        SOON,
    ),
    # a refresh token
    Row(
        [REFRESH],
        [Trouble.NETWORK, Trouble.TIMEOUT, Trouble.UNREADABLE],
        [None],
        ServiceUnavailable,
        Fate.UNUSED,
        "No connection",
        3,
        NETWORK,
        {"unsent": True},
    ),
    Row([REFRESH], [429], [None], ServiceUnavailable, Fate.UNUSED, "budget is used up", 3, BUDGET),
    Row([REFRESH], [503], [None], ServiceUnavailable, Fate.UNUSED, "is overloaded", 3, BUDGET),
    Row([REFRESH], [Trouble.NETWORK], [None], ServiceUnavailable, Fate.UNKNOWN, "No connection", 1),
    Row([REFRESH], [Trouble.TIMEOUT, 408, 425], [None], ServiceUnavailable, Fate.UNKNOWN, "arrived in time", 1),
    Row([REFRESH], [*_FOREIGN], [None], ServiceUnavailable, Fate.UNKNOWN, "not the service's", 1),
    Row([REFRESH], [500, 502, *_5XX], [None], ServiceUnavailable, Fate.UNKNOWN, "failed to answer this request", 1),
    # the service cannot do it now
    Row(but(REFRESH), [429], [None], ServiceUnavailable, Fate.UNKNOWN, "budget is used up", 7, BUDGET),
    Row(but(REFRESH), [503], [None], ServiceUnavailable, Fate.UNKNOWN, "is overloaded", 7, BUDGET),
    Row([STEAM], [502], [None], ServiceUnavailable, Fate.UNKNOWN, "to verify the ticket", 7, UPSTREAM),
    Row(but(REFRESH, TOKEN), [500, *_5XX], [None], ServiceUnavailable, Fate.UNKNOWN, "failed to answer", 7, UPSTREAM),
    Row(but(REFRESH, STEAM), [502, *_5XX], [None], ServiceUnavailable, Fate.UNKNOWN, "failed to answer", 7, UPSTREAM),
    Row(but(REFRESH), [408, 425], [None], ServiceUnavailable, Fate.UNKNOWN, "arrived in time", 7, UPSTREAM),
    # no answer of the service
    Row(but(REFRESH), [Trouble.NETWORK], [None], ServiceUnavailable, Fate.UNKNOWN, "No connection", 5, NETWORK),
    Row(but(REFRESH), [Trouble.TIMEOUT], [None], ServiceUnavailable, Fate.UNKNOWN, "arrived in time", 4, UPSTREAM),
    Row(but(REFRESH), [*_FOREIGN], [None], ServiceUnavailable, Fate.UNKNOWN, "not the service's", 4, UPSTREAM),
]


def answers(row: Row) -> list[tuple[Operation, Answer[Any]]]:
    """Each call of a row with each answer."""
    found = []
    for call in row.calls:
        for status in row.answers:
            for reason in row.reasons:
                known: dict[str, Any] = {"trouble": status} if isinstance(status, Trouble) else {"status": status}
                found.append((call, Answer(reason=reason, **known, **row.more)))
    return found


def name(row: Row) -> str:
    return f"{row.calls[0].name} {row.answers[0]} {row.reasons[0]}"


@pytest.mark.parametrize("row", [*FINAL, *AGAIN], ids=name)
def test_row(row: Row) -> None:
    for call, answer in answers(row):
        rule = rule_for(call, answer)
        assert rule.act is (Act.AGAIN if row in AGAIN else Act.FAIL), (call, answer)
        assert (rule.error, rule.fate, rule.repeats) == (row.error, row.fate, row.repeats), (call, answer)
        assert rule.spacing is row.spacing, (call, answer)
        assert row.words in f"{rule.sentence} {rule.detail}", (call, answer)


ERRAND = ErrandHandoff(Secret("ernd_1"), Secret("https://via.sudomimus.com/errand"), expires_at=None, lifetime=None)

GOES_ON: list[tuple[Operation, Answer[Any], Act]] = [
    *[(call, Answer(status=200, value=True), Act.DONE) for call in ALL],
    *[(call, Answer(status=200), Act.DONE) for call in but(POLL)],
    (POLL, Answer(status=200), Act.WAIT),
    *[(call, Answer(status=403, reason="ClaimConsentRequired", errand=ERRAND), Act.ERRAND) for call in (STEAM, KEY)],
    *[(call, Answer(status=403, errand=ERRAND), Act.FAIL) for call in but(STEAM, KEY)],
    (TOKEN, Answer(status=400, reason="authorization_pending"), Act.WAIT),
    (TOKEN, Answer(status=400, reason="slow_down"), Act.SLOWER),
]


def test_answers_that_end_no_flow() -> None:
    for call, answer, act in GOES_ON:
        rule = rule_for(call, answer)
        assert rule.act is act, (call, answer)
        assert act is Act.FAIL or rule.fate is Fate.RENEWED, (call, answer)


def test_service_that_cannot_be_used_for_now_is_told_from_a_refusal() -> None:
    """A patient login goes on after these answers, for as long as it takes."""
    for row in [*FINAL, *AGAIN]:
        for call, answer in answers(row):
            passes = answer.trouble is Trouble.CERTIFICATE or (row in AGAIN and row.error is ServiceUnavailable)
            assert rule_for(call, answer).passes is passes, (call, answer)
            assert rule_for(call, answer).crowd is (answer.status in (429, 503)), (call, answer)


def test_malformed_access_key_has_the_sentence_of_a_wrong_one() -> None:
    wrong = error_for(KEY, Answer(status=401), None).sentence
    for reason in ("InvalidAccessKeyIdentifier", "InvalidAccessKeySecret"):
        assert error_for(KEY, Answer(status=400, reason=reason), None).sentence == wrong


def test_skew_of_a_fast_clock_counts_as_that_of_a_slow_one() -> None:
    for skew, act in ((16.0, Act.AGAIN), (-16.0, Act.AGAIN), (15.0, Act.FAIL), (-15.0, Act.FAIL)):
        assert rule_for(ESTABLISH, Answer(status=401, skew=skew)).act is act


def test_each_row_decides_an_answer() -> None:
    met = [answer for row in [*FINAL, *AGAIN] for answer in answers(row)]
    met += [(call, answer) for call, answer, _ in GOES_ON]
    deciding = {id(rule_for(call, answer)) for call, answer in met}
    assert [rule for rule in RULES if id(rule) not in deciding] == []


CHECKED = {
    STEAM: "the application anchor and the Steam app id",
    KEY: "the application anchor and the access key",
    SHARE: "the access token",
    ESTABLISH: "the application anchor and the constraints",
    POLL: "the exposure key and the hidden key",
    REDEEM: "the exposure key and the hidden key",
    CODE: "the application anchor",
    TOKEN: "the setting device_url",
    REFRESH: "the refresh token and the setting session_url",
    LOGOUT: "the refresh token and the setting session_url",
}


@pytest.mark.parametrize("call", ALL)
def test_refused_request_names_what_to_check(call: Operation) -> None:
    error = error_for(call, Answer(status=400, reason="InvalidBody", detail="HTTP 400"), "my-game")
    assert error.detail == f"The service refuses the request as malformed. Check {CHECKED[call]}. (HTTP 400)"
    assert error.reason == "InvalidBody"


def test_error_names_the_application() -> None:
    answer: Answer[Any] = Answer(status=403, reason="Layer2Denied")
    assert error_for(STEAM, answer, "my-game").detail == "Layer 2 of my-game: no rule for players matches this player."
    assert "Layer 2 of the application:" in str(error_for(STEAM, answer, None).detail)
