"""The rules of direct issue and of the proactive errand: each check in the service's order.

docs/contracts/service.md, "Native API". The reasons are the service's own. It documents none for the 401 of POST /errand, so
those here are the emulator's.

The emulator also plays Steam's part. Only Valve can verify a real ticket. A ticket of the stub contains its facts in plain
text. The log of the stub library shows which tickets were cancelled, and the emulator refuses those as Steam would.
"""

from __future__ import annotations

import hmac
import re
from typing import Any, Literal

from ...steam._stub_ticket import read_stub_ticket
from .._config.config import AccessKey, EmulatorConfig, Player
from .._contract.requests import (
    ACCESS_KEY_IDENTIFIER,
    ACCESS_KEY_SECRET,
    TICKET_HEX,
    AccessKeyRequest,
    ErrandRequest,
    SteamTicketRequest,
)
from .._memory.admission import CancelledTickets
from .._memory.state import State
from .._players import claims
from .._tokens.issuer import TokenRefused
from .issuance import Refusal, account, application, binding, budget, email_domain, layer_2, tokens_body

# The service accepts exactly this identity string, with this case.
IDENTITY = "sudomimus"

Verdict = int | Literal["rejected", "unreachable"]


def authenticate_user_ticket(
    steam_ticket_hex: str, steam_app_id: int, config: EmulatorConfig, cancelled: CancelledTickets
) -> Verdict:
    """The answer of ISteamUserAuth/AuthenticateUserTicket: the SteamID64, a refusal, or no answer."""
    if config.steam == "unreachable":
        return "unreachable"
    if config.steam == "rejects":
        return "rejected"
    ticket = read_stub_ticket(bytes.fromhex(steam_ticket_hex))
    if ticket is None:
        return config.default_player if config.accept_foreign_tickets else "rejected"
    # A ticket is valid only for the app that requested it.
    if ticket.identity != IDENTITY or ticket.app_id != steam_app_id:
        return "rejected"
    if cancelled.contains(ticket, config.steam_log):
        return "rejected"
    return ticket.steam_id


def admit_steam_ticket(state: State, body: SteamTicketRequest) -> None:
    """The checks before Steam is asked: body, application, layer 1, budgets, processing reservation."""
    if body.steamAppId < 1:
        raise Refusal(400, "InvalidSteamAppId")
    longest = state.dialect.longest_ticket_hex
    if not re.fullmatch(TICKET_HEX, body.steamTicketHex) or (longest and len(body.steamTicketHex) > longest):
        raise Refusal(400, "InvalidBody")
    application(state, body.applicationAnchor)
    if body.steamAppId not in state.config.application.allowed_steam_app_ids:
        raise Refusal(403, "Layer1Denied")
    budget(state, state.steam_admission)
    if not state.replay.reserve(body.steamTicketHex):
        raise Refusal(409, "ReplayProtectionAlreadySeen")


def verify_steam_ticket(state: State, body: SteamTicketRequest) -> Player:
    """Have Steam verify the ticket, and return its player's account. The ticket is then refused for a day."""
    verdict = authenticate_user_ticket(body.steamTicketHex, body.steamAppId, state.config, state.cancelled)
    if verdict == "rejected" or verdict == "unreachable":
        # A ticket that Steam has not verified keeps only its short reservation.
        state.steam_admission.failed(state.config.application.anchor, state.config.budgets)
        if verdict == "rejected":
            raise Refusal(401, "SteamTicketInvalid")
        raise Refusal(502, "SteamTicketVerificationFailed")
    if not state.replay.promote(body.steamTicketHex):
        raise Refusal(409, "ReplayProtectionAlreadySeen")
    return state.player(verdict)


def verify_access_key(state: State, body: AccessKeyRequest) -> tuple[Player, str | None]:
    """Check body, application, budgets, layer 1 and credential, and return the key's account and its workload."""
    if not re.fullmatch(ACCESS_KEY_IDENTIFIER, body.accessKeyIdentifier):
        raise Refusal(400, "InvalidAccessKeyIdentifier")
    if not re.fullmatch(ACCESS_KEY_SECRET, body.accessKeySecret):
        raise Refusal(400, "InvalidAccessKeySecret")
    application(state, body.applicationAnchor)
    budget(state, state.access_key_admission)
    if not state.config.application.access_key_direct:
        raise Refusal(403, "Layer1Denied")
    key = _credential(state, body.accessKeyIdentifier, body.accessKeySecret)
    if key is None:
        state.access_key_admission.failed(state.config.application.anchor, state.config.budgets)
        raise Refusal(401, "AccessKeyDirectDenied")
    player = state.players.get(key.player)
    if player is None:
        # To the service this is an internal failure, and its answer has only a status.
        raise Refusal(500, "PRIVATE_ACCESS_KEY_ACCOUNT_UNRESOLVED")
    return player, key.workload


def issue(state: State, player: Player, workload: str | None = None) -> dict[str, Any]:
    """Issue tokens for an authenticated player: layers 2 and 3, the account, a stale binding, the claim gate."""
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
    return tokens_body(state, player, state.sessions.open(player, workload=workload))


def create_errand(state: State, body: ErrandRequest) -> dict[str, Any]:
    """The proactive errand for the player of a valid access token; null if nothing is owed."""
    if not isinstance(body.accessToken, str) or not body.accessToken:
        raise Refusal(401, "AccessTokenMissing")
    try:
        token = state.tokens.valid_access(body.accessToken)
    except TokenRefused as refused:
        raise Refusal(401, refused.reason) from None
    player = state.player_by_subject(token.subject)
    if player is None or player.deleted:
        raise Refusal(401, "AccessTokenUnresolved")
    if state.dialect.session_ends_errands:
        session = state.sessions.of_access_token(token)
        if session is None or state.sessions.status(session) != "active":
            raise Refusal(401, "AccessTokenSessionEnded")
    application(state, state.config.application.anchor)
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
