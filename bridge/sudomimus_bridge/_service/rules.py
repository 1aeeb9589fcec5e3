"""The one table of rules: what each answer of the service means, what a login does about it, and how it says so.

Policy only. Rows are tried from the top; the first that holds decides. Their sources are the table "What each answer to a
Steam ticket means" of the service's behaviour, its four documents, and native.yaml 2.4.1, connect.yaml 2.0.1, device.yaml
1.3.1 and session.yaml 1.2.1. A reason that is not listed gets the row of its status.
"""

from __future__ import annotations

from .._session.refresh import Fate
from .._values.errors import (
    AccessTokenRefused,
    BridgeError,
    ConfigurationError,
    ErrandNotCompleted,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from .policy import AT_ONCE, Act, Backoff, Rule
from .port import Answer, Operation, Trouble
from .rows import again, clock_is_wrong, final, has_errand, names_inquiry, pending, row, unsent

_SOON = Backoff(0.25, 2.0)  # another ticket is enough
_NETWORK = Backoff(0.5, 8.0)
_UPSTREAM = Backoff(1.0, 15.0)  # something behind the service is down
_BUDGET = Backoff(2.0, 60.0)  # budgets refill every 10 seconds, a circuit opens for 60

_ANY = frozenset(Operation)
_STEAM, _KEY, _SHARE = {Operation.STEAM_TICKET}, {Operation.ACCESS_KEY}, {Operation.CREATE_ERRAND}
_ISSUE = _STEAM | _KEY
_ESTABLISH, _POLL, _REDEEM = {Operation.ESTABLISH}, {Operation.STATUS_POLL}, {Operation.REDEEM}
_INQUIRY = _POLL | _REDEEM
_BROWSER = _ESTABLISH | _INQUIRY
_CODE, _TOKEN = {Operation.DEVICE_AUTHORIZE}, {Operation.DEVICE_TOKEN}
_REFRESH = {Operation.REFRESH}
_SESSION = _REFRESH | {Operation.LOGOUT}

_STATUSES = frozenset(range(100, 1000))  # HTTP/1.1 lets three digits through, and some proxies answer 999
_5XX = frozenset(range(500, 600))
_LOST = {Trouble.NETWORK, Trouble.TIMEOUT}
_SLOW = {408, 425}

# What a 400 is most likely about.
_CHECK = {
    Operation.STEAM_TICKET: "the application anchor and the Steam app id",
    Operation.ACCESS_KEY: "the application anchor and the access key",
    Operation.CREATE_ERRAND: "the access token",
    Operation.ESTABLISH: "the application anchor and the constraints",
    Operation.STATUS_POLL: "the exposure key and the hidden key",
    Operation.REDEEM: "the exposure key and the hidden key",
    Operation.DEVICE_AUTHORIZE: "the application anchor",
    Operation.DEVICE_TOKEN: "--device-url",
    Operation.REFRESH: "the refresh token",
    Operation.LOGOUT: "the refresh token",
}

_NOT_REACHED = "The sign-in service cannot be reached. Check the internet connection, then try again."
_NO_ANSWER = "The sign-in service did not answer in time. Check the internet connection, then try again."
_NOT_THE_SERVICE = (
    "Something other than the sign-in service answered. Check whether this network asks for a log-in page or a proxy, then "
    "try again."
)
_NOT_TRUSTED = (
    "The connection to the sign-in service is not trusted. Check this computer's date and time, and whether a proxy or virus "
    "scanner intercepts connections."
)
_TOO_MANY = "Too many players are signing in right now. Try again in a minute."
_OVERLOADED = "The service is overloaded right now. Try again in a minute."
_PROBLEM = "The sign-in service has a problem (it answered {status}). Try again in a few minutes."
_NO_SUCH_INQUIRY = "The service does not know this sign-in. Start it again."
_NO_SUCH_APPLICATION = 'The service knows no application "{application}". Check the application anchor.'
_BAD_ACCESS_KEY = "The access key was not accepted: it may be wrong, expired, revoked, or for another application."
_BAD_CLIENT_KEY = (
    "The client key was not accepted: it must be the private key that belongs to {application}, and this computer's clock "
    "must be right."
)


# fmt: off
RULES: tuple[Rule, ...] = (
    # --- what was hoped for ---
    row(Act.WAIT, _POLL, 200, also=pending),
    row(Act.DONE, _ANY, 200),
    row(Act.ERRAND, _ISSUE, 403, also=has_errand),
    # --- a device's code (device.yaml, /device-token; RFC 8628, 3.5) ---
    row(Act.WAIT, _TOKEN, 400, "authorization_pending"),
    row(Act.SLOWER, _TOKEN, 400, "slow_down"),
    final(_TOKEN, 400, "access_denied", LoginDenied,
        "The sign-in was declined, or this player may not sign in to {application}. Start it again if that was a "
        "mistake."),
    final(_TOKEN, 400, "expired_token", ErrandNotCompleted,
        "The code was not confirmed before it expired. Start the sign-in again for a new one."),
    final(_TOKEN, 400, "invalid_request", ErrandNotCompleted,
        "The service does not know this code any more: it was used, or its answer was lost. Start the sign-in again"
        " for a new one."),
    final(_TOKEN, 500, "", ServiceUnavailable,
        "The code was confirmed, and then the service could not sign you in. Start the sign-in again in a few "
        "minutes."),
    # --- an inquiry (connect-redeem) ---
    final(_INQUIRY, {400, 404, 410}, "InquiryNotFound", ErrandNotCompleted, _NO_SUCH_INQUIRY),
    final(_INQUIRY, {400, 404, 410}, "InquiryExpired", ErrandNotCompleted,
        "The page in the browser has expired. Start the sign-in again when you have time for it."),
    final(_INQUIRY, {400, 409}, "InquiryNotRealized", ErrandNotCompleted,
        "The sign-in was not finished in the browser. Start it again, and finish there."),
    final(_INQUIRY, {400, 409, 410}, "InquiryAlreadyRedeemed", ErrandNotCompleted,
        "This sign-in was used already. Start it again."),
    final(_INQUIRY, {400, 403, 404, 409, 410}, "", ErrandNotCompleted,
        "The service has ended this sign-in. Start it again.", also=names_inquiry),
    final(_REDEEM, 400, "AuthenticationNotFound", LoginDenied,
        "The way in which you signed in is not known any more. Start again, and sign in in another way."),
    final(_ANY, 400, "AccountNotFound", LoginDenied,
        "This Sudomimus account does not exist any more. Sign in again, with another one.", Fate.DEAD),
    # --- requests that can never succeed ---
    final(_ANY, {400, 404}, "ApplicationNotFound", ConfigurationError, _NO_SUCH_APPLICATION, Fate.DEAD),
    final(_KEY, 400, "InvalidAccessKeyIdentifier", ConfigurationError,
        "The access key identifier is malformed: it is acs_k_ followed by a UUID."),
    final(_KEY, 400, "InvalidAccessKeySecret", ConfigurationError,
        "The access key secret is malformed: it is acs_t_ followed by 64 lowercase hex characters."),
    final(_ANY, 400, "InvalidBody", ConfigurationError,
        "The service could not read the request. Check {check}.", Fate.DEAD),
    final(_ANY, 400, "", ConfigurationError,
        "The service refused the request as malformed. Check {check}.", Fate.DEAD),
    final(_INQUIRY, 404, "", ErrandNotCompleted, _NO_SUCH_INQUIRY),
    final(_TOKEN | _SESSION, 404, "", ConfigurationError,
        "There is nothing of the service at this address. Check --device-url and --session-url."),
    final(_ANY, 404, "", ConfigurationError, _NO_SUCH_APPLICATION),
    # --- no, and why ---
    final(_REFRESH, 403, "ClaimConsentRequired", LoginDenied,
        "{application} now asks for something that you have not agreed to share. Sign in again to decide.", Fate.CLAIMS),
    final(_REFRESH, 403, "RequiredClaimDataMissing", LoginDenied,
        "{application} now asks for something that your account does not have. Sign in again to add it.", Fate.CLAIMS),
    final(_ANY, 403, "ClaimConsentRequired", LoginDenied,
        "{application} asks for something that you have not agreed to share. Sign in again, in the browser, and "
        "agree there."),
    final(_ANY, 403, "RequiredClaimDataMissing", LoginDenied,
        "{application} asks for something that your account does not have. Sign in again, in the browser, and add "
        "it there."),
    final(_ISSUE, 403, "Layer1Denied", LoginDenied,
        "{application} does not accept this way of signing in: its Steam app id, or access keys, must be "
        "allow-listed in the application's authentication rules (layer 1)."),
    final(_ANY, 403, "Layer1Denied", LoginDenied,
        "{application} does not accept this way of signing in (layer 1)."),
    final(_ANY, 403, "Layer2Denied", LoginDenied,
        "This player may not sign in to {application}: none of its rules matches the player (layer 2)."),
    final(_BROWSER, 403, "Layer3Denied", LoginDenied,
        "{application} does not sign players in through the browser: it needs a STATUS_POLL return rule (layer 3)."),
    final(_CODE, 403, "Layer3Denied", LoginDenied,
        "{application} does not sign players in with a code: it needs a DEVICE_CODE return rule (layer 3)."),
    final(_ANY, 403, "Layer3Denied", LoginDenied,
        "{application} does not hand tokens to games: it needs a DIRECT_ISSUE return rule (layer 3)."),
    final(_ANY, 403, "ApplicationDisabled", LoginDenied,
        "{application} is switched off. Ask the game's makers."),
    final(_ANY, 403, "ApplicationNotActive", LoginDenied,
        "{application} is switched off. Ask the game's makers."),
    final(_ANY, 403, "AccountDisabled", LoginDenied,
        "This Sudomimus account is disabled. Ask Sudomimus support."),
    final(_ANY, 403, "AccountDeleted", LoginDenied,
        "This Sudomimus account was deleted. Ask Sudomimus support if that is wrong.", Fate.DEAD),
    final(_ANY, 403, "EmailDomainBlocked", LoginDenied,
        "Your email's organisation does not allow signing in here. Ask its administrator."),
    final(_BROWSER, 403, "EmailDomainRequiresSso", LoginDenied,
        "Your email's organisation asks for its own sign-in. Start again, and choose your organisation on the page."),
    final(_ANY, 403, "EmailDomainRequiresSso", LoginDenied,
        "Your email's organisation asks for its own sign-in. Sign in on the web instead."),
    final(_ANY, 403, "SsoAuthorityConflict", LoginDenied,
        "Your email addresses belong to organisations with different sign-ins. Ask their administrators."),
    final(_ANY, 403, "", LoginDenied,
        "The service refused to sign you in to {application}. Ask the game's makers."),
    # --- what was shown is not believed; 401 alone depends on what that was ---
    again(_STEAM, 401, 1, AT_ONCE,
        "Steam did not confirm your sign-in. Restart Steam, and check that this is the game's Steam app id.",
        error=SteamUnavailable),
    final(_KEY, 401, "", LoginDenied, _BAD_ACCESS_KEY),
    final(_SHARE, 401, "", AccessTokenRefused,
        "The access token is wrong or has run out. Sign in again, then retry with the new token."),
    again(_ESTABLISH, 401, 1, AT_ONCE, _BAD_CLIENT_KEY, error=LoginDenied, also=clock_is_wrong),
    final(_ESTABLISH, 401, "", LoginDenied, _BAD_CLIENT_KEY),
    final(_SESSION, 401, "RefreshTokenInvalid", LoginDenied,
        "The service does not know this sign-in. Sign in again.", Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenInvalidType", LoginDenied,
        "What was given is not a refresh token of a game's. Sign in again.", Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenInvalidSignature", LoginDenied,
        "The refresh token was not made by the service. Sign in again.", Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenSuspended", LoginDenied,
        "This sign-in is suspended. Sign in again, or ask Sudomimus support.", Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenExpired", LoginDenied,
        "You were away for so long that the sign-in has expired. Sign in again.", Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenRevoked", LoginDenied, "You were signed out. Sign in again.", Fate.DEAD),
    final(_SESSION, 401, "RefreshTokenFamilyCompromised", LoginDenied,
        "This sign-in was used in two places at once, and was ended to keep it safe. Sign in again.", Fate.DEAD),
    final(_SESSION, 401, "", LoginDenied,
        "The service has ended this sign-in. Sign in again.", Fate.DEAD),
    final(_ANY, 401, "", LoginDenied,
        "The service does not accept this sign-in. Start it again."),
    # --- things changed meanwhile ---
    again(_ISSUE, 409, 7, _SOON,
        "The service refused several tickets in a row as used before. Try again in a minute."),
    final(_INQUIRY | _REFRESH, 409, "", ServiceUnavailable,
        "Your account changed while you were being signed in. Sign in again.", Fate.DEAD),
    again(_ANY, 409, 7, _SOON,
        "The service is still busy with the request before. Try again in a minute."),
    # --- a refresh token: sent once more at once where it may have been used, never later ("Connect, device, session") ---
    again(_REFRESH, _LOST, 3, _NETWORK, _NOT_REACHED, Fate.UNUSED, also=unsent),
    again(_REFRESH, 429, 3, _BUDGET, _TOO_MANY, Fate.UNUSED),
    again(_REFRESH, 503, 3, _BUDGET, _OVERLOADED, Fate.UNUSED),
    again(_REFRESH, 500, 1, AT_ONCE, _PROBLEM, Fate.UNKNOWN),
    again(_REFRESH, {Trouble.NETWORK}, 1, AT_ONCE, _NOT_REACHED),
    again(_REFRESH, {Trouble.TIMEOUT, *_SLOW}, 1, AT_ONCE, _NO_ANSWER),
    again(_REFRESH, {Trouble.UNREADABLE}, 1, AT_ONCE, _NOT_THE_SERVICE),
    again(_REFRESH, _5XX, 1, AT_ONCE, _PROBLEM),
    # --- not now ---
    again(_ANY, 429, 7, _BUDGET, _TOO_MANY),
    again(_ANY, 503, 7, _BUDGET, _OVERLOADED),
    again(_STEAM, 502, 7, _UPSTREAM,
        "The service cannot reach Steam right now. Try again in a few minutes."),
    again(_ANY, _5XX, 7, _UPSTREAM, _PROBLEM),
    again(_ANY, _SLOW, 7, _UPSTREAM, _NO_ANSWER),
    # --- no answer of the service ---
    final(_ANY, {Trouble.CERTIFICATE}, "", ServiceUnavailable, _NOT_TRUSTED),
    again(_ANY, {Trouble.NETWORK}, 5, _NETWORK, _NOT_REACHED),
    again(_ANY, {Trouble.TIMEOUT}, 4, _UPSTREAM, _NO_ANSWER),
    again(_ANY, {Trouble.UNREADABLE}, 4, _UPSTREAM, _NOT_THE_SERVICE),
    final(_ANY, _STATUSES, "", ServiceUnavailable,
        "The sign-in service gave an answer that this version does not know ({status}). Update the game.", Fate.UNKNOWN),
)
# fmt: on


def rule_for(operation: Operation, answer: Answer) -> Rule:
    """The row that holds for this answer."""
    return next(rule for rule in RULES if rule.holds(operation, answer))


def error_for(operation: Operation, answer: Answer, application: str | None) -> BridgeError:
    """What a login ends with, where it may not go on after this answer."""
    rule = rule_for(operation, answer)
    sentence = rule.sentence.format(
        application=application or "the application", check=_CHECK[operation], status=answer.status
    )
    return rule.error(sentence, reason=answer.reason, detail=answer.detail)
