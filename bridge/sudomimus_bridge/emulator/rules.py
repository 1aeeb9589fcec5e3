"""The direct-issue rules: every check of native.yaml in its order, each a line that either passes or refuses.

No HTTP here: a rule raises `Refusal`, `native_api` says it on the wire. The reasons are the documents' own; where a
document names none (404, the Steam ticket's 401 and 502, POST /errand's 401) the name is this emulator's.
"""

from __future__ import annotations

import hmac
import re
from typing import Any

from . import claims
from .config import AccessKey, Player
from .issuance import account, application, binding, budget, email_domain, layer_2, strings, tokens_body
from .refusals import Refusal
from .state import State
from .steam import Verdict, authenticate_user_ticket
from .tokens import TokenRefused

_IDENTIFIER = re.compile(r"acs_k_[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89aAbB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}")
_SECRET = re.compile(r"acs_t_[0-9a-f]{64}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


def admit_steam_ticket(state: State, body: dict[str, Any]) -> None:
    """Everything before Steam is asked: body, application, layer 1, budgets, processing reservation."""
    strings(body, "applicationAnchor", "steamTicketHex")
    steam_app_id = body.get("steamAppId")
    if not isinstance(steam_app_id, int) or isinstance(steam_app_id, bool):
        raise Refusal(400, "InvalidBody")
    if steam_app_id < 1:
        raise Refusal(400, "InvalidSteamAppId")
    if not _HEX.fullmatch(body["steamTicketHex"]):
        raise Refusal(400, "InvalidSteamTicketHex")
    application(state, body["applicationAnchor"])
    if steam_app_id not in state.config.application.allowed_steam_app_ids:
        raise Refusal(403, "Layer1Denied")
    budget(state, state.steam_admission)
    if not state.replay.reserve(body["steamTicketHex"]):
        raise Refusal(409, "ReplayProtectionAlreadySeen")


def verify_steam_ticket(state: State, body: dict[str, Any]) -> Player:
    """Steam's verdict: the account of the ticket's player, and the ticket kept out for a day."""
    verdict: Verdict = authenticate_user_ticket(
        body["steamTicketHex"], body["steamAppId"], state.config, state.cancelled
    )
    if verdict == "rejected" or verdict == "unreachable":
        # "Invalid and upstream-failed attempts keep only the short reservation."
        state.steam_admission.failed(state.config.application.anchor, state.config.budgets)
        raise Refusal(401, "SteamTicketRejected") if verdict == "rejected" else Refusal(502, "SteamUnavailable")
    if not state.replay.promote(body["steamTicketHex"]):
        raise Refusal(409, "ReplayProtectionAlreadySeen")
    return state.player(verdict)


def verify_access_key(state: State, body: dict[str, Any]) -> Player:
    """Body, application, budgets, layer 1, credential: native.yaml's access-key steps 1 to 5."""
    strings(body, "applicationAnchor", "accessKeyIdentifier", "accessKeySecret")
    if not _IDENTIFIER.fullmatch(body["accessKeyIdentifier"]):
        raise Refusal(400, "InvalidAccessKeyIdentifier")
    if not _SECRET.fullmatch(body["accessKeySecret"]):
        raise Refusal(400, "InvalidAccessKeySecret")
    application(state, body["applicationAnchor"])
    budget(state, state.access_key_admission)
    if not state.config.application.access_key_direct:
        raise Refusal(403, "Layer1Denied")
    key = _credential(state, body["accessKeyIdentifier"], body["accessKeySecret"])
    if key is None:
        state.access_key_admission.failed(state.config.application.anchor, state.config.budgets)
        raise Refusal(401, "AccessKeyDirectDenied")
    player = state.players.get(key.player)
    if player is None:
        # "Internal consistency failure while resolving the credential's account": status only.
        raise Refusal(500, "PRIVATE_ACCESS_KEY_ACCOUNT_UNRESOLVED")
    return player


def issue(state: State, player: Player) -> dict[str, Any]:
    """From a proven player to tokens: layers 2 and 3, the account, a stale binding, the claim gate."""
    config = state.config
    if not layer_2(state, player):
        raise Refusal(403, "Layer2Denied")
    if not config.application.direct_issue:
        raise Refusal(403, "Layer3Denied")
    account(player)
    email_domain(player)
    binding(state, player)
    reason, tasks = claims.gate(player, config, state.via_url)
    if reason:
        errand = state.errands.hand_out(player, tasks, proactive=False, settings=config.errands)
        raise Refusal(403, reason, claims=claims.view(player, config), errand=errand.handoff(state.via_url))
    state.errands.consume(player)
    return tokens_body(state, player, state.sessions.open(player, config, state.via_url))


def create_errand(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """POST /errand: the proactive errand for the player of a valid access token, or null where nothing is owed."""
    access_token = body.get("accessToken")
    # The document's 401 speaks of a missing token too, so a missing field is no InvalidBody here.
    if not isinstance(access_token, str) or not access_token:
        raise Refusal(401, "AccessTokenMissing")
    try:
        player = state.player_by_subject(state.tokens.subject_of(access_token))
    except TokenRefused as refused:
        raise Refusal(401, refused.reason) from None
    if player is None or player.deleted:
        raise Refusal(401, "AccessTokenUnresolved")
    if state.config.application.disabled:
        raise Refusal(403, "ApplicationDisabled")
    account(player)
    tasks = claims.owed(player, state.config, state.via_url)
    handoff = None
    if tasks:
        errand = state.errands.hand_out(player, tasks, proactive=True, settings=state.config.errands)
        handoff = errand.handoff(state.via_url)
    return {"errand": handoff, "claims": claims.view(player, state.config)}


def _credential(state: State, identifier: str, secret: str) -> AccessKey | None:
    for key in state.config.access_keys:
        if key.identifier != identifier:
            continue
        anchor = state.config.application.anchor
        of_this_application = key.application in (None, anchor)
        expired = key.expires_at is not None and key.expires_at.timestamp() <= state.clock.now()
        if (
            of_this_application
            and not key.revoked
            and not expired
            and hmac.compare_digest(key.secret.encode(), secret.encode())
        ):
            return key
    return None
