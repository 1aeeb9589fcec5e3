"""Every flow behind every door: takes settings, brings the real ports, runs a login. Async, on asyncio and trio.

What is heavy (httpx, certificates) is imported and built when a login starts, off the event loop's thread, and a way in that
nobody takes is not imported at all; importing this module costs next to nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from anyio import CancelScope

from .._browser.port import Browser
from .._browser.system import SystemBrowser
from .._runs.threads import in_thread
from .._service.port import Service
from .._service.remote import remote_service
from .._session.refresh import Refreshed, Unsent
from .._settings import Settings
from .._values.clock import Clock, SystemClock
from .._values.events import Claims, ErrandResult, LoginResult, OnProgress
from .._values.player import Player
from .._values.secret import Secret
from ..steam._connection import FlatApiSteam
from ..steam._port import Steam
from .direct_issue import DirectIssue, Share
from .ports import Ports
from .progress import DoneSignal
from .proof import Proof, SteamTicketProof, access_key_proof

if TYPE_CHECKING:
    from .browser_login import Establish
    from .credentials import BrowserCredentials

OpenService = Callable[[Settings, Clock], AbstractAsyncContextManager[Service]]


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
        self._open_service: OpenService = open_service or remote_service

    def adjusted(self, **settings: Any) -> Engine:
        """This engine with other settings, for one call; None keeps a setting. Both engines share one Steam port."""
        changed: dict[str, Any] = {
            name: value for name, value in settings.items() if value not in (None, getattr(self.settings, name))
        }
        if not changed:
            return self
        return Engine(
            replace(self.settings, **changed),
            steam=self.steam,
            browser=self._browser,
            clock=self.clock,
            open_service=self._open_service,
        )

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

    async def login_browser(
        self,
        credentials: BrowserCredentials,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
    ) -> LoginResult:
        """Sign in through the browser. Raises one of the errors of `errors`."""
        from .browser_login import BrowserLogin

        source = credentials.inquiry or await self._establish(credentials)
        async with self._ports() as ports:
            return await BrowserLogin(ports, source, on_progress, done or DoneSignal()).run()

    async def login_device(self, on_progress: OnProgress | None = None, done: DoneSignal | None = None) -> LoginResult:
        """Sign in with a code that the player confirms on any device. Raises one of the errors of `errors`."""
        from .device_login import DeviceLogin

        self.settings.require_application()
        async with self._ports() as ports:
            return await DeviceLogin(ports, on_progress, done or DoneSignal()).run()

    async def refresh(self, refresh_token: Secret, unsent: Unsent = nullcontext) -> Refreshed:
        """Use a refresh token. What became of it is the answer, its error included: nothing is raised.

        `unsent` is entered while the next try is waited for and the token is surely unused.
        """
        from .renewal import Renewal

        async with self._ports() as ports:
            return await Renewal(ports, refresh_token, unsent).refresh()

    async def logout(self, refresh_token: Secret) -> bool:
        """End a session. True where there was one to end. Raises one of the errors of `errors`."""
        from .renewal import Renewal

        async with self._ports() as ports:
            return await Renewal(ports, refresh_token).logout()

    async def share(
        self,
        access_token: Secret,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> ErrandResult:
        """The proactive errand, for the player of a valid access token. Raises one of the errors of `errors`.

        `quietly` overrides the setting. If it is on and something is owed, this raises `ErrandNotCompleted`.
        """
        async with self.adjusted(quietly=quietly)._ports() as ports:
            return await Share(ports, access_token, on_progress, done or DoneSignal()).run()

    async def player(self, access_token: Secret, claims: Claims | None = None) -> Player:
        """The player behind an access token, as far as they can be known. Raises nothing; see `profile`.

        `claims` is the block that came with the token.
        """
        from .profile import find_player

        async with self._ports() as ports:
            return await find_player(ports, access_token, claims or {})

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

    async def _establish(self, credentials: BrowserCredentials) -> Establish:
        self.settings.require_application()
        pem = credentials.client_key or Secret("")

        def build() -> Establish:  # cryptography takes its time to be imported, and so does a large key to be checked
            from .._service.client_auth import ClientKey
            from .._service.constraints import Constraints
            from .browser_login import Establish

            return Establish(ClientKey(pem), credentials.constraints or Constraints())

        return await in_thread(build)

    async def _direct_issue(self, proof: Proof, on_progress: OnProgress | None, done: DoneSignal | None) -> LoginResult:
        async with self._ports() as ports:
            return await DirectIssue(ports, proof, on_progress, done or DoneSignal()).run()

    @asynccontextmanager
    async def _ports(self) -> AsyncIterator[Ports]:
        async with self._open_service(self.settings, self.clock) as service:
            yield Ports(service, self._browser, self.clock, self.settings, self.steam)
