"""A plain sentence for each way the service can say no: what happened, and what to do.

The service's reasons are stable machine-readable codes (native.yaml, `Error`); one that is not listed gets the sentence of
its status. `{application}` is the anchor.
"""

from __future__ import annotations

from .port import Answer, Operation, Trouble

_BY_REASON = {
    "Layer1Denied": "{application} does not accept this way of signing in: its Steam app id, or access keys, must be "
    "allow-listed in the application's authentication rules (layer 1).",
    "Layer2Denied": "This player may not sign in to {application}: none of its rules matches the player (layer 2).",
    "Layer3Denied": "{application} does not hand tokens to games: it needs a DIRECT_ISSUE return rule (layer 3).",
    "ApplicationDisabled": "{application} is switched off. Ask the game's makers.",
    "AccountDisabled": "This Sudomimus account is disabled. Ask Sudomimus support.",
    "AccountDeleted": "This Sudomimus account was deleted. Ask Sudomimus support if that is wrong.",
    "EmailDomainBlocked": "Your email's organisation does not allow signing in here. Ask its administrator.",
    "EmailDomainRequiresSso": "Your email's organisation asks for its own sign-in. Sign in on the web instead.",
    "SsoAuthorityConflict": "Your email addresses belong to organisations with different sign-ins. Ask their administrators.",
    "AccessKeyDirectDenied": "The access key was not accepted: it may be wrong, expired, revoked, or for another application.",
    "InvalidAccessKeyIdentifier": "The access key identifier is malformed: it is acs_k_ followed by a UUID.",
    "InvalidAccessKeySecret": "The access key secret is malformed: it is acs_t_ followed by 64 lowercase hex characters.",
    "ApplicationNotFound": "The service knows no application {application}. Check the application anchor.",
    "InvalidBody": "The service could not read the request. Check the application anchor and the Steam app id.",
}

_BY_STATUS = {
    400: "The service refused the request as malformed. Check the application anchor and the Steam app id.",
    403: "The service refused to sign you in to {application}. Ask the game's makers.",
    404: "The service knows no application {application}. Check the application anchor.",
    409: "The service refused several tickets in a row as used before. Try again in a minute.",
    429: "Too many players are signing in right now. Try again in a minute.",
    502: "The service cannot reach Steam right now. Try again in a few minutes.",
    503: "The service is overloaded right now. Try again in a minute.",
}

_UNAUTHORIZED = {
    Operation.STEAM_TICKET: "Steam did not confirm your sign-in. Restart Steam, and check that this is the game's Steam app id.",
    Operation.ACCESS_KEY: _BY_REASON["AccessKeyDirectDenied"],
    Operation.CREATE_ERRAND: "The access token is wrong or has run out. Sign in again, then retry with the new token.",
}

_BY_TROUBLE = {
    Trouble.NETWORK: "The sign-in service cannot be reached. Check the internet connection, then try again.",
    Trouble.TIMEOUT: "The sign-in service did not answer in time. Check the internet connection, then try again.",
    Trouble.CERTIFICATE: "The connection to the sign-in service is not trusted. Check this computer's date and time, and "
    "whether a proxy or virus scanner intercepts connections.",
    Trouble.UNREADABLE: "Something other than the sign-in service answered. Check whether this network asks for a log-in "
    "page or a proxy, then try again.",
}


def sentence_for(operation: Operation, answer: Answer, application: str) -> str:
    """The sentence for an answer that ends a login."""
    if answer.trouble is not None:
        return _BY_TROUBLE[answer.trouble]
    status = answer.status or 0
    if answer.reason in _BY_REASON:
        sentence = _BY_REASON[answer.reason]
    elif status == 401:
        sentence = _UNAUTHORIZED[operation]
    elif status in _BY_STATUS:
        sentence = _BY_STATUS[status]
    elif status >= 500:
        sentence = f"The sign-in service has a problem (it answered {status}). Try again in a few minutes."
    else:
        sentence = f"The sign-in service gave an answer that this version does not know ({status}). Update the game."
    return sentence.format(application=application)
