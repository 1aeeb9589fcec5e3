"""The four ports that a login runs on and its settings: every flow gets them as one value."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from .._browser.port import Browser
from .._service.policy import draw_uniform
from .._service.port import Service
from .._settings import Settings
from .._values.clock import Clock
from .._values.errors import BridgeError
from .._values.secret import Secret
from ..steam._port import Steam

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class Ports:
    """Steam, service, browser and clock, and the settings."""

    service: Service
    browser: Browser
    clock: Clock
    settings: Settings
    steam: Steam
    draw: Callable[[float, float], float] = field(default=draw_uniform, repr=False)
    """The dice of full jitter."""

    async def show(self, page: Secret) -> bool:
        """Open a page that has passed the gate, as the setting `page` says. False if the door must show its address."""
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
            _log.info("no overlay: %s", error.reason or type(error).__name__)
            return False
