"""The service port: the calls of the service's four APIs that a flow makes.

`remote.RemoteService` implements it over HTTP. A test runs the same code on `testing._scripted_service.ScriptedTransport`.
Every call is bounded in time and in size. No answer of the service makes a call raise an exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .._values.events import LoginResult
from .._values.secret import Secret
from .answers import Answer, DeviceGrant, ErrandStatus, Inquiry


class Native(Protocol):
    """The Native API: direct-issue logins and errands."""

    base_url: str

    async def warm(self) -> None:
        """Open a connection ahead of the next request. Never raises: the next request reports the error."""
        ...

    async def direct_issue_steam_ticket(self, application: str, ticket_hex: Secret, app_id: int) -> Answer[LoginResult]:
        """POST /direct-issue/steam-ticket."""
        ...

    async def direct_issue_access_key(self, application: str, identifier: str, secret: Secret) -> Answer[LoginResult]:
        """POST /direct-issue/access-key."""
        ...

    async def create_errand(self, access_token: Secret) -> Answer[None]:
        """POST /errand. An answer 200 without an `errand` means that nothing is owed."""
        ...

    async def errand_status(self, errand_key: Secret) -> Answer[ErrandStatus]:
        """GET /errand/{errandKey}/status."""
        ...


class Connect(Protocol):
    """The Connect API: signing in through the browser."""

    base_url: str

    async def establish(self, body: Mapping[str, Any], sign: Callable[[bytes], Secret]) -> Answer[Inquiry]:
        """POST /establish. `sign` makes the header Authorization from the exact bytes of the body."""
        ...

    async def status_poll(self, inquiry: Inquiry) -> Answer[Secret]:
        """POST /status-poll: the confirmation key. An answer 200 without one means that the player is not done."""
        ...

    async def redeem(self, inquiry: Inquiry, confirmation_key: Secret, application: str) -> Answer[LoginResult]:
        """POST /redeem."""
        ...


class Device(Protocol):
    """The Device API: signing in with a code."""

    base_url: str

    async def device_authorize(self, application: str) -> Answer[DeviceGrant]:
        """POST /device-authorize."""
        ...

    async def device_token(self, device_code: Secret, application: str) -> Answer[LoginResult]:
        """POST /device-token."""
        ...


class Session(Protocol):
    """The Session API: renewing and ending a session that a login began, and the player's profile."""

    base_url: str

    async def refresh(self, refresh_token: Secret, application: str) -> Answer[LoginResult]:
        """POST /refresh."""
        ...

    async def logout(self, refresh_token: Secret) -> Answer[bool]:
        """POST /logout: whether the service ended a session."""
        ...

    async def userinfo(self, access_token: Secret) -> Mapping[str, Any] | None:
        """GET /userinfo: the player's profile; None if there is no usable answer, for whatever reason."""
        ...


class Service(Protocol):
    """All four APIs. A connection is made when a call needs one."""

    @property
    def native(self) -> Native:
        """Direct-issue logins and errands."""
        ...

    @property
    def connect(self) -> Connect:
        """Signing in through the browser."""
        ...

    @property
    def device(self) -> Device:
        """Signing in with a code."""
        ...

    @property
    def session(self) -> Session:
        """Renewing and ending a session."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...
