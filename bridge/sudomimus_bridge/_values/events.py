"""What a login says while it runs, and what it ends with: plain values that every door passes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from .secret import Secret
from .uptime import Uptime


class Claim(TypedDict, total=False):
    """One claim, as the service sent it. The service may leave a member out, and may add members and values."""

    requirement: str
    """What the game asks for: "OFF", "OPTIONAL", "REQUIRED", "SYNTHETIC_ONLY" or "SYNTHETIC_FALLBACK"."""
    state: str
    """What the player decided: "UNKNOWN" (not asked yet), "GRANTED" or "DENIED"."""


Claims = Mapping[str, Claim]
"""The service's `claims` block as it was sent, by claim name: `email`, `firstName`, …"""


class Phase(StrEnum):
    """Where a login is. The names are INTERFACES' and the sidecar's."""

    REQUESTING_TICKET = "requesting-ticket"
    ISSUING = "issuing"
    RETRYING = "retrying"
    ERRAND_REQUIRED = "errand-required"
    WAITING_FOR_BROWSER = "waiting-for-browser"
    ERRAND_COMPLETED = "errand-completed"
    SUCCEEDED = "succeeded"


ERRAND_SECONDS = 30 * 60.0
"""An errand lives 30 minutes (native.yaml, `ErrandHandoff`), counted on a monotonic clock from when it was seen here."""


@dataclass(frozen=True)
class ErrandHandoff:
    """The side-trip in the player's browser: an errand (native.yaml, `ErrandHandoff`), or the page of `login browser`.

    Key and URL are bearer secrets.
    """

    errand_key: Secret
    """The errand's key, or the inquiry's exposure key."""
    page: Secret
    expires_at: str | None
    """When the service says that it ends (RFC 3339). For display only: the player's own clock may be wrong."""
    lifetime: float | None = ERRAND_SECONDS
    """Seconds that the page lives, from when it is first told of; None where the service does not say."""

    @property
    def url(self) -> str:
        """The page to open in the system browser; a secret, so show it to this player and nobody else."""
        return self.page.reveal()


@dataclass(frozen=True)
class DeviceHandoff:
    """What the player needs to confirm a code (device.yaml, `DeviceAuthorizeResponse`): show all of it, to nobody else."""

    user_code: str = field(repr=False)
    page: Secret
    page_complete: Secret | None
    lifetime: float
    """Seconds that the code lives, from when it is first told of."""

    @property
    def verification_uri(self) -> str:
        """The page where the player types the code."""
        return self.page.reveal()

    @property
    def verification_uri_complete(self) -> str | None:
        """The same page with the code in it, for a link or a QR code; None where the service gave none."""
        return None if self.page_complete is None else self.page_complete.reveal()


@dataclass(frozen=True)
class ProgressEvent:
    """One step of a login. Fields that a phase does not have are None."""

    phase: Phase
    errand: ErrandHandoff | None = None
    device: DeviceHandoff | None = None
    claims: Claims | None = None
    attempt: int | None = None
    """The number of the request to the service, from 1: at most 8, unless the login is patient."""
    retry_in_seconds: float | None = None
    attempts_left: int | None = None
    """With `retrying`: how many attempts may follow; None if the login is patient."""
    others_waiting: bool | None = None
    """With `retrying`: True if the service says that too many players are signing in at once."""
    browser_opened: bool | None = None
    """With `waiting-for-browser`: False where the page must be shown to the player, not having been opened."""
    asked: Uptime | None = None
    """With `succeeded`: the moment before the request that brought the tokens, where `issuing` was not that moment."""

    @property
    def sentence(self) -> str | None:
        """With `retrying`, for the player: whether others are waiting too, and how long it is until the next attempt."""
        if self.retry_in_seconds is None:
            return None
        why = (
            "Many players are signing in right now, and you are waiting with them."
            if self.others_waiting
            else "Signing in is not possible at the moment."
        )
        return f"{why} The next try is {in_words(self.retry_in_seconds)}."


def in_words(seconds: float) -> str:
    """When something will be, for a player: "in about 20 seconds", "in about 4 minutes"."""
    if seconds < 2.5:
        return "in a moment"
    if seconds < 57.5:
        return f"in about {5 * max(1, round(seconds / 5))} seconds"
    minutes = round(seconds / 60)
    return "in about a minute" if minutes == 1 else f"in about {minutes} minutes"


OnProgress = Callable[[ProgressEvent], None]


@dataclass(frozen=True)
class LoginResult:
    """The tokens of a signed-in player. Both tokens are opaque: their shape changes."""

    application_anchor: str
    access: Secret = field(repr=False)
    refresh: Secret = field(repr=False)
    claims: Claims

    @property
    def access_token(self) -> str:
        """The access token, for the game's own requests."""
        return self.access.reveal()

    @property
    def refresh_token(self) -> str:
        """The refresh token: single-use, never shared between two programs."""
        return self.refresh.reveal()

    def to_json(self) -> dict[str, Any]:
        """The object that `login --json` and the sidecar give."""
        return {
            "applicationAnchor": self.application_anchor,
            "accessToken": self.access_token,
            "refreshToken": self.refresh_token,
            "claims": dict(self.claims),
        }


@dataclass(frozen=True)
class ErrandResult:
    """How a proactive errand ended: `completed` is False only where nothing was owed."""

    completed: bool
    claims: Claims

    def to_json(self) -> dict[str, Any]:
        """The object that `errand --json` and the sidecar give."""
        return {"completed": self.completed, "claims": dict(self.claims)}
