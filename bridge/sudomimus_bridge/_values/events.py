"""The progress events and results of flows: plain values that every door passes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from .clock import Uptime
from .secret import Secret


class Claim(TypedDict, total=False):
    """One claim, as the service sent it. The service may omit members, and may add members and values."""

    requirement: str
    """The game's policy: "OFF", "OPTIONAL", "REQUIRED", "SYNTHETIC_ONLY" or "SYNTHETIC_FALLBACK"."""
    state: str
    """The player's decision: "UNKNOWN" (not asked yet), "GRANTED" or "DENIED"."""


Claims = Mapping[str, Claim]
"""The service's `claims` block as it was sent. The keys are the claims' names: `email`, `firstName`, …"""


class Phase(StrEnum):
    """The step of a flow. The values are the names that the sidecar sends."""

    REQUESTING_TICKET = "requesting-ticket"
    """The bridge asks Steam for a ticket."""
    ISSUING = "issuing"
    """The bridge asks the service for tokens. `attempt` counts from 1."""
    RETRYING = "retrying"
    """The attempt failed. The next one follows in `retry_in_seconds`; show `sentence`."""
    ERRAND_REQUIRED = "errand-required"
    """The player has to do something in the browser: `errand`, `claims`."""
    WAITING_FOR_BROWSER = "waiting-for-browser"
    """The page is ready: `errand` and `claims`, or `device`. Offer "done" and "never mind"."""
    ERRAND_COMPLETED = "errand-completed"
    """The player has finished the page. The flow goes on by itself."""
    SUCCEEDED = "succeeded"
    """The result follows at once."""


ERRAND_SECONDS = 30 * 60.0
"""The lifetime of an errand (docs/contracts/service.md). The bridge counts it from the answer that brings the errand."""


@dataclass(frozen=True)
class ErrandHandoff:
    """The page that the player has to visit: an errand's, or the page of a login through the browser.

    Its key and its URL are bearer secrets: anyone who reads one can use it.
    """

    errand_key: Secret
    """The errand's key, or the inquiry's exposure key."""
    page: Secret
    """The page's address, masked; `url` is its text."""
    expires_at: str | None
    """When the page expires, by the service's clock (RFC 3339). For display only: the player's own clock may be wrong."""
    lifetime: float | None = ERRAND_SECONDS
    """The page's lifetime in seconds, from the first event with this page; None if the service does not state it."""

    @property
    def url(self) -> str:
        """The page to open in the system browser. It is a secret: show it to this player alone."""
        return self.page.reveal()


@dataclass(frozen=True)
class DeviceHandoff:
    """The code that the player confirms, and its pages. Show all of it to this player alone."""

    user_code: str = field(repr=False)
    """The code, such as `WDJB-MJHT`, to be shown in large letters."""
    page: Secret
    """The page's address, masked; `verification_uri` is its text."""
    page_complete: Secret | None
    """The address with the code in it, masked; `verification_uri_complete` is its text."""
    lifetime: float
    """The code's lifetime in seconds, from the first event with this code."""

    @property
    def verification_uri(self) -> str:
        """The page where the player types the code."""
        return self.page.reveal()

    @property
    def verification_uri_complete(self) -> str | None:
        """The same page with the code in it, for a link or a QR code; None if the service did not send one."""
        return None if self.page_complete is None else self.page_complete.reveal()


@dataclass(frozen=True)
class ProgressEvent:
    """One step of a flow. A field that does not belong to the phase is None."""

    phase: Phase
    """The step that begins now."""
    errand: ErrandHandoff | None = None
    """With `errand-required` and `waiting-for-browser`: the page."""
    device: DeviceHandoff | None = None
    """With `waiting-for-browser`, in a login with a code: the code and its page."""
    claims: Claims | None = None
    """The service's `claims` block, with the game's requirements and the player's decisions; None if it sent none."""
    attempt: int | None = None
    """The number of the request to the service, from 1: at most 8, unless the login is patient."""
    retry_in_seconds: float | None = None
    """With `retrying`: the time until the next attempt, in seconds."""
    attempts_left: int | None = None
    """With `retrying`: how many attempts may follow; None if the login is patient."""
    others_waiting: bool | None = None
    """With `retrying`: True if the service says that too many players are signing in at once."""
    browser_opened: bool | None = None
    """With `waiting-for-browser`: False if the page was not opened, so that the game must show its address."""
    asked: Uptime | None = None
    """With `succeeded`: the moment before the request that brought the tokens. None: the moment of the last `issuing`."""

    @property
    def sentence(self) -> str | None:
        """With `retrying`, for the player: whether other players wait too, and the time until the next attempt. Else None."""
        if self.retry_in_seconds is None:
            return None
        why = (
            "Many players are signing in right now, and you are waiting with them."
            if self.others_waiting
            else "Signing in is not possible at the moment."
        )
        return f"{why} The next try is {in_words(self.retry_in_seconds)}."


def in_words(seconds: float) -> str:
    """The time until something happens, in words for the player: "in about 20 seconds", "in about 4 minutes"."""
    if seconds < 2.5:
        return "in a moment"
    if seconds < 57.5:
        return f"in about {5 * max(1, round(seconds / 5))} seconds"
    minutes = round(seconds / 60)
    return "in about a minute" if minutes == 1 else f"in about {minutes} minutes"


OnProgress = Callable[[ProgressEvent], None]
"""The type of `on_progress`: a function that takes each event of a flow."""


@dataclass(frozen=True)
class LoginResult:
    """The tokens of a signed-in player. Both tokens are opaque: the service may change their format."""

    application_anchor: str
    """The application that issued the tokens."""
    access: Secret = field(repr=False)
    """The access token, masked; `access_token` is its text."""
    refresh: Secret = field(repr=False)
    """The refresh token, masked; `refresh_token` is its text."""
    claims: Claims
    """For each claim, the game's requirement and the player's decision."""

    @property
    def access_token(self) -> str:
        """The access token, for the game's own requests."""
        return self.access.reveal()

    @property
    def refresh_token(self) -> str:
        """The refresh token. It can be used once, so two programs must not share it."""
        return self.refresh.reveal()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `login --json` and the sidecar send. It holds the text of both tokens.

        Returns:
            A mapping that `json.dumps` takes.
        """
        return {
            "applicationAnchor": self.application_anchor,
            "accessToken": self.access_token,
            "refreshToken": self.refresh_token,
            "claims": dict(self.claims),
        }


@dataclass(frozen=True)
class ErrandResult:
    """The result of a proactive errand."""

    completed: bool
    """True if the player has finished a page. False only if there was nothing left to decide."""
    claims: Claims
    """For each claim, the game's requirement and the player's decision, as they are after the page."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `errand --json` and the sidecar send.

        Returns:
            A mapping that `json.dumps` takes.
        """
        return {"completed": self.completed, "claims": dict(self.claims)}
