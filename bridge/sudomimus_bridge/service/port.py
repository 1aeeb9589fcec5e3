"""The service port: what a login asks of the Native API, and the answers as plain values.

Real: `native.NativeService` over HTTP. For tests: the same on `testing.scripted_service.ScriptedTransport`. An answer is
never an exception: whatever comes back, or does not, is an `Answer`, and `rules` says what to do about it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from ..events import Claims, ErrandHandoff, LoginResult
from ..secret import Secret


class Operation(StrEnum):
    """The calls whose failures have rules. Values are the paths of native.yaml."""

    STEAM_TICKET = "/direct-issue/steam-ticket"
    ACCESS_KEY = "/direct-issue/access-key"
    CREATE_ERRAND = "/errand"


class Trouble(StrEnum):
    """Why there is no answer of the service in an `Answer`."""

    NETWORK = "network"
    """Nothing was reached, or the connection broke."""
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    """The other side could not prove that it is the service."""
    UNREADABLE = "unreadable"
    """Something answered, and not with what native.yaml promises: `detail` names it."""


class ErrandStatus(StrEnum):
    """`ErrandStatusResponse.status`; a value this version does not know counts as PENDING."""

    PENDING = "PENDING"
    COMPLETED = "COMPLETED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True)
class Answer:
    """What became of one request. Either `status` is the service's own word, or `trouble` says why there is none."""

    status: int | None = None
    reason: str | None = None
    trouble: Trouble | None = None
    detail: str | None = None
    retry_after: float | None = None
    """Seconds, from the header Retry-After (RFC 9110, 10.2.3)."""
    result: LoginResult | None = field(default=None, repr=False)
    errand: ErrandHandoff | None = field(default=None, repr=False)
    errand_status: ErrandStatus | None = None
    claims: Claims = field(default_factory=dict)


class Service(Protocol):
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

    async def aclose(self) -> None:
        """Close the connections."""
        ...
