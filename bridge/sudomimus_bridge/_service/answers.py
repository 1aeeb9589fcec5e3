"""`Answer`: what came of one request to the service. It is a plain value and never an exception.

Whatever the service sends, or fails to send, becomes an `Answer`; `rules` says what a login does about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from .._values.events import Claims, DeviceHandoff, ErrandHandoff
from .._values.secret import Secret

T = TypeVar("T")


class Operation(StrEnum):
    """The calls whose answers have rules. Values are the paths of the service's OpenAPI documents."""

    STEAM_TICKET = "/direct-issue/steam-ticket"
    ACCESS_KEY = "/direct-issue/access-key"
    CREATE_ERRAND = "/errand"
    ESTABLISH = "/establish"
    STATUS_POLL = "/status-poll"
    REDEEM = "/redeem"
    DEVICE_AUTHORIZE = "/device-authorize"
    DEVICE_TOKEN = "/device-token"  # noqa: S105 - a path
    REFRESH = "/refresh"
    LOGOUT = "/logout"


class Trouble(StrEnum):
    """Why the service gave no answer."""

    NETWORK = "network"
    """The service was not reached, or the connection broke."""
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    """The other side could not prove that it is the service."""
    UNREADABLE = "unreadable"
    """Something answered, but not as the contract promises. `Answer.detail` says what is wrong."""


class ErrandStatus(StrEnum):
    """The status of an errand. A status that this version does not know counts as PENDING."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class Inquiry:
    """A sign-in through the browser that the bridge or the game's backend has established."""

    exposure_key: Secret
    hidden_key: Secret


@dataclass(frozen=True)
class DeviceGrant:
    """A device authorization that has begun (RFC 8628)."""

    device_code: Secret
    interval: float
    handoff: DeviceHandoff


@dataclass(frozen=True)
class Answer(Generic[T]):
    """What came of one request. Either the service answered (`status`), or `trouble` says why it did not."""

    status: int | None = None
    reason: str | None = None
    """The error's `reason`, or its `error` if the Device API answers in OAuth's words."""
    trouble: Trouble | None = None
    detail: str | None = None
    unsent: bool = False
    """The request certainly never left this computer."""
    retry_after: float | None = None
    """Seconds, from the header Retry-After (RFC 9110, 10.2.3) or from the `interval` of a `slow_down` (RFC 8628, 3.5)."""
    skew: float | None = None
    """How many seconds the service's clock is ahead of this computer's."""
    errand: ErrandHandoff | None = field(default=None, repr=False)
    claims: Claims = field(default_factory=dict)
    value: T = field(default=cast(Any, None), repr=False)
    """The value that the call is for. Read it only if the answer's rule says DONE: otherwise it is None."""
