"""The four ways to sign in: each is a class, and a row of the table `METHODS`. Every door looks a method up there.

A method knows its name, its credentials, and how it presents itself to the service. CONTRIBUTING.md lists the steps
to add one. Importing this module loads nothing heavy, because the thread that draws a game's frames creates methods.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from .._service.operations import Operation
from .._values.errors import ConfigurationError, ErrandNotCompleted
from .._values.secret import Secret, sealed
from .credentials import as_secret, checked_access_key, checked_inquiry, from_environment, read_secret_file

if TYPE_CHECKING:
    from .._service.answers import Answer, DeviceGrant, Inquiry
    from .._service.client_auth import ClientKey
    from .._service.constraints import Constraints
    from .._settings import Settings
    from .._values.events import LoginResult
    from .attempts import Attempts


class Method(ABC):
    """One way to sign in, with the credentials for one login. A credential that is not given comes from the environment."""

    name: ClassVar[str]
    operation: ClassVar[Operation]
    """The call whose answer brings the tokens."""
    credentials: ClassVar[frozenset[str]] = frozenset()
    """The keywords of the constructor that a program may give."""
    silent: ClassVar[bool] = False
    """Whether it signs in without the player, any number of times. Such a method also renews sessions."""

    def __init__(self, *, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    def check(self, settings: Settings) -> None:
        """Raise `ConfigurationError` if a setting or a credential is missing or malformed. Called before any request."""
        settings.require_application()

    async def prepare(self, attempts: Attempts) -> None:  # noqa: B027 - most methods have nothing to prepare
        """Do the steps before the first request for tokens."""

    @abstractmethod
    async def present(self, attempts: Attempts) -> Answer[LoginResult]:
        """Ask the service for tokens, once."""


class Steam(Method):
    """A Steam ticket, a new one for each attempt."""

    name = "steam"
    operation = Operation.STEAM_TICKET
    silent = True

    async def present(self, attempts: Attempts) -> Answer[LoginResult]:
        """Ask Steam for a ticket, send it, and cancel it, whatever happens. Meanwhile the connection opens."""
        from .._runs.finishing import alongside
        from .._values.events import Phase
        from ..steam._results import other_app
        from ..steam._ticket import web_api_ticket

        ports, native, settings = attempts.ports, attempts.service.native, attempts.settings
        attempts.begin(Phase.REQUESTING_TICKET)
        attempts.waiting_for = "steam"
        async with alongside(native.warm):
            app_id = await ports.steam.open()
            if settings.steam_app_id not in (None, app_id):
                raise other_app(app_id, settings.steam_app_id)
            async with web_api_ticket(ports.steam, ports.clock) as ticket_hex:
                attempts.waiting_for = "service"
                attempts.tell(Phase.ISSUING, attempt=attempts.number)
                return await native.direct_issue_steam_ticket(settings.require_application(), ticket_hex, app_id)


class AccessKey(Method):
    """An access key. The service accepts it any number of times."""

    name = "access-key"
    operation = Operation.ACCESS_KEY
    credentials = frozenset({"access_key_id", "access_key_secret"})
    silent = True

    def __init__(
        self,
        *,
        access_key_id: str | None = None,
        access_key_secret: str | Secret | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(environ=environ)
        self._identifier = access_key_id
        self._secret = as_secret(access_key_secret)

    @property
    def at_hand(self) -> bool:
        """Whether both halves of the key are known."""
        return bool(self._halves()[0] and self._halves()[1])

    def check(self, settings: Settings) -> None:
        """Also check the form of both halves. The error names the wrong half and repeats neither."""
        super().check(settings)
        checked_access_key(*self._halves())

    async def present(self, attempts: Attempts) -> Answer[LoginResult]:
        """Send the key."""
        identifier, secret = checked_access_key(*self._halves())
        attempts.begin()
        application = attempts.settings.require_application()
        return await attempts.service.native.direct_issue_access_key(application, identifier, secret)

    def _halves(self) -> tuple[str | None, Secret | None]:
        identifier = self._identifier or self._environ.get("SUDOMIMUS_ACCESS_KEY_ID") or None
        return identifier, self._secret or from_environment(self._environ, "SUDOMIMUS_ACCESS_KEY_SECRET")


class Browser(Method):
    """A page in the browser. The game's backend has established its inquiry, or a developer's client key establishes one.

    If the environment has both, the inquiry wins over the client key: it was established for this one login.
    """

    name = "browser"
    operation = Operation.REDEEM
    credentials = frozenset({"client_key", "client_key_file", "exposure_key", "hidden_key", "constraints"})

    def __init__(
        self,
        *,
        client_key: str | Secret | None = None,
        client_key_file: str | os.PathLike[str] | None = None,
        exposure_key: str | Secret | None = None,
        hidden_key: str | Secret | None = None,
        constraints: Constraints | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__(environ=environ)
        self._client_key = as_secret(client_key)
        self._client_key_file = client_key_file
        self._keys = (as_secret(exposure_key), as_secret(hidden_key))
        self._by_key = client_key is not None or client_key_file is not None
        self._by_inquiry = exposure_key is not None or hidden_key is not None
        self._constraints = constraints
        self._skew = 0.0
        self._confirmed: tuple[Inquiry, Secret]

    @property
    def inquiry(self) -> Inquiry | None:
        """The inquiry that was given, else the environment's; None if a client key is used. Raises `ConfigurationError`."""
        if self._by_key and self._by_inquiry:
            raise ConfigurationError(
                detail="Give either a client key, or an exposure key and a hidden key, but not both."
            )
        exposure_key = self._keys[0] or from_environment(self._environ, "SUDOMIMUS_EXPOSURE_KEY")
        hidden_key = self._keys[1] or from_environment(self._environ, "SUDOMIMUS_HIDDEN_KEY")
        if self._by_key or not (self._by_inquiry or exposure_key or hidden_key):
            return None
        if self._constraints is not None:
            raise ConfigurationError(
                detail="An inquiry that is established already cannot be constrained. Give the constraints to the backend "
                "that establishes it, or use a client key here."
            )
        return checked_inquiry(exposure_key, hidden_key)

    def check(self, settings: Settings) -> None:
        """Also check the inquiry or the client key. Only a client key needs the application."""
        if self.inquiry is None:
            self._pem()
            super().check(settings)

    async def prepare(self, attempts: Attempts) -> None:
        """Establish an inquiry, unless there is one, and wait until the player has signed in on its page."""
        from .._values.events import ErrandHandoff, Phase

        attempts.require_page()
        inquiry, settings, connect = self.inquiry, attempts.settings, attempts.service.connect
        if inquiry is None:
            inquiry = await self._established(attempts)
        url = _inquiry_page(settings.via_url, inquiry)
        page = attempts.ports.gate.admit(url, service_url=connect.base_url)
        handoff = ErrandHandoff(inquiry.exposure_key, page, expires_at=None, lifetime=None)
        opened = await attempts.ports.show(page)
        attempts.tell(Phase.WAITING_FOR_BROWSER, errand=handoff, browser_opened=opened)
        polled = await attempts.poll(Operation.STATUS_POLL, partial(connect.status_poll, inquiry))
        attempts.tell(Phase.ERRAND_COMPLETED)
        self._confirmed = inquiry, polled.value

    async def present(self, attempts: Attempts) -> Answer[LoginResult]:
        """Redeem the inquiry."""
        attempts.begin()
        return await attempts.service.connect.redeem(*self._confirmed, attempts.settings.application or "")

    async def _established(self, attempts: Attempts) -> Inquiry:
        from .._runs.threads import in_thread

        key, constraints = await in_thread(_client_key, self._pem(), self._constraints)
        application = attempts.settings.require_application()
        body = {"applicationAnchor": application, **constraints.to_json()}
        request = partial(self._establish, attempts, key, application, body)
        return (await attempts.ask(Operation.ESTABLISH, request)).value

    async def _establish(
        self, attempts: Attempts, key: ClientKey, application: str, body: Mapping[str, Any]
    ) -> Answer[Inquiry]:
        # Use the service's clock as soon as its skew is known: the service refuses a JWT that is ahead or has expired.
        sign = partial(key.authorization, application=application, now=attempts.clock.wall() + self._skew)
        answer = await attempts.service.connect.establish(body, sign)
        self._skew = self._skew if answer.skew is None else answer.skew
        return answer

    @sealed
    def _pem(self) -> Secret:
        pem = self._client_key
        if pem is None and self._client_key_file is not None:
            pem = read_secret_file(self._client_key_file, "--client-key-file", "the client key")
        pem = pem or from_environment(self._environ, "SUDOMIMUS_CLIENT_KEY")
        if pem is None:
            raise ConfigurationError(
                detail="A login through the browser needs an inquiry or a client key: set SUDOMIMUS_EXPOSURE_KEY and "
                "SUDOMIMUS_HIDDEN_KEY to the keys that your backend gets from POST /establish, or, on a developer's machine, "
                "set SUDOMIMUS_CLIENT_KEY, or pass --client-key-file PATH."
            )
        return pem


class Device(Method):
    """A code that the player confirms in any browser, on any device (RFC 8628)."""

    name = "device"
    operation = Operation.DEVICE_TOKEN
    _grant: DeviceGrant

    async def prepare(self, attempts: Attempts) -> None:
        """Get a code, and show it to the player. Both of its pages pass the gate, because both are shown."""
        from .._values.events import Phase

        attempts.require_page()
        device, gate = attempts.service.device, attempts.ports.gate
        authorize = partial(device.device_authorize, attempts.settings.require_application())
        self._grant = (await attempts.ask(Operation.DEVICE_AUTHORIZE, authorize)).value
        handoff = self._grant.handoff
        page = gate.admit(handoff.page, service_url=device.base_url)
        if handoff.page_complete is not None:
            page = gate.admit(handoff.page_complete, service_url=device.base_url)
        opened = await attempts.ports.show(page)
        attempts.tell(Phase.WAITING_FOR_BROWSER, device=handoff, browser_opened=opened)

    async def present(self, attempts: Attempts) -> Answer[LoginResult]:
        """Poll for the tokens until the player has confirmed the code."""
        from .._values.events import Phase

        grant, application = self._grant, attempts.settings.require_application()
        request = partial(attempts.service.device.device_token, grant.device_code, application)
        answer = await attempts.poll(
            Operation.DEVICE_TOKEN, request, interval=grant.interval, lifetime=grant.handoff.lifetime
        )
        if answer is None:
            raise ErrandNotCompleted(
                "The code was not confirmed before it expired. Start the sign-in again for a new one.",
                reason="expired_token",
                detail=f"The code's {grant.handoff.lifetime:g} seconds are over.",
            )
        attempts.tell(Phase.ERRAND_COMPLETED)
        return answer


METHODS: dict[str, type[Method]] = {method.name: method for method in (Steam, AccessKey, Browser, Device)}
"""All methods by name. The types, the command line and the sidecar's messages spell the names again; a test compares them."""


def method_named(name: str) -> type[Method]:
    """The class of the method with this name. Raises `ConfigurationError` if there is none."""
    if name not in METHODS:
        raise ConfigurationError(detail=f"The login method must be one of {', '.join(METHODS)}.")
    return METHODS[name]


def _client_key(pem: Secret, constraints: Constraints | None) -> tuple[ClientKey, Constraints]:
    """Check the key. Call this off the event loop's thread: importing cryptography and checking a large key are slow."""
    from .._service.client_auth import ClientKey
    from .._service.constraints import Constraints

    return ClientKey(pem), constraints or Constraints()


@sealed
def _inquiry_page(via_url: str, inquiry: Inquiry) -> Secret:
    return Secret(f"{via_url}/?exposure-key={quote(inquiry.exposure_key.reveal(), safe='')}")
