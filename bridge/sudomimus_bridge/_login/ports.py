"""`Ports`: the four ports and the settings that every flow uses."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from anyio import CancelScope

from .._browser.gate import BrowserGate
from .._browser.system import Browser, SystemBrowser
from .._service.policy import draw
from .._service.port import Service
from .._service.remote import remote_service
from .._settings import Settings
from .._values.clock import Clock, SystemClock
from .._values.errors import BridgeError
from .._values.secret import Secret
from ..steam._connection import FlatApiSteam
from ..steam._port import Steam

OpenService = Callable[[Settings, Clock], AbstractAsyncContextManager[Service]]

_log = logging.getLogger("sudomimus_bridge")


class Ports:
    """Steam, the service, the browser and the clock, with the settings. A port that is not given is a real one.

    Steam stays open between logins, until `aclose`. Connections to the service last for one flow.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        steam: Steam | None = None,
        browser: Browser | None = None,
        clock: Clock | None = None,
        open_service: OpenService | None = None,
        chance: Callable[[], float] = draw,
    ) -> None:
        """`chance` gives the random numbers from 0 to 1 that spread the waits of many players."""
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self.browser: Browser = browser or SystemBrowser(self.clock)
        self.chance = chance
        self._steam = steam
        self._open_service: OpenService = open_service or remote_service

    def adjusted(self, **settings: Any) -> Ports:
        """Ports with other settings, for one flow. A setting that is None keeps its value. The Steam port is the same."""
        changed: dict[str, Any] = {
            name: value for name, value in settings.items() if value not in (None, getattr(self.settings, name))
        }
        if not changed:
            return self
        return Ports(
            replace(self.settings, **changed),
            steam=self.steam,
            browser=self.browser,
            clock=self.clock,
            open_service=self._open_service,
            chance=self.chance,
        )

    @property
    def steam(self) -> Steam:
        """The Steam port that was given, else the flat API of the library that the settings lead to."""
        if self._steam is None:
            settings = self.settings
            self._steam = FlatApiSteam(
                settings.steam_library, settings.require_steam_app_id, self.clock, hosted=settings.steam_hosted
            )
        return self._steam

    @property
    def gate(self) -> BrowserGate:
        """The gate for pages, with these settings."""
        return BrowserGate(self.settings.browser_hosts, self.settings.via_url)

    def service(self) -> AbstractAsyncContextManager[Service]:
        """The service, with connections that last as long as the block."""
        return self._open_service(self.settings, self.clock)

    async def show(self, page: Secret) -> bool:
        """Open a page as the setting `page` says. The page has passed the gate. False if the door must show its address."""
        where = self.settings.page
        if where == "browser":
            opened = await self.browser.open(page)
        else:
            opened = where == "overlay" and await self._show_in_overlay(page)
        _log.debug("page %s", f"opened: {where}" if opened else "not opened: the player is shown its address")
        return opened

    async def _show_in_overlay(self, page: Secret) -> bool:
        try:
            await self.steam.open()
            return await self.steam.activate_game_overlay_to_web_page(page)
        except BridgeError as error:
            _log.info("Steam's overlay cannot open the page: %s", error.reason or type(error).__name__)
            return False

    async def aclose(self) -> None:
        """Release Steam. The ports may be used again."""
        if self._steam is not None:
            with CancelScope(shield=True):
                await self._steam.aclose()

    def drop(self, seconds: float = 0.0) -> None:
        """Release Steam from any thread, without an event loop. Waits that many seconds at most."""
        if self._steam is not None:
            self._steam.drop(seconds)
