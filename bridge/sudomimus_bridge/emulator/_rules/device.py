"""The rules of the Device API: `/device-authorize` and `/device-token`, as in RFC 8628.

docs/contracts/service.md, "Device API".
"""

from __future__ import annotations

from typing import Any

from .._config.config import Player
from .._contract.requests import DeviceAuthorizeRequest, DeviceTokenRequest
from .._memory.sign_ins import DeviceAuthorization
from .._memory.state import State
from .._players import claims
from .approval import follow_sign_in
from .issuance import (
    DeviceTokenRefusal,
    Refusal,
    account,
    application,
    binding,
    budget,
    email_domain,
    layer_2,
    tokens_body,
)

# Each slow_down makes the interval 5 seconds longer (RFC 8628, 3.5).
SLOWER_SECONDS = 5


def authorize(state: State, body: DeviceAuthorizeRequest) -> dict[str, Any]:
    """Start a device authorization session."""
    # The budget is checked first, so that a blocked request causes no work.
    budget(state, state.device_admission)
    application(state, body.applicationAnchor)
    if not state.config.application.device_code:
        raise Refusal(403, "Layer3Denied")
    device = state.sign_ins.authorize(state.config)
    return {
        "applicationAnchor": body.applicationAnchor,
        "deviceCode": device.device_code,
        "userCode": device.user_code,
        "verificationUri": f"{state.via_url}/device",
        "verificationUriComplete": f"{state.via_url}/device?user-code={device.user_code}",
        "expiresIn": state.config.device.lifetime_seconds,
        "interval": device.interval,
    }


def token(state: State, body: DeviceTokenRequest) -> dict[str, Any]:
    """Exchange an approved device code for tokens, once. Before the approval, RFC 8628's reasons to wait."""
    device = state.sign_ins.device(body.deviceCode)
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
        # The answer has OAuth's error, not the service's own reason.
        device.standing = "failed"
        raise DeviceTokenRefusal("access_denied") from None
    if state.config.device.issuance_fails:
        device.standing = "failed"
        raise DeviceTokenRefusal("server_error", status=500)
    device.standing = "spent"
    return tokens_body(state, player, state.sessions.open(player))


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
