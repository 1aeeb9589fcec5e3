"""Specifies the bridge's reaction to each status and reason of the contract, for each call that it makes.

A case has the answer, the exit status that it leads to, and words of the error's sentence or detail. The exit status 0 means
that the flow goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from sudomimus_bridge._service.answers import Fate, Refreshed
from sudomimus_bridge._service.rows import Rule
from sudomimus_bridge._service.rules import RULES
from sudomimus_bridge._values.errors import BridgeError
from sudomimus_bridge._values.events import ErrandResult, LoginResult
from sudomimus_bridge.testing._scripted_service import Step, errand_step

from ..helpers.service_helpers import (
    AUTHORIZATION_PENDING,
    ESTABLISHED,
    GRANTED,
    ISSUED,
    PENDING,
    REALIZED,
    Ran,
    by_key,
    ran,
    refused,
)

# Refusals that any login may get, with words from their texts.
COMMON = {
    "ApplicationDisabled": "is switched off",
    "ApplicationNotActive": "is switched off",
    "AccountDisabled": "account is disabled",
    "AccountDeleted": "account was deleted",
}
DOMAINS = {
    "EmailDomainBlocked": "does not allow signing in here",
    "EmailDomainRequiresSso": "asks for its own sign-in",
    "SsoAuthorityConflict": "organisations with different sign-ins",
}
TOO_MANY, OVERLOADED = "Too many players", "overloaded"
AGAIN = {500: "has a problem", 504: "has a problem", 408: "did not answer in time"}
UNKNOWN, ODD = "does not know. Update the game", "does not know. Update the game"
FOREIGN = "Something other than the sign-in service answered"


@dataclass(frozen=True)
class Case:
    call: str
    status: int
    reason: str | None
    exit: int
    words: str
    fate: Fate | None = None

    def __str__(self) -> str:
        return f"{self.call} {self.status} {self.reason}"


def cases(call: str, *rows: tuple[int, str | None, int, str] | tuple[int, str | None, int, str, Fate]) -> list[Case]:
    return [Case(call, *row) for row in rows]


def denials(reasons: dict[str, str]) -> list[tuple[int, str | None, int, str]]:
    return [(403, reason, 4, words) for reason, words in reasons.items()]


def usual(*, busy: bool = True) -> list[tuple[int, str | None, int, str]]:
    """Answers that any call may give, although no document names them."""
    rows: list[tuple[int, str | None, int, str]] = [(status, None, 6, words) for status, words in AGAIN.items()]
    rows += [(418, None, 6, UNKNOWN), (999, None, 6, ODD), (407, None, 6, FOREIGN), (511, None, 6, FOREIGN)]
    rows += [(429, None, 6, TOO_MANY), (503, None, 6, OVERLOADED)] if busy else []
    return rows


LAYERS = {"Layer1Denied": "authentication rules", "Layer2Denied": "no rule for players", "Layer3Denied": "DIRECT_ISSUE"}

TABLE = [
    *cases(
        "steam-ticket",
        (200, None, 0, ""),
        (400, "InvalidBody", 2, "malformed. Check the application anchor and the Steam app id"),
        (400, None, 2, "malformed. Check the application anchor and the Steam app id"),
        (401, None, 3, "Steam did not confirm"),
        *denials({**LAYERS, **COMMON, **DOMAINS}),
        (403, "ClaimConsentRequired", 4, "have not agreed to share"),
        (403, "RequiredClaimDataMissing", 4, "your account does not have"),
        (403, None, 4, "refused to sign you in to this game"),
        (404, None, 2, 'knows no application "my-game"'),
        (404, "ApplicationNotFound", 2, 'knows no application "my-game"'),
        (409, "ReplayProtectionAlreadySeen", 6, "could not use Steam's confirmation"),
        (409, "AuthorizationArtifactStale", 6, "could not use Steam's confirmation"),
        (502, None, 6, "cannot reach Steam"),
        *usual(),
    ),
    *cases(
        "access-key",
        (200, None, 0, ""),
        (400, "InvalidAccessKeyIdentifier", 2, "access key identifier is malformed"),
        (400, "InvalidAccessKeySecret", 2, "access key secret is malformed"),
        (400, "InvalidBody", 2, "Check the application anchor and the access key"),
        (401, "AccessKeyDirectDenied", 4, "access key was not accepted"),
        (403, "ClaimConsentRequired", 4, "have not agreed to share"),
        (403, "RequiredClaimDataMissing", 4, "your account does not have"),
        *denials({**LAYERS, **COMMON, **DOMAINS}),
        (404, None, 2, 'knows no application "my-game"'),
        (409, "AuthorizationArtifactStale", 6, "still busy"),
        (502, None, 6, "has a problem"),
        *usual(),
    ),
    *cases(
        "errand",
        (200, None, 0, ""),
        (400, "InvalidBody", 2, "Check the access token"),
        (401, None, 4, "is wrong, has expired"),
        (401, "AccessTokenExpired", 4, "is wrong, has expired"),
        *denials(COMMON),
        (404, None, 2, 'knows no application "my-game"'),
        (409, None, 6, "still busy"),
        *usual(),
    ),
    *cases(
        "establish",
        (200, None, 0, ""),
        (400, "InvalidBody", 2, "Check the application anchor and the constraints"),
        (400, None, 2, "malformed. Check the application anchor and the constraints"),
        (401, None, 4, "client key was not accepted"),
        (401, "ClientAuthJwtExpired", 4, "client key was not accepted"),
        (403, "ApplicationDisabled", 4, "is switched off"),
        (403, "Layer1Denied", 4, "do not allow this method"),
        (403, "Layer3Denied", 4, "STATUS_POLL"),
        (404, "ApplicationNotFound", 2, 'knows no application "my-game"'),
        (404, None, 2, 'knows no application "my-game"'),
        (409, None, 6, "still busy"),
        *usual(),
    ),
    *cases(
        "status-poll",
        (200, None, 0, ""),
        (400, "InquiryNotFound", 5, "does not know this sign-in"),
        (400, "InquiryExpired", 5, "page in the browser has expired"),
        (400, "InquiryAlreadyRedeemed", 5, "used already"),
        (400, "InquirySomethingNew", 5, "has ended this sign-in"),
        (400, "InvalidBody", 2, "Check the exposure key and the hidden key"),
        (401, None, 4, "does not accept this sign-in"),
        (403, "Layer3Denied", 4, "STATUS_POLL"),
        (404, None, 5, "does not know this sign-in"),
        *usual(),
    ),
    *cases(
        "redeem",
        (200, None, 0, ""),
        (400, "InquiryNotFound", 5, "does not know this sign-in"),
        (400, "InquiryExpired", 5, "page in the browser has expired"),
        (400, "InquiryNotRealized", 5, "was not finished in the browser"),
        (400, "InquiryAlreadyRedeemed", 5, "used already"),
        (400, "ApplicationNotFound", 2, 'knows no application "my-game"'),
        (400, "AuthenticationNotFound", 4, "way in which you signed in"),
        (400, "AccountNotFound", 4, "does not exist any more"),
        (400, "InvalidBody", 2, "Check the exposure key and the hidden key"),
        *denials(COMMON),
        (403, "ClaimConsentRequired", 4, "not agreed to share. Sign in again"),
        (403, "RequiredClaimDataMissing", 4, "your account does not have. Sign in again"),
        (403, "EmailDomainBlocked", 4, "does not allow signing in here"),
        (403, "EmailDomainRequiresSso", 4, "choose your organisation on the page"),
        (403, "SsoAuthorityConflict", 4, "organisations with different sign-ins"),
        (409, "AuthorizationArtifactStale", 6, "account changed while"),
        *usual(),
    ),
    *cases(
        "device-authorize",
        (200, None, 0, ""),
        (400, "InvalidBody", 2, "Check the application anchor"),
        (403, "ApplicationDisabled", 4, "is switched off"),
        (403, "Layer3Denied", 4, "DEVICE_CODE"),
        (404, None, 2, 'knows no application "my-game"'),
        (404, "ApplicationNotFound", 2, 'knows no application "my-game"'),
        *usual(),
    ),
    *cases(
        "device-token",
        (200, None, 0, ""),
        (400, "authorization_pending", 0, ""),
        (400, "slow_down", 0, ""),
        (400, "access_denied", 4, "You declined"),
        (400, "expired_token", 5, "not confirmed before it expired"),
        (400, "invalid_request", 5, "no longer knows this code"),
        (400, "unauthorized_client", 2, "malformed"),
        (500, "server_error", 6, "could not sign you in"),
        (500, None, 6, "could not sign you in"),
        (502, None, 6, "has a problem"),
        (429, None, 6, TOO_MANY),
        (503, None, 6, OVERLOADED),
        (418, None, 6, UNKNOWN),
        (999, None, 6, ODD),
    ),
    *cases(
        "refresh",
        (200, None, 0, "", Fate.RENEWED),
        (400, "AccountNotFound", 4, "does not exist any more", Fate.DEAD),
        (400, "InvalidBody", 2, "Check the refresh token", Fate.DEAD),
        (401, "RefreshTokenInvalid", 4, "does not know this sign-in", Fate.DEAD),
        (401, "RefreshTokenInvalidType", 4, "not an application's refresh token", Fate.DEAD),
        (401, "RefreshTokenInvalidSignature", 4, "did not sign the refresh token", Fate.DEAD),
        (401, "RefreshTokenSuspended", 4, "is suspended", Fate.DEAD),
        (401, "RefreshTokenExpired", 4, "away for so long", Fate.DEAD),
        (401, "RefreshTokenRevoked", 4, "You were signed out", Fate.DEAD),
        (401, "RefreshTokenFamilyCompromised", 4, "in two places at once", Fate.DEAD),
        (401, None, 4, "has ended this sign-in", Fate.DEAD),
        (403, "AccountDisabled", 4, "account is disabled", Fate.UNUSED),
        (403, "AccountDeleted", 4, "account was deleted", Fate.DEAD),
        (403, "ApplicationDisabled", 4, "is switched off", Fate.UNUSED),
        (403, "ClaimConsentRequired", 4, "now asks for something that you have not agreed", Fate.CLAIMS),
        (403, "RequiredClaimDataMissing", 4, "now asks for something that your account does not have", Fate.CLAIMS),
        (403, "EmailDomainBlocked", 4, "does not allow signing in here", Fate.UNUSED),
        (403, "EmailDomainRequiresSso", 4, "asks for its own sign-in", Fate.UNUSED),
        (403, "SsoAuthorityConflict", 4, "organisations with different sign-ins", Fate.UNUSED),
        (404, None, 2, "the setting session_url", Fate.UNUSED),
        (404, "ApplicationNotFound", 2, 'knows no application "my-game"', Fate.DEAD),
        (409, "AuthorizationArtifactStale", 6, "account changed while", Fate.DEAD),
        (429, None, 6, TOO_MANY, Fate.UNUSED),
        (503, None, 6, OVERLOADED, Fate.UNUSED),
        (500, None, 6, "has a problem", Fate.UNKNOWN),
        (502, None, 6, "has a problem", Fate.UNKNOWN),
        (504, None, 6, "has a problem", Fate.UNKNOWN),
        (418, None, 6, UNKNOWN, Fate.UNKNOWN),
        (999, None, 6, ODD, Fate.UNKNOWN),
        (407, None, 6, FOREIGN, Fate.UNKNOWN),
        (511, None, 6, FOREIGN, Fate.UNKNOWN),
    ),
    *cases(
        "logout",
        (200, None, 0, ""),
        (400, "InvalidBody", 2, "Check the refresh token"),
        (401, "RefreshTokenInvalid", 4, "does not know this sign-in"),
        (401, None, 4, "has ended this sign-in"),
        *usual(),
    ),
]


def meet(case: Case) -> Ran:
    """Run a flow in which the call gets the answer; every other call succeeds."""
    step = refused(case.status, case.reason, "error" if case.call == "device-token" else "reason")
    met = case.status != 200
    match case.call:
        case "steam-ticket":
            return ran("steam", [step if met else ISSUED])
        case "access-key":
            return ran("access-key", [step if met else ISSUED])
        case "errand":
            return ran("share", [step if met else Step(body={"errand": None, "claims": {}})])
        case "establish":
            posts = [step] if met else [ESTABLISHED, ISSUED]
            return ran("browser", posts, [REALIZED], credentials=by_key())
        case "status-poll":
            return ran("browser", [ISSUED], [PENDING, step if met else REALIZED], timeout=300)
        case "redeem":
            return ran("browser", [step if met else ISSUED], [REALIZED])
        case "device-authorize":
            return ran("device", [step] if met else [GRANTED], [ISSUED])
        case "device-token":
            goes_on = [step, ISSUED] if met and case.exit == 0 else [step if met else ISSUED]
            return ran("device", [GRANTED], [AUTHORIZATION_PENDING, *goes_on])
        case "refresh":
            return ran("refresh", [step if met else ISSUED])
        case _:
            return ran("logout", [step if met else Step(body={"revoked": True})])


@pytest.mark.parametrize("case", TABLE, ids=str)
def test_outcome_and_sentence(case: Case) -> None:
    outcome = meet(case).outcome
    if isinstance(outcome, Refreshed):
        assert outcome.fate is case.fate
        outcome = outcome.result or outcome.error
    if case.exit == 0:
        assert outcome is True or isinstance(outcome, (LoginResult, ErrandResult)), outcome
        return
    assert isinstance(outcome, BridgeError), outcome
    assert (outcome.exit_status, outcome.reason) == (case.exit, case.reason)
    assert case.words in f"{outcome.sentence} {outcome.detail}"
    assert outcome.sentence.endswith(".") and "{" not in f"{outcome.sentence} {outcome.detail}"


_FOR_DEVELOPERS = re.compile(
    r"--[a-z]|SUDOMIMUS_|[a-z]_[a-z]|[A-Z]_[A-Z]|[a-z][A-Z]|[{}_/\\]|[0-9]|"
    r"\b(anchor|app id|certificate|claim|HTTP|inquiry|JSON|JWT|layer|port|proxy|rule|setting|status|ticket|token|URL)\b",
)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.sentence], ids=lambda rule: rule.sentence[:40])
def test_no_sentence_for_the_player_uses_a_word_for_developers(rule: Rule) -> None:
    assert not _FOR_DEVELOPERS.search(rule.sentence)
    assert rule.detail and rule.detail != rule.sentence


def test_no_case_occurs_twice() -> None:
    assert len({str(case) for case in TABLE}) == len(TABLE)


@pytest.mark.parametrize("call", ["redeem", "device-token", "refresh"])
def test_each_reason_of_a_call_has_texts_of_its_own(call: str) -> None:
    failing = [case for case in TABLE if case.call == call and case.exit and case.reason]
    said = {}
    for case in failing:
        outcome = meet(case).outcome
        error = outcome.error if isinstance(outcome, Refreshed) else outcome
        assert error is not None
        said[case.reason] = f"{error.sentence} {error.detail}"
    assert len(failing) == len(said)
    assert len(set(said.values())) == len(said) - ("ApplicationNotActive" in said)  # an older name has the same meaning


@pytest.mark.parametrize("reason", ["ClaimConsentRequired", "RequiredClaimDataMissing"])
@pytest.mark.parametrize("how", ["steam", "access-key"])
def test_claim_gate_with_an_errand_goes_on(how: str, reason: str) -> None:
    gate = errand_step(reason=reason)
    assert ran(how, [gate, ISSUED], [Step(body={"status": "COMPLETED"})]).result


@pytest.mark.parametrize("reason", ["ClaimConsentRequired", "RequiredClaimDataMissing"])
def test_claim_gate_of_a_refresh_may_have_an_errand(reason: str) -> None:
    """No document has an errand there, but a service that sends one is understood."""
    outcome = ran("refresh", [errand_step(reason=reason)]).outcome
    assert outcome.fate is Fate.CLAIMS


@pytest.mark.parametrize(("status", "posts"), [("PENDING", 1), ("COMPLETED", 2), ("EXPIRED", 2)])
def test_errand_statuses(status: str, posts: int) -> None:
    gate = errand_step()
    after = ran("steam", [gate, ISSUED], [Step(body={"status": status})], timeout=60)
    assert len(after.sent("/direct-issue/steam-ticket")) == posts
