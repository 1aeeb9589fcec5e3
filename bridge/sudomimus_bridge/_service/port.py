"""The service port: what a login asks of the service's four APIs, and the answers as plain values.

Real: `remote.RemoteService` over HTTP. For tests: the same on `testing.scripted_service.ScriptedTransport`. An answer is
never an exception: whatever comes back, or does not, is an `Answer`, and `rules` says what to do about it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from .._values.events import Claims, DeviceHandoff, ErrandHandoff, LoginResult
from .._values.secret import Secret


class Operation(StrEnum):
    """The calls whose failures have rules. Values are their paths in the OpenAPI documents."""

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
    """Why there is no answer of the service in an `Answer`."""

    NETWORK = "network"
    """Nothing was reached, or the connection broke."""
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    """The other side could not prove that it is the service."""
    UNREADABLE = "unreadable"
    """Something answered, and not with what the OpenAPI documents promise: `detail` names it."""


class ErrandStatus(StrEnum):
    """`ErrandStatusResponse.status`; a value this version does not know counts as PENDING."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class Inquiry:
    """A sign-in in the browser that has been established (connect.yaml, `EstablishResponse`), here or by a backend."""

    exposure_key: Secret
    hidden_key: Secret


@dataclass(frozen=True)
class DeviceGrant:
    """A device authorization that has begun (device.yaml, `DeviceAuthorizeResponse`)."""

    device_code: Secret
    interval: float
    handoff: DeviceHandoff


@dataclass(frozen=True)
class Answer:
    """What became of one request. Either `status` is the service's own word, or `trouble` says why there is none."""

    status: int | None = None
    reason: str | None = None
    """`reason` of an error, or `error` where the Device API speaks OAuth's language."""
    trouble: Trouble | None = None
    detail: str | None = None
    unsent: bool = False
    """The request surely never left this machine."""
    retry_after: float | None = None
    """Seconds, from the header Retry-After (RFC 9110, 10.2.3)."""
    skew: float | None = None
    """Seconds that the service's clock is ahead of this machine's."""
    result: LoginResult | None = field(default=None, repr=False)
    errand: ErrandHandoff | None = field(default=None, repr=False)
    errand_status: ErrandStatus | None = None
    inquiry: Inquiry | None = field(default=None, repr=False)
    confirmation_key: Secret | None = field(default=None, repr=False)
    device: DeviceGrant | None = field(default=None, repr=False)
    interval: float | None = None
    """With `slow_down`: seconds between polls from here on."""
    revoked: bool | None = None
    claims: Claims = field(default_factory=dict)


class Native(Protocol):
    """The Native API as far as a login needs it. Every call is bounded in time and size and never raises for an answer."""

    base_url: str

    async def warm(self) -> None:
        """Open a connection ahead of the next request. Never raises: the request will say what is wrong."""
        ...

    async def direct_issue_steam_ticket(self, application: str, ticket_hex: Secret, app_id: int) -> Answer:
        """POST /direct-issue/steam-ticket."""
        ...

    async def direct_issue_access_key(self, application: str, identifier: str, secret: Secret) -> Answer:
        """POST /direct-issue/access-key."""
        ...

    async def create_errand(self, access_token: Secret) -> Answer:
        """POST /errand; 200 with `errand` None means that nothing is owed."""
        ...

    async def errand_status(self, errand_key: Secret) -> Answer:
        """GET /errand/{errandKey}/status."""
        ...


class Connect(Protocol):
    """The Connect API: signing in through the browser."""

    base_url: str

    async def establish(self, body: Mapping[str, Any], sign: Callable[[bytes], Secret]) -> Answer:
        """POST /establish, with what `sign` makes of the exact bytes of the body."""
        ...

    async def status_poll(self, inquiry: Inquiry) -> Answer:
        """POST /status-poll; 200 without `confirmation_key` means that the player is not done."""
        ...

    async def redeem(self, inquiry: Inquiry, confirmation_key: Secret, application: str) -> Answer:
        """POST /redeem."""
        ...


class Device(Protocol):
    """The Device API: signing in with a code."""

    base_url: str

    async def device_authorize(self, application: str) -> Answer:
        """POST /device-authorize."""
        ...

    async def device_token(self, device_code: Secret, application: str) -> Answer:
        """POST /device-token."""
        ...


class Session(Protocol):
    """The Session API: renewing and ending what a login began, and the player's profile."""

    base_url: str

    async def refresh(self, refresh_token: Secret, application: str) -> Answer:
        """POST /refresh."""
        ...

    async def logout(self, refresh_token: Secret) -> Answer:
        """POST /logout."""
        ...

    async def userinfo(self, access_token: Secret) -> Mapping[str, Any] | None:
        """GET /userinfo: the player's profile; None if the service does not give it, whatever the cause."""
        ...


class Service(Protocol):
    """All four. Connections are made when they are needed."""

    @property
    def native(self) -> Native:
        """Direct-issue, and errands."""
        ...

    @property
    def connect(self) -> Connect:
        """Inquiries."""
        ...

    @property
    def device(self) -> Device:
        """Codes."""
        ...

    @property
    def session(self) -> Session:
        """Refresh tokens."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
