"""The sign-ins that wait for a player in the browser: inquiries and device authorizations, with their states.

This file stores and finds them. `_rules.approval` decides whether a player may approve one.
"""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from ..._service.establish_request import EstablishRequest
from .._clock import Clock
from .._config.config import EmulatorConfig
from .sessions import Pair

# pending → approved → spent; pending → declined; approved → failed. The clock decides whether one has expired.
Standing = Literal["pending", "approved", "declined", "spent", "failed"]

# Digits and letters without I, L, O and U.
USER_CODE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@dataclass
class SignIn:
    """The common part of the two kinds."""

    anchor: str
    created_at: float
    expires_at: float
    standing: Standing = "pending"
    # The player who approved, and the sector subject that was authorized then.
    steam_id: int | None = None
    subject: str | None = field(default=None, repr=False)


@dataclass
class Inquiry(SignIn):
    """One inquiry of Connect."""

    exposure_key: str = field(default="", repr=False)
    hidden_key: str = field(default="", repr=False)
    confirmation_key: str | None = field(default=None, repr=False)
    body: EstablishRequest | None = field(default=None, repr=False)
    polls_left: int = 0
    access_token_ttl_seconds: int | None = None
    refresh_token_ttl_seconds: int | None = None
    # The tokens that a REVEAL shows on the page.
    revealed: Pair | None = field(default=None, repr=False)


@dataclass
class DeviceAuthorization(SignIn):
    """One device authorization session."""

    device_code: str = field(default="", repr=False)
    user_code: str = field(default="", repr=False)
    interval: int = 5
    polled_at: float | None = None


class SignInStore:
    """All inquiries and device authorizations."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._inquiries: dict[str, Inquiry] = {}
        self._devices: dict[str, DeviceAuthorization] = {}

    def establish(self, body: EstablishRequest, config: EmulatorConfig) -> Inquiry:
        """A new inquiry with a key pair of its own."""
        now = self._clock.now()
        inquiry = Inquiry(
            body.applicationAnchor,
            now,
            now + config.connect.inquiry_lifetime_seconds,
            exposure_key=f"exp_{uuid.uuid4()}",
            hidden_key=f"hid_{secrets.token_hex(32)}",
            body=body,
            polls_left=config.connect.polling_attempts,
        )
        self._inquiries[inquiry.exposure_key] = inquiry
        return inquiry

    def authorize(self, config: EmulatorConfig) -> DeviceAuthorization:
        """A new device authorization. No two live ones have the same user code."""
        now = self._clock.now()
        taken = {device.user_code for device in self._devices.values() if device.expires_at > now}
        while (code := _user_code()) in taken:
            pass
        device = DeviceAuthorization(
            config.application.anchor,
            now,
            now + config.device.lifetime_seconds,
            device_code=f"dvc_{secrets.token_hex(32)}",
            user_code=code,
            interval=config.device.interval,
        )
        self._devices[device.device_code] = device
        return device

    def inquiry(self, exposure_key: str, hidden_key: str) -> Inquiry | None:
        """The inquiry of an exposure key and a hidden key, which the client has."""
        inquiry = self._inquiries.get(exposure_key)
        if inquiry is None or not hmac.compare_digest(inquiry.hidden_key.encode(), hidden_key.encode()):
            return None
        return inquiry

    def exposed(self, exposure_key: str) -> Inquiry | None:
        """The inquiry of an exposure key, which the browser has."""
        return self._inquiries.get(exposure_key)

    def device(self, device_code: str) -> DeviceAuthorization | None:
        """The authorization of a device code, which the client has."""
        return self._devices.get(device_code)

    def by_user_code(self, user_code: str) -> DeviceAuthorization | None:
        """The youngest authorization with a user code, which the player has."""
        return next((d for d in reversed(self._devices.values()) if d.user_code == user_code), None)

    def expired(self, sign_in: SignIn) -> bool:
        """Whether its lifetime is over, or its polls are used up."""
        polls_left = sign_in.polls_left if isinstance(sign_in, Inquiry) else 1
        return sign_in.expires_at <= self._clock.now() or (sign_in.standing == "pending" and polls_left <= 0)

    def count(self) -> dict[str, dict[str, int]]:
        """The number of sign-ins in each state, for the control API, without keys."""
        return {"inquiries": self._tally(self._inquiries.values()), "devices": self._tally(self._devices.values())}

    def _tally(self, sign_ins: Iterable[SignIn]) -> dict[str, int]:
        counts = dict.fromkeys(("pending", "approved", "declined", "spent", "failed", "expired"), 0)
        for sign_in in sign_ins:
            over = sign_in.standing in ("pending", "approved") and self.expired(sign_in)
            counts["expired" if over else sign_in.standing] += 1
        return counts


def normal_user_code(typed: str) -> str:
    """The code that a player meant: case, dashes and spaces are ignored, and O, I, L are read as 0, 1, 1 (Crockford)."""
    kept = "".join(sign for sign in typed.upper().translate(str.maketrans("OIL", "011")) if sign in USER_CODE_ALPHABET)
    return f"{kept[:4]}-{kept[4:]}"


def _user_code() -> str:
    signs = "".join(secrets.choice(USER_CODE_ALPHABET) for _ in range(8))
    return f"{signs[:4]}-{signs[4:]}"
