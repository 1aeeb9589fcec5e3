"""The rules of the Device API: `/device-authorize` and `/device-token`, as device.yaml and RFC 8628 have them.

No HTTP here.
"""

from __future__ import annotations

import re
from typing import Any

from . import claims
from .config import Player
from .issuance import account, application, binding, budget, email_domain, layer_2, tokens_body
from .refusals import DeviceTokenRefusal, Refusal
from .script import follow_sign_in
from .sign_ins import DeviceAuthorization
from .state import State

# "the interval MUST be increased by 5 seconds for this and all subsequent requests" (RFC 8628, 3.5).
SLOWER_SECONDS = 5
_ANCHOR = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_DEVICE_CODE = re.compile(r"dvc_[0-9a-f]{64}")


def authorize(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Start a device authorization session."""
    anchor = body.get("applicationAnchor")
    if set(body) != {"applicationAnchor"} or not isinstance(anchor, str):
        raise Refusal(400, "InvalidBody")
    if not 3 <= len(anchor) <= 64 or not _ANCHOR.fullmatch(anchor):
        raise Refusal(400, "InvalidBody")
    # "fails closed before application, rule, session, reservation, or audit work"
    budget(state, state.device_admission)
    application(state, anchor)
    if not state.config.application.device_code:
        raise Refusal(403, "Layer3Denied")
    device = state.sign_ins.authorize(state.config)
    return {
        "applicationAnchor": anchor,
        "deviceCode": device.device_code,
        "userCode": device.user_code,
        "verificationUri": f"{state.via_url}/device",
        "verificationUriComplete": f"{state.via_url}/device?user-code={device.user_code}",
        "expiresIn": state.config.device.lifetime_seconds,
        "interval": device.interval,
    }


def token(state: State, body: dict[str, Any]) -> dict[str, Any]:
    """Tokens for an approved device code, once; before that what RFC 8628 has a client wait for."""
    code = body.get("deviceCode")
    if set(body) != {"deviceCode"} or not isinstance(code, str) or not _DEVICE_CODE.fullmatch(code):
        raise DeviceTokenRefusal("invalid_request")
    device = state.sign_ins.device(code)
    if device is None or device.standing == "spent":
        raise DeviceTokenRefusal("invalid_request")
    follow_sign_in(state, device)
    if device.standing in ("declined", "failed"):
        raise DeviceTokenRefusal("access_denied")
    if state.sign_ins.expired(device):
        raise DeviceTokenRefusal("expired_token")
    if device.standing == "pending":
        raise _pending(state, device)
    try:
        player = _player(state, device)
    except Refusal:
        # "policy no longer allows token issuance …; intentionally does not expose a Sudomimus wire reason"
        device.standing = "failed"
        raise DeviceTokenRefusal("access_denied") from None
    if state.config.device.issuance_fails:
        device.standing = "failed"
        raise DeviceTokenRefusal("server_error", status=500)
    device.standing = "spent"
    return tokens_body(state, player, state.sessions.open(player, state.config, state.via_url))


def _pending(state: State, device: DeviceAuthorization) -> DeviceTokenRefusal:
    now, before = state.clock.now(), device.polled_at
    device.polled_at = now
    if state.config.device.slow_down and before is not None and now - before < device.interval:
        device.interval += SLOWER_SECONDS
        return DeviceTokenRefusal("slow_down", interval=device.interval)
    return DeviceTokenRefusal("authorization_pending")


def _player(state: State, device: DeviceAuthorization) -> Player:
    application(state, device.anchor)
    player = state.players.get(device.steam_id) if device.steam_id is not None else None
    if player is None:
        raise Refusal(400, "AccountNotFound")
    if not layer_2(state, player):
        raise Refusal(403, "Layer2Denied")
    if not state.config.application.device_code:
        raise Refusal(403, "Layer3Denied")
    account(player)
    email_domain(player)
    binding(state, player, device.subject)
    reason, _ = claims.gate(player, state.config, state.via_url)
    if reason:
        raise Refusal(403, reason)
    return player
