"""The one table of rules: for each answer of the service, the flow's next step, and the texts of the error that may end it.

Rows are tried from the top, and the first that matches decides. docs/contracts/service.md lists the statuses and
reasons. A reason without a row of its own gets the row of its status. To add a rule, add a row above the row of its status.
"""

from __future__ import annotations

from typing import Any

from .._values.errors import (
    NOT_SET_UP,
    AccessTokenRefused,
    BridgeError,
    ConfigurationError,
    ErrandNotCompleted,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from .answers import Answer, Fate, Trouble
from .operations import Operation
from .policy import AT_ONCE, BUDGET, NETWORK, SOON, UPSTREAM
from .rows import Act, Rule, again, clock_is_wrong, final, has_errand, names_inquiry, pending, row, unsent

_ANY = frozenset(Operation)
_STEAM, _KEY, _SHARE = {Operation.STEAM_TICKET}, {Operation.ACCESS_KEY}, {Operation.CREATE_ERRAND}
_ISSUE = _STEAM | _KEY
_ESTABLISH, _POLL, _REDEEM = {Operation.ESTABLISH}, {Operation.STATUS_POLL}, {Operation.REDEEM}
_INQUIRY = _POLL | _REDEEM
_BROWSER = _ESTABLISH | _INQUIRY
_CODE, _TOKEN = {Operation.DEVICE_AUTHORIZE}, {Operation.DEVICE_TOKEN}
_REFRESH = {Operation.REFRESH}
_SESSION = _REFRESH | {Operation.LOGOUT}

_STATUSES = frozenset(range(100, 1000))  # HTTP/1.1 admits any three digits, and some proxies answer 999
_5XX = frozenset(range(500, 600))
_UNSENT = {Trouble.NETWORK, Trouble.TIMEOUT, Trouble.UNREADABLE}
_FOREIGN: set[int | Trouble] = {
    Trouble.UNREADABLE,
    407,
    511,
}  # of a proxy or a captive portal (RFC 9110, 15.5.8; RFC 6585, 6)
_SLOW = {408, 425}

_CHECK = {
    Operation.STEAM_TICKET: "the application anchor and the Steam app id",
    Operation.ACCESS_KEY: "the application anchor and the access key",
    Operation.CREATE_ERRAND: "the access token",
    Operation.ESTABLISH: "the application anchor and the constraints",
    Operation.STATUS_POLL: "the exposure key and the hidden key",
    Operation.REDEEM: "the exposure key and the hidden key",
    Operation.DEVICE_AUTHORIZE: "the application anchor",
    Operation.DEVICE_TOKEN: "the setting device_url",
    Operation.REFRESH: "the refresh token and the setting session_url",
    Operation.LOGOUT: "the refresh token and the setting session_url",
}
"""For each call, the settings that a refused request most likely depends on."""

_NETWORK_TEXTS = (
    "The sign-in service cannot be reached. Check the internet connection, then try again.",
    "No connection to the service, or the connection broke.",
)
_TIMEOUT_TEXTS = (
    "The sign-in service did not answer in time. Check the internet connection, then try again.",
    "No whole answer arrived in time.",
)
_UNREADABLE_TEXTS = (
    "Something other than the sign-in service answered. Check whether this network asks you to log in first, then try again.",
    "The answer is not the service's: perhaps it came from a captive portal or a proxy.",
)
_BUSY_TEXTS = ("Too many players are signing in right now. Try again in a minute.", "The service's budget is used up.")
_OVERLOADED_TEXTS = ("The service is overloaded right now. Try again in a minute.", "The service is overloaded.")
_PROBLEM_TEXTS = (
    "The sign-in service has a problem. Try again in a few minutes.",
    "The service failed to answer this request.",
)
_NO_INQUIRY_TEXTS = (
    "The service does not know this sign-in. Start it again.",
    "Check the exposure key and the hidden key: the service knows no such inquiry.",
)
_NO_APPLICATION_TEXTS = (
    "The service does not know this game. Tell the game's makers.",
    'The service knows no application "{application}": check the setting application.',
)
_ACCESS_KEY_TEXTS = (
    "The access key was not accepted. Check it, or ask for a new one.",
    "The key is wrong, expired, revoked, or belongs to another application than {application}.",
)
_CLIENT_KEY_TEXTS = (
    "This game's sign-in is not set up correctly. Check this computer's date and time, and tell the game's makers.",
    "The client key was not accepted: it must be the private key of {application}, and the computer's clock must be right.",
)
_MALFORMED_TEXTS = (NOT_SET_UP, "The service refuses the request as malformed. Check {check}.")
_METHOD_TEXT = "This game does not accept this way of signing in. Tell the game's makers."


# fmt: off
RULES: tuple[Rule, ...] = (
    # --- the expected answers ---
    row(Act.WAIT, _POLL, 200, also=pending),
    row(Act.DONE, _ANY, 200),
    row(Act.ERRAND, _ISSUE, 403, also=has_errand),
    # --- a code that the player confirms (RFC 8628, 3.5) ---
    row(Act.WAIT, _TOKEN, 400, "authorization_pending"),
    row(Act.SLOWER, _TOKEN, 400, "slow_down"),
    final(_TOKEN, 400, "access_denied", LoginDenied, (
        "You declined the sign-in, or you may not sign in to this game. Start again if that was a mistake.",
        "The player declined, or a rule of {application} excludes the player.")),
    final(_TOKEN, 400, "expired_token", ErrandNotCompleted, (
        "The code was not confirmed before it expired. Start the sign-in again for a new one.",
        "The device code has expired.")),
    final(_TOKEN, 400, "invalid_request", ErrandNotCompleted, (
        "The service no longer knows this code. Start the sign-in again for a new one.",
        "The device code was used already, perhaps by a request whose answer was lost.")),
    final(_TOKEN, 500, "", ServiceUnavailable, (
        "You confirmed the code, but then the service could not sign you in. Try again in a few minutes.",
        "The service failed after the player had confirmed the code. The code is used up.")),
    # --- an inquiry in the browser ---
    final(_INQUIRY, {400, 404, 410}, "InquiryNotFound", ErrandNotCompleted, _NO_INQUIRY_TEXTS),
    final(_INQUIRY, {400, 404, 410}, "InquiryExpired", ErrandNotCompleted, (
        "The page in the browser has expired. Start the sign-in again when you have time for it.",
        "The inquiry has expired.")),
    final(_INQUIRY, {400, 409}, "InquiryNotRealized", ErrandNotCompleted, (
        "The sign-in was not finished in the browser. Start it again, and finish it there.",
        "The inquiry is not realized.")),
    final(_INQUIRY, {400, 409, 410}, "InquiryAlreadyRedeemed", ErrandNotCompleted, (
        "This sign-in was used already. Start it again.",
        "The inquiry was redeemed before; each inquiry has one redemption.")),
    final(_INQUIRY, {400, 403, 404, 409, 410}, "", ErrandNotCompleted, (
        "The service has ended this sign-in. Start it again.",
        "The service names a state of the inquiry that this version does not know."), also=names_inquiry),
    final(_REDEEM, 400, "AuthenticationNotFound", LoginDenied, (
        "The service no longer knows the way in which you signed in. Start again, and choose another one.",
        "The player's authentication was removed during the sign-in.")),
    final(_ANY, 400, "AccountNotFound", LoginDenied, (
        "This Sudomimus account does not exist any more. Sign in again, with another one.",
        "The player's account was removed."), Fate.DEAD),
    # --- requests that can never succeed ---
    final(_ANY, {400, 404}, "ApplicationNotFound", ConfigurationError, _NO_APPLICATION_TEXTS, Fate.DEAD),
    final(_KEY, 400, "InvalidAccessKeyIdentifier", ConfigurationError, (_ACCESS_KEY_TEXTS[0],
        "The access key identifier is malformed: it is acs_k_ followed by a UUID.")),
    final(_KEY, 400, "InvalidAccessKeySecret", ConfigurationError, (_ACCESS_KEY_TEXTS[0],
        "The access key secret is malformed: it is acs_t_ followed by 64 lowercase hexadecimal characters.")),
    final(_ANY, 400, "", ConfigurationError, _MALFORMED_TEXTS, Fate.DEAD),
    final(_INQUIRY, 404, "", ErrandNotCompleted, _NO_INQUIRY_TEXTS),
    final(_TOKEN | _SESSION, 404, "", ConfigurationError, (NOT_SET_UP,
        "The service does not have this call at this address. Check {check}.")),
    final(_ANY, 404, "", ConfigurationError, _NO_APPLICATION_TEXTS),
    # --- the service says no ---
    final(_REFRESH, 403, "ClaimConsentRequired", LoginDenied, (
        "This game now asks for something that you have not agreed to share. Sign in again to decide.",
        "{application} has made a claim required since the player signed in."), Fate.CLAIMS),
    final(_REFRESH, 403, "RequiredClaimDataMissing", LoginDenied, (
        "This game now asks for something that your account does not have. Sign in again to add it.",
        "{application} requires a claim for which the player's account has no data."), Fate.CLAIMS),
    final(_ANY, 403, "ClaimConsentRequired", LoginDenied, (
        "This game asks for something that you have not agreed to share. Sign in again, and agree in the browser.",
        "{application} requires a claim that the player does not share.")),
    final(_ANY, 403, "RequiredClaimDataMissing", LoginDenied, (
        "This game asks for something that your account does not have. Sign in again, and add it in the browser.",
        "{application} requires a claim for which the player's account has no data.")),
    final(_STEAM, 403, "Layer1Denied", LoginDenied, (_METHOD_TEXT,
        "Layer 1 of {application}: allow-list the game's Steam app id in its authentication rules.")),
    final(_KEY, 403, "Layer1Denied", LoginDenied, (_METHOD_TEXT,
        "Layer 1 of {application}: allow access keys in its authentication rules.")),
    final(_ANY, 403, "Layer1Denied", LoginDenied, (_METHOD_TEXT,
        "Layer 1 of {application}: its authentication rules do not allow this method.")),
    final(_ANY, 403, "Layer2Denied", LoginDenied, (
        "You may not sign in to this game with this account. Ask the game's makers.",
        "Layer 2 of {application}: no rule for players matches this player.")),
    final(_BROWSER, 403, "Layer3Denied", LoginDenied, (_METHOD_TEXT,
        "Layer 3 of {application}: add a STATUS_POLL return rule, which a login through the browser needs.")),
    final(_CODE, 403, "Layer3Denied", LoginDenied, (_METHOD_TEXT,
        "Layer 3 of {application}: add a DEVICE_CODE return rule, which a login with a code needs.")),
    final(_ANY, 403, "Layer3Denied", LoginDenied, (_METHOD_TEXT,
        "Layer 3 of {application}: add a DIRECT_ISSUE return rule, which this login needs.")),
    final(_ANY, 403, "ApplicationDisabled ApplicationNotActive", LoginDenied, (
        "Signing in to this game is switched off. Ask the game's makers.",
        "{application}, its sector or its organisation is switched off.")),
    final(_ANY, 403, "AccountDisabled", LoginDenied, (
        "This Sudomimus account is disabled. Ask Sudomimus support.", "The player's account is disabled.")),
    final(_ANY, 403, "AccountDeleted", LoginDenied, (
        "This Sudomimus account was deleted. Ask Sudomimus support if that is wrong.",
        "The player's account was deleted."), Fate.DEAD),
    final(_ANY, 403, "EmailDomainBlocked", LoginDenied, (
        "Your email's organisation does not allow signing in here. Ask its administrator.",
        "The domain of the player's email address is blocked.")),
    final(_BROWSER, 403, "EmailDomainRequiresSso", LoginDenied, (
        "Your email's organisation asks for its own sign-in. Start again, and choose your organisation on the page.",
        "The domain of the player's email address requires SSO.")),
    final(_ANY, 403, "EmailDomainRequiresSso", LoginDenied, (
        "Your email's organisation asks for its own sign-in. Sign in on the web instead.",
        "The domain of the player's email address requires SSO.")),
    final(_ANY, 403, "SsoAuthorityConflict", LoginDenied, (
        "Your email addresses belong to organisations with different sign-ins. Ask their administrators.",
        "The player's email addresses have different SSO authorities.")),
    final(_ANY, 403, "", LoginDenied, (
        "The service refused to sign you in to this game. Ask the game's makers.",
        "The service refuses {application} or this player, for a reason that this version does not know.")),
    # --- 401: the proof is not accepted; what that means depends on the proof ---
    again(_STEAM, 401, 1, AT_ONCE, (
        "Steam did not confirm your sign-in. Restart Steam, then try again.",
        "Steam refused the ticket twice. Check that the Steam app id is the game's own."), error=SteamUnavailable),
    final(_KEY, 401, "", LoginDenied, _ACCESS_KEY_TEXTS),
    final(_SHARE, 401, "", AccessTokenRefused, (
        "Your sign-in has ended. Sign in again.",
        "The access token is wrong, has expired, or belongs to a session that has ended.")),
    again(_ESTABLISH, 401, 1, AT_ONCE, _CLIENT_KEY_TEXTS, error=LoginDenied, also=clock_is_wrong),
    final(_ESTABLISH, 401, "", LoginDenied, _CLIENT_KEY_TEXTS),
    final(_SESSION, 401, "RefreshTokenInvalid", LoginDenied, (
        "The service does not know this sign-in. Sign in again.", "The refresh token is not valid."), Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenInvalidType", LoginDenied, (
        "The service does not know this sign-in. Sign in again.",
        "The token is not an application's refresh token."), Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenInvalidSignature", LoginDenied, (
        "The service does not know this sign-in. Sign in again.",
        "The service did not sign the refresh token."), Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenSuspended", LoginDenied, (
        "This sign-in is suspended. Sign in again, or ask Sudomimus support.",
        "The session is suspended."), Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenExpired", LoginDenied, (
        "You were away for so long that the sign-in has expired. Sign in again.",
        "The refresh token has expired."), Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenRevoked", LoginDenied, (
        "You were signed out. Sign in again.", "The session was revoked."), Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenFamilyCompromised", LoginDenied, (
        "This sign-in was used in two places at once, and was ended to keep it safe. Sign in again.",
        "A refresh token of this session was used twice."), Fate.DEAD),
    final(_SESSION, 401, "", LoginDenied, (
        "The service has ended this sign-in. Sign in again.",
        "The session has ended, or another program renewed it first."), Fate.DEAD),
    final(_ANY, 401, "", LoginDenied, (
        "The service does not accept this sign-in. Start it again.", "The service does not accept the proof.")),
    # --- 409: something changed meanwhile ---
    again(_STEAM, 409, 7, SOON, (
        "The service could not use Steam's confirmation. Try again in a minute.",
        "The service refused several tickets in a row as used before.")),
    final(_INQUIRY | _REFRESH, 409, "", ServiceUnavailable, (
        "Your account changed while you were being signed in. Sign in again.",
        "The player's account changed, so this proof is stale."), Fate.DEAD),
    again(_ANY, 409, 7, SOON, (
        "The service is still busy with the request before. Try again in a minute.",
        "The service reports a conflict with another request.")),
    # --- a refresh token: if it may have been used, it is sent once more at once, and never later ---
    again(_REFRESH, _UNSENT, 3, NETWORK, _NETWORK_TEXTS, Fate.UNUSED, also=unsent),
    again(_REFRESH, 429, 3, BUDGET, _BUSY_TEXTS, Fate.UNUSED),
    again(_REFRESH, 503, 3, BUDGET, _OVERLOADED_TEXTS, Fate.UNUSED),
    again(_REFRESH, {Trouble.NETWORK}, 1, AT_ONCE, _NETWORK_TEXTS),
    again(_REFRESH, {Trouble.TIMEOUT, *_SLOW}, 1, AT_ONCE, _TIMEOUT_TEXTS),
    again(_REFRESH, _FOREIGN, 1, AT_ONCE, _UNREADABLE_TEXTS),
    again(_REFRESH, _5XX, 1, AT_ONCE, _PROBLEM_TEXTS),
    # --- something else answers ---
    again(_ANY, _FOREIGN, 4, UPSTREAM, _UNREADABLE_TEXTS),
    # --- the service cannot do it now ---
    again(_ANY, 429, 7, BUDGET, _BUSY_TEXTS),
    again(_ANY, 503, 7, BUDGET, _OVERLOADED_TEXTS),
    again(_STEAM, 502, 7, UPSTREAM, (
        "The service cannot reach Steam right now. Try again in a few minutes.",
        "The service cannot reach Steam to verify the ticket.")),
    again(_ANY, _5XX, 7, UPSTREAM, _PROBLEM_TEXTS),
    again(_ANY, _SLOW, 7, UPSTREAM, _TIMEOUT_TEXTS),
    # --- there is no answer of the service ---
    final(_ANY, {Trouble.CERTIFICATE}, "", ServiceUnavailable, (
        "The connection to the sign-in service is not secure. Check this computer's date and time, then try again.",
        "The certificate is not trusted: perhaps a proxy or a virus scanner intercepts connections.")),
    again(_ANY, {Trouble.NETWORK}, 5, NETWORK, _NETWORK_TEXTS),
    again(_ANY, {Trouble.TIMEOUT}, 4, UPSTREAM, _TIMEOUT_TEXTS),
    final(_ANY, _STATUSES, "", ServiceUnavailable, (
        "The sign-in service gave an answer that this version of the game does not know. Update the game.",
        "This version has no rule for the status."), Fate.UNKNOWN),
)
# fmt: on


def rule_for(operation: Operation, answer: Answer[Any]) -> Rule:
    """The first row that matches this answer to this call."""
    return next(rule for rule in RULES if rule.matches(operation, answer))


def error_for(operation: Operation, answer: Answer[Any], application: str | None) -> BridgeError:
    """The error with which a flow ends if it may not go on after this answer."""
    rule = rule_for(operation, answer)
    names = {"application": application or "the application", "check": _CHECK[operation]}
    facts = f" ({answer.detail})" if answer.detail else ""
    return rule.error(
        rule.sentence.format(**names), reason=answer.reason, detail=f"{rule.detail.format(**names)}{facts}"
    )
