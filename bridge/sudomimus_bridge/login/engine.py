"""Every flow behind every door: takes settings, brings the real ports, runs a login. Async, on asyncio and trio.

What is heavy (httpx, certificates) is imported and built here when a login starts, off the event loop's thread; importing
this module costs next to nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import TYPE_CHECKING

from anyio import CancelScope, Lock, to_thread

from ..browser.port import Browser
from ..browser.system import SystemBrowser
from ..clock import Clock, SystemClock
from ..errors import BridgeError
from ..events import ErrandResult, LoginResult, OnProgress
from ..gentle import gently
from ..secret import Secret
from ..settings import Settings
from ..steam.connection import FlatApiSteam
from ..steam.port import Steam
from .direct_issue import DirectIssue, Share
from .ports import Ports
from .progress import DoneSignal
from .proof import Proof, SteamTicketProof, access_key_proof

if TYPE_CHECKING:
    from ..service.exchange import Exchange
    from ..service.port import Answer, Service
    from ..service.transport import Connections

OpenService = Callable[[Settings, Clock], "AbstractAsyncContextManager[Service]"]


class Engine:
    """The flows on one set of settings. Steam stays open between logins, until `aclose`; connections last one login."""

    def __init__(
        self,
        settings: Settings,
        *,
        steam: Steam | None = None,
        browser: Browser | None = None,
        clock: Clock | None = None,
        open_service: OpenService | None = None,
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._steam = steam
        self._browser: Browser = browser or SystemBrowser(self.clock)
        self._open_service: OpenService = open_service or native_service

    async def login_steam(self, on_progress: OnProgress | None = None, done: DoneSignal | None = None) -> LoginResult:
        """Sign in with a Steam ticket. Raises one of the errors of `errors`."""
        self.settings.require_application()
        return await self._direct_issue(SteamTicketProof(self.steam), on_progress, done)

    async def login_access_key(
        self,
        identifier: str | None,
        secret: Secret | None,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
    ) -> LoginResult:
        """Sign in with an access key. Raises one of the errors of `errors`."""
        self.settings.require_application()
        return await self._direct_issue(access_key_proof(identifier, secret), on_progress, done)

    async def share(
        self, access_token: Secret, on_progress: OnProgress | None = None, done: DoneSignal | None = None
    ) -> ErrandResult:
        """The proactive errand, for the player of a valid access token. Raises one of the errors of `errors`."""
        async with self._ports() as ports:
            return await Share(ports, access_token, on_progress, done or DoneSignal()).run()

    @property
    def steam(self) -> Steam:
        """The Steam port: the one given, else the flat API of the library that the settings lead to."""
        if self._steam is None:
            settings = self.settings
            self._steam = FlatApiSteam(
                settings.steam_library, settings.require_steam_app_id, self.clock, hosted=settings.steam_hosted
            )
        return self._steam

    async def aclose(self) -> None:
        """Let go of Steam. The engine may be used again."""
        if self._steam is not None:
            with CancelScope(shield=True):
                await self._steam.aclose()

    def drop(self, seconds: float = 0.0) -> None:
        """As `aclose`, from any thread without an event loop, waiting that many seconds at most."""
        if self._steam is not None:
            self._steam.drop(seconds)

    async def _direct_issue(self, proof: Proof, on_progress: OnProgress | None, done: DoneSignal | None) -> LoginResult:
        async with self._ports() as ports:
            return await DirectIssue(ports, proof, on_progress, done or DoneSignal()).run()

    @asynccontextmanager
    async def _ports(self) -> AsyncIterator[Ports]:
        async with self._open_service(self.settings, self.clock) as service:
            yield Ports(service, self._browser, self.clock, self.settings)


@asynccontextmanager
async def native_service(settings: Settings, clock: Clock) -> AsyncIterator[Service]:
    """The real service port, for as long as the block runs."""
    service = _LateService(settings, clock)
    try:
        yield service
    finally:
        with CancelScope(shield=True):
            await service.aclose()


class _LateService:
    """The real service port, built at its first use: its imports and certificates take as long as a ticket does.

    `warm`, which runs while Steam prepares the ticket, is that first use; so a login pays for the longer of the two.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.base_url = settings.native_url
        self._clock = clock
        self._lock = Lock()
        self._service: Service | None = None

    async def _built(self) -> Service:
        async with self._lock:
            if self._service is None:
                exchange, connections = await open_exchange(self.base_url, self._clock)
                from ..service.native import NativeService

                self._service = NativeService(exchange, connections)
            return self._service

    async def warm(self) -> None:
        with suppress(BridgeError):  # the request that follows will say what is wrong
            await (await self._built()).warm()

    async def direct_issue_steam_ticket(self, application: str, ticket_hex: Secret, app_id: int) -> Answer:
        return await (await self._built()).direct_issue_steam_ticket(application, ticket_hex, app_id)

    async def direct_issue_access_key(self, application: str, identifier: str, secret: Secret) -> Answer:
        return await (await self._built()).direct_issue_access_key(application, identifier, secret)

    async def create_errand(self, access_token: Secret) -> Answer:
        return await (await self._built()).create_errand(access_token)

    async def errand_status(self, errand_key: Secret) -> Answer:
        return await (await self._built()).errand_status(errand_key)

    async def aclose(self) -> None:
        if self._service is not None:
            await self._service.aclose()


async def open_exchange(base_url: str, clock: Clock) -> tuple[Exchange, Connections]:
    """What talks to one API of the service, and its connections, which the caller closes."""

    def build() -> tuple[Exchange, Connections]:
        with gently():  # a game may be drawing frames beside it
            from ..service.certificates import tls_context
            from ..service.exchange import Exchange
            from ..service.transport import Connections

            tls = tls_context(secure=base_url.startswith("https:"))
        connections = Connections(base_url, tls)
        return Exchange(base_url, connections, clock), connections

    return await to_thread.run_sync(build, abandon_on_cancel=True)
