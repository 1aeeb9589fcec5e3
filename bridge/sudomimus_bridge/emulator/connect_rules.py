"""The rules of the Connect API: `/establish`, `/status-poll`, `/redeem` and `/info`, each check in its order.

No HTTP here. The reasons are connect.yaml's; where it names none (`/establish` but for ApplicationDisabled, the errors of
`/status-poll`) the name is this emulator's, or that of `/redeem` for the same thing.
"""

from __future__ import annotations

import hmac
from typing import Any

from pydantic import ValidationError

from . import claims
from .approval import open_session, returns
from .config import Player
from .establish_body import CallbackMethod, EstablishBody
from .issuance import account, application, binding, email_domain, strings, tokens_body
from .refusals import Refusal
from .script import follow_sign_in
from .sign_ins import Inquiry
from .state import State

AUDIENCE = "sudomimus-connect"


def establish(state: State, body: dict[str, Any], raw: bytes, authorization: str | None) -> dict[str, Any]:
    """A new inquiry for a client that has signed these very bytes."""
    strings(body, "applicationAnchor")
    anchor = body["applicationAnchor"]
    if anchor != state.config.application.anchor:
        raise Refusal(404, "ApplicationNotFound")
    state.client_auth.check(authorization, raw, audience=AUDIENCE, anchor=anchor)
    application(state, anchor)
    try:
        wanted = EstablishBody.model_validate(body)
    except ValidationError:
        raise Refusal(400, "InvalidBody") from None
    _layer_3(state, wanted)
    inquiry = state.sign_ins.establish(wanted, state.config)
    return {"applicationAnchor": anchor, "exposureKey": inquiry.exposure_key, "hiddenKey": inquiry.hidden_key}


def status_poll(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """PENDING, or REALIZED with the key that `/redeem` wants. A declined inquiry is over, as an expired one is."""
    strings(body, "exposureKey", "hiddenKey")
    inquiry = _inquiry(state, body)
    if not returns(state, inquiry, "STATUS_POLL"):
        raise Refusal(403, "Layer3Denied")
    follow_sign_in(state, inquiry)
    _not_over(state, inquiry)
    if inquiry.standing == "approved":
        return {"status": "REALIZED", "confirmationKey": inquiry.confirmation_key}
    inquiry.polls_left -= 1
    return {"status": "PENDING"}


def redeem(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Tokens for the three keys, once."""
    strings(body, "exposureKey", "hiddenKey", "confirmationKey")
    inquiry = _inquiry(state, body)
    expected, given = inquiry.confirmation_key, body["confirmationKey"]
    # After a REVEAL nobody has the third key, and "any subsequent /redeem … fails with InquiryAlreadyRedeemed".
    if (
        inquiry.standing != "spent"
        and expected is not None
        and not hmac.compare_digest(expected.encode(), given.encode())
    ):
        raise Refusal(400, "InquiryNotFound")
    _not_over(state, inquiry)
    if inquiry.standing != "approved":
        raise Refusal(400, "InquiryNotRealized")
    player = _player(state, inquiry)
    inquiry.standing = "spent"
    return tokens_body(state, player, open_session(state, inquiry, player))


def info(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """The application's public metadata; it has one name in all languages here."""
    strings(body, "applicationAnchor", "locale")
    if body["applicationAnchor"] != state.config.application.anchor:
        raise Refusal(404, "ApplicationNotFound")
    return {
        "applicationAnchor": state.config.application.anchor,
        "applicationName": state.config.application.shown_name,
        "applicationPublicKey": state.tokens.public_key_pem,
    }


def _inquiry(state: State, body: dict[str, Any]) -> Inquiry:
    inquiry = state.sign_ins.inquiry(body["exposureKey"], body["hiddenKey"])
    if inquiry is None:
        raise Refusal(400, "InquiryNotFound")
    return inquiry


def _not_over(state: State, inquiry: Inquiry) -> None:
    if inquiry.standing == "spent":
        raise Refusal(400, "InquiryAlreadyRedeemed")
    if inquiry.standing == "declined" or state.sign_ins.expired(inquiry):
        raise Refusal(400, "InquiryExpired")


def _player(state: State, inquiry: Inquiry) -> Player:
    """The player who realized the inquiry, if nothing forbids the issuance by now; the inquiry stays as it is."""
    application(state, inquiry.anchor, absent=400)
    player = state.players.get(inquiry.steam_id) if inquiry.steam_id is not None else None
    if player is not None and player.authentication_missing:
        raise Refusal(400, "AuthenticationNotFound")
    if player is None:
        raise Refusal(400, "AccountNotFound")
    account(player)
    email_domain(player)
    binding(state, player, inquiry.subject)
    reason, _ = claims.gate(player, state.config, state.via_url)
    if reason:
        # The contract has one word for the gate here; missing data is told as missing consent.
        raise Refusal(403, "ClaimConsentRequired")
    return player


def _layer_3(state: State, wanted: EstablishBody) -> None:
    rules = state.config.application
    allowed = {"CALLBACK": rules.callback, "STATUS_POLL": rules.status_poll, "REVEAL": rules.reveal}
    for method in wanted.returnMethods or []:
        if not allowed[method.type]:
            raise Refusal(403, "Layer3Denied")
        if isinstance(method, CallbackMethod) and method.host not in rules.allowed_callback_domains:
            raise Refusal(400, "CallbackDomainNotAllowed")
