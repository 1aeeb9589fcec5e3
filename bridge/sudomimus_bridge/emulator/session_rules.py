"""The rules of the Session API: `/refresh` in its order, `/introspect`, `/logout`, `/revoke-all`.

No HTTP here. The reasons are session.yaml's; where it names none (the 401 of `/introspect`) the name is this emulator's.
"""

from __future__ import annotations

from typing import Any

from . import claims
from .config import Player
from .issuance import account, application, binding, email_domain, strings
from .refusals import Refusal
from .sessions import Refresh
from .state import State
from .tokens import TokenRefused

AUDIENCE = "sudomimus-session"


def refresh(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Spend a refresh token for a new pair."""
    presented = _presented(state, body)
    _usable(state, presented)
    player = _authorized(state, presented)
    if presented.rotated_at is None:
        pair = state.sessions.rotate(presented, player, state.config, state.via_url)
    elif state.config.sessions.adopts:
        pair = state.sessions.adopt(presented, player, state.config, state.via_url)
    else:
        # The race "that cannot adopt the winning child … intentionally carries an empty response body".
        presented.session.revoked = True
        raise Refusal(401)
    return {
        "accessToken": pair.access_token,
        "refreshToken": pair.refresh_token,
        "claims": claims.view(player, state.config),
    }


def introspect(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """How the session behind an access token stands; the token's own expiry does not matter."""
    access_token = body.get("accessToken")
    # The contract's 401 speaks of a missing token too, so a missing field is no InvalidBody here.
    if not isinstance(access_token, str) or not access_token:
        raise Refusal(401, "AccessTokenMissing")
    try:
        envelope = state.tokens.read_access(access_token)
    except TokenRefused as refused:
        raise Refusal(401, refused.reason) from None
    session = state.sessions.of_access_token(envelope["jti"])
    status = "not_found" if session is None else state.sessions.status(session)
    return {
        # The contract has no word for a suspended session but this one.
        "status": "revoked" if status == "suspended" else status,
        "recommendedRecheckSeconds": state.config.sessions.recommended_recheck_seconds,
    }


def logout(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """End the session of a genuine refresh token, be it spent or expired; `revoked` says whether there was one to end."""
    found = _genuine(state, body)
    revoked = found is not None and state.sessions.status(found.session) in ("active", "suspended")
    if found is not None:
        found.session.revoked = True
    return {"revoked": revoked}


def authenticate(state: State, raw: bytes, authorization: str | None) -> None:
    """`/revoke-all` takes the application's own signature, "evaluated … before recursive request-body … validation"."""
    state.client_auth.check(authorization, raw, audience=AUDIENCE, anchor=state.config.application.anchor)


def revoke_all(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """End all of a player's sessions; the caller has proved to be the application."""
    strings(body, "subject")
    return {"revokedCount": state.sessions.revoke_all(body["subject"])}


def _presented(state: State, body: dict[str, Any]) -> Refresh:
    """The stored row of an application's token."""
    found = _genuine(state, body)
    if found is None:
        raise Refusal(401, "RefreshTokenInvalid")
    if found.session.issuance_protocol != "APPLICATION":
        raise Refusal(401, "RefreshTokenInvalidType")
    return found


def _genuine(state: State, body: dict[str, Any]) -> Refresh | None:
    """The stored row of a token whose signature and claims have been checked; None where it is of another time."""
    strings(body, "refreshToken")
    try:
        envelope = state.tokens.read_refresh(body["refreshToken"], state.config)
    except TokenRefused as refused:
        raise Refusal(401, refused.reason) from None
    return state.sessions.find(envelope["jti"])


def _usable(state: State, presented: Refresh) -> None:
    """What became of the token so far. A spent one outside the grace window takes the whole family with it."""
    session, now = presented.session, state.clock.now()
    if session.suspended:
        raise Refusal(401, "RefreshTokenSuspended")
    if presented.token.expires_at <= now:
        raise Refusal(401, "RefreshTokenExpired")
    if session.revoked:
        raise Refusal(401, "RefreshTokenRevoked")
    if presented.rotated_at is None:
        return
    grace = state.config.sessions.grace_seconds
    if not grace or now - presented.rotated_at > grace or presented.child is not session.current:
        session.revoked = True
        raise Refusal(401, "RefreshTokenFamilyCompromised")


def _authorized(state: State, presented: Refresh) -> Player:
    """Account, application, email domain, binding and claim gate: any of them says no without spending the token."""
    player = state.players.get(presented.session.steam_id)
    if player is None:
        raise Refusal(400, "AccountNotFound")
    account(player)
    application(state, state.config.application.anchor)
    email_domain(player)
    binding(state, player, presented.session.subject)
    reason, _ = claims.gate(player, state.config, state.via_url)
    if reason:
        raise Refusal(403, reason)
    return player
