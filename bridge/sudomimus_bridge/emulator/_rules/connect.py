"""The rules of the Connect API: `/establish`, `/status-poll`, `/redeem` and `/info`, each check in its order.

docs/contracts/service.md, "Connect API". If the service documents no reason for an error (as for `/status-poll`), the
emulator uses the reason that `/redeem` has for the same error, or its own.
"""

from __future__ import annotations

import hmac
from typing import Any

from ..._service.establish_request import CallbackMethod, EstablishRequest
from .._config.config import Player
from .._contract.requests import InfoRequest, RedeemRequest, StatusPollRequest
from .._memory.sign_ins import Inquiry
from .._memory.state import State
from .._players import claims
from .approval import follow_sign_in, open_session, returns
from .issuance import Refusal, account, application, binding, email_domain, tokens_body

AUDIENCE = "sudomimus-connect"


def establish(state: State, body: EstablishRequest) -> dict[str, Any]:
    """Make an inquiry, for a client whose signature has been verified."""
    _layer_3(state, body)
    inquiry = state.sign_ins.establish(body, state.config)
    return {
        "applicationAnchor": inquiry.anchor,
        "exposureKey": inquiry.exposure_key,
        "hiddenKey": inquiry.hidden_key,
    }


def status_poll(state: State, body: StatusPollRequest) -> dict[str, Any]:
    """PENDING, or REALIZED with the key for `/redeem`. A declined inquiry is answered like an expired one."""
    inquiry = _inquiry(state, body)
    if not returns(state, inquiry, "STATUS_POLL"):
        raise Refusal(403, "Layer3Denied")
    follow_sign_in(state, inquiry)
    _not_over(state, inquiry)
    if inquiry.standing == "approved":
        return {"status": "REALIZED", "confirmationKey": inquiry.confirmation_key}
    inquiry.polls_left -= 1
    return {"status": "PENDING"}


def redeem(state: State, body: RedeemRequest) -> dict[str, Any]:
    """Exchange the three keys for tokens, once."""
    inquiry = _inquiry(state, body)
    expected, given = inquiry.confirmation_key, body.confirmationKey
    # After a REVEAL there is no third key, and each redeem is refused as already redeemed.
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


def info(state: State, body: InfoRequest) -> dict[str, Any]:
    """The application's public metadata. Here it has the same name in all languages."""
    if body.applicationAnchor != state.config.application.anchor:
        raise Refusal(404, "ApplicationNotFound")
    answer = {
        "applicationAnchor": state.config.application.anchor,
        "applicationName": state.config.application.shown_name,
    }
    if state.dialect.info_has_public_key:
        answer["applicationPublicKey"] = state.tokens.public_key_pem
    return answer


def _inquiry(state: State, body: StatusPollRequest) -> Inquiry:
    inquiry = state.sign_ins.inquiry(body.exposureKey, body.hiddenKey)
    if inquiry is None:
        raise Refusal(400, "InquiryNotFound")
    return inquiry


def _not_over(state: State, inquiry: Inquiry) -> None:
    if inquiry.standing == "spent":
        raise Refusal(400, "InquiryAlreadyRedeemed")
    if inquiry.standing == "declined" or state.sign_ins.expired(inquiry):
        raise Refusal(400, "InquiryExpired")


def _player(state: State, inquiry: Inquiry) -> Player:
    """The player who realized the inquiry. Raises `Refusal` if the player may not get tokens. Uses up nothing."""
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
        raise Refusal(403, reason if state.dialect.redeem_names_missing_data else "ClaimConsentRequired")
    return player


def _layer_3(state: State, wanted: EstablishRequest) -> None:
    rules = state.config.application
    allowed = {"CALLBACK": rules.callback, "STATUS_POLL": rules.status_poll, "REVEAL": rules.reveal}
    for method in wanted.returnMethods or []:
        if not allowed[method.type]:
            raise Refusal(403, "Layer3Denied")
        if isinstance(method, CallbackMethod) and method.host not in rules.allowed_callback_domains:
            raise Refusal(400, "CallbackDomainNotAllowed")
