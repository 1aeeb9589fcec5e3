"""Every flow behind every door: takes settings, brings the real ports, runs a login. Async, on asyncio and trio.

What is heavy (httpx, certificates) is imported and built here when a login starts, off the event loop's thread; importing
this module costs next to nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING

from anyio import CancelScope, to_thread

from ..browser.port import Browser
from ..browser.system import SystemBrowser
from ..clock import Clock, SystemClock
from ..events import ErrandResult, LoginResult, OnProgress
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
    from ..service.port import Service
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
            self._steam = FlatApiSteam(settings.steam_library, settings.require_steam_app_id, self.clock)
        return self._steam

    async def aclose(self) -> None:
        """Let go of Steam. The engine may be used again."""
        if self._steam is not None:
            with CancelScope(shield=True):
                await self._steam.aclose()

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
    exchange, connections = await open_exchange(settings.native_url, clock)
    from ..service.native import NativeService

    service = NativeService(exchange, connections)
    try:
        yield service
    finally:
        with CancelScope(shield=True):
            await service.aclose()


async def open_exchange(base_url: str, clock: Clock) -> tuple[Exchange, Connections]:
    """What talks to one API of the service, and its connections, which the caller closes."""

    def build() -> tuple[Exchange, Connections]:
        from ..service.certificates import tls_context
        from ..service.exchange import Exchange
        from ..service.transport import Connections

        connections = Connections(base_url, tls_context())
        return Exchange(base_url, connections, clock), connections

    return await to_thread.run_sync(build, abandon_on_cancel=True)
