"""The rules of the Session API: `/refresh` in its order, `/introspect`, `/logout`, `/revoke-all`, and the profile calls.

docs/contracts/service.md, "Session API". The reasons for the 401 of `/introspect` are the emulator's own.
"""

from __future__ import annotations

from typing import Any

from .._config.config import Player
from .._contract.requests import IntrospectRequest, LogoutRequest, RefreshRequest, RevokeAllRequest
from .._memory.sessions import Refresh
from .._memory.state import State
from .._players import claims
from .._tokens.issuer import TokenRefused
from .issuance import InvalidToken, Refusal, account, application, binding, email_domain

AUDIENCE = "sudomimus-session"


def refresh(state: State, body: RefreshRequest) -> dict[str, Any]:
    """Exchange a refresh token for a new pair."""
    presented = _presented(state, body.refreshToken)
    _usable(state, presented)
    player = _authorized(state, presented)
    if presented.rotated_at is None:
        pair = state.sessions.rotate(presented, player)
    elif state.config.sessions.adopts:
        pair = state.sessions.adopt(presented, player)
    else:
        # The second of two concurrent calls: the 401 has an empty body, and the session is ended.
        presented.session.revoked = True
        raise Refusal(401)
    return {
        "accessToken": pair.access_token,
        "refreshToken": pair.refresh_token,
        "claims": claims.view(player, state.config),
    }


def introspect(state: State, body: IntrospectRequest) -> dict[str, Any]:
    """The status of an access token's session, even if the token has expired."""
    if not isinstance(body.accessToken, str) or not body.accessToken:
        raise Refusal(401, "AccessTokenMissing")
    try:
        token = state.tokens.read_access(body.accessToken)
    except TokenRefused as refused:
        raise Refusal(401, refused.reason) from None
    fits = not state.dialect.sid or token.audience == state.config.application.anchor
    session = state.sessions.of_access_token(token) if fits else None
    status = "not_found" if session is None else state.sessions.status(session)
    return {
        # The contract has no status for a suspended session.
        "status": "revoked" if status == "suspended" else status,
        "recommendedRecheckSeconds": state.config.sessions.recommended_recheck_seconds,
    }


def logout(state: State, body: LogoutRequest) -> dict[str, Any]:
    """End the session of a signed refresh token of any age. `revoked` says whether the session was active."""
    found = _genuine(state, body.refreshToken)
    revoked = found is not None and state.sessions.status(found.session) in ("active", "suspended")
    if found is not None:
        found.session.revoked = True
    return {"revoked": revoked}


def revoke_all(state: State, body: RevokeAllRequest) -> dict[str, Any]:
    """End all sessions of a player, for a client whose signature has been verified."""
    ended = state.sessions.revoke_all(body.subject)
    # Since v4 an unknown subject gets the same answer as a known one.
    return {"revokedCount": ended} if state.dialect.revoke_all_counts else {"revoked": True}


def userinfo(state: State, access_token: str) -> dict[str, Any]:
    """The claims that the player shares with the application now."""
    return claims.profile(_bearer(state, access_token), state.config, state.via_url)


def claim_state(state: State, access_token: str) -> dict[str, Any]:
    """The requirement and the decision for each claim, under the names of `/userinfo`."""
    player = _bearer(state, access_token)
    view = claims.view(player, state.config)
    return {
        "sub": player.subject,
        "claims": {claims.PROFILE_NAMES[claim]: view[claim] for claim in state.dialect.claims},
    }


def _bearer(state: State, access_token: str) -> Player:
    """The player of an access token that has not expired and whose session is active."""
    try:
        token = state.tokens.valid_access(access_token)
    except TokenRefused:
        raise InvalidToken from None
    session = state.sessions.of_access_token(token)
    player = state.player_by_subject(token.subject)
    alive = session is not None and session.issuance_protocol == "APPLICATION"
    if session is None or not alive or state.sessions.status(session) != "active":
        raise InvalidToken
    if player is None or player.deleted or player.disabled or state.config.application.disabled:
        raise InvalidToken
    return player


def _presented(state: State, refresh_token: str) -> Refresh:
    """The stored row of an application's token."""
    found = _genuine(state, refresh_token)
    if found is None:
        raise Refusal(401, "RefreshTokenInvalid")
    if found.session.issuance_protocol != "APPLICATION":
        raise Refusal(401, "RefreshTokenInvalidType")
    return found


def _genuine(state: State, refresh_token: str) -> Refresh | None:
    """The stored row of a refresh token with a valid signature; None if the service does not know it."""
    try:
        token = state.tokens.read_refresh(refresh_token)
    except TokenRefused as refused:
        raise Refusal(401, refused.reason) from None
    return state.sessions.find(token.jti)


def _usable(state: State, presented: Refresh) -> None:
    """Check the state of the token and its session. A second use after the grace window ends the session."""
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
    """Check account, application, email domain, binding and claim gate. A refusal does not use up the token."""
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
