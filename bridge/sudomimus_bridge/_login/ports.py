"""The four ports a login runs on, and what of its settings it needs: handed to every flow as one value."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from .._browser.port import Browser
from .._service.policy import draw_uniform
from .._service.port import Service
from .._settings import Settings
from .._values.clock import Clock
from .._values.secret import Secret

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class Ports:
    """Service, browser and clock, and the settings. Steam comes with the proof that needs it."""

    service: Service
    browser: Browser
    clock: Clock
    settings: Settings
    draw: Callable[[float, float], float] = field(default=draw_uniform, repr=False)
    """The dice of full jitter."""

    async def show(self, page: Secret) -> bool:
        """Open a page that has passed the gate. False if the door must show it to the player instead."""
        opened = not self.settings.no_browser and await self.browser.open(page)
        _log.debug("page %s", "opened in the browser" if opened else "not opened: the player is shown its address")
        return opened
