"""`Answer`: the outcome of one request to the service. It is a plain value and never an exception.

Every reply of the service, and every failure to get one, becomes an `Answer`; `rules` decides what a login does next.

A refresh token is single-use: a second use after a short grace time ends the session (docs/contracts/service.md). So each
answer of `POST /refresh` has a `Fate`, which says whether the token may be sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Any, Generic, TypeVar, cast

from .._values.errors import BridgeError
from .._values.events import Claims, DeviceHandoff, ErrandHandoff, LoginResult
from .._values.secret import Secret

Unsent = Callable[[], AbstractAsyncContextManager[object]]
"""Makes a context manager. The flow enters it while it waits before another attempt, if the token is certainly unused."""


class Fate(Enum):
    """The state of a refresh token after a request with it."""

    RENEWED = auto()
    """Used: the answer brought a new pair."""
    UNUSED = auto()
    """Certainly unused: the request was never sent, or the service refused it before it did any work."""
    CLAIMS = auto()
    """Unused: a claim has become required, and the player has to decide first."""
    UNKNOWN = auto()
    """Perhaps used: two answers were lost, or one was lost too long ago for a second attempt."""
    DEAD = auto()
    """The token was revoked or has expired, or its session has ended."""

    @property
    def may_be_sent_again(self) -> bool:
        """Whether a second use of the token is safe."""
        return self in (Fate.UNUSED, Fate.CLAIMS)


@dataclass(frozen=True)
class Refreshed:
    """The outcome of a renewal: a new pair if the fate is `RENEWED`, else usually the error to raise."""

    fate: Fate
    result: LoginResult | None = None
    error: BridgeError | None = None

    @property
    def uncertain(self) -> bool:
        """Whether the error alone would mislead the caller into sending the token again."""
        retryable = self.error is not None and self.error.retryable
        return self.result is None and not self.fate.may_be_sent_again and (self.fate is Fate.UNKNOWN or retryable)


T = TypeVar("T")


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
    """The outcome of one request. Either the service answered (`status`), or `trouble` says why it did not."""

    status: int | None = None
    reason: str | None = None
    """The error's `reason`, or its `error` if the Device API answers in OAuth's words."""
    trouble: Trouble | None = None
    detail: str | None = None
    unsent: bool = False
    """Whether the request certainly never left this computer."""
    retry_after: float | None = None
    """Seconds, from the header Retry-After (RFC 9110, 10.2.3) or from the `interval` of a `slow_down` (RFC 8628, 3.5)."""
    skew: float | None = None
    """How many seconds the service's clock is ahead of this computer's."""
    errand: ErrandHandoff | None = field(default=None, repr=False)
    claims: Claims = field(default_factory=dict)
    value: T = field(default=cast(Any, None), repr=False)
    """The result of the call. Read it only if the answer's rule says DONE: otherwise it is None."""
