"""The life of a Web API ticket, top to bottom: ask, wait, use, cancel. There is no other way to hold one."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from .._values.clock import Clock
from .._values.errors import SteamUnavailable
from .._values.secret import Secret
from ._port import Steam

IDENTITY = "sudomimus"
"""Exactly this, or the service refuses the ticket (native-flows, Steam direct-issue)."""

CALLBACK_SECONDS = 20.0
"""After 10 to 20 seconds without a callback the client is not connected to Steam (steamworks/ABI, BEHAVIOUR "Bounds")."""


_log = logging.getLogger("sudomimus_bridge")


@asynccontextmanager
async def web_api_ticket(steam: Steam, clock: Clock) -> AsyncIterator[Secret]:
    """A fresh ticket in hex, open while the block runs and cancelled once when it is left, on whatever path.

    Raises `SteamUnavailable` where Steam gives none within `CALLBACK_SECONDS`.
    """
    _log.debug("Steam: asking for a ticket")
    with clock.move_on_after(CALLBACK_SECONDS) as asking:
        handle = await steam.get_auth_ticket_for_web_api(IDENTITY)
    if asking.cancelled_caught:
        raise _no_answer()
    try:
        with clock.move_on_after(CALLBACK_SECONDS) as waiting:
            ticket_hex = await steam.ticket_response(handle)
        if waiting.cancelled_caught:
            raise _no_answer()
        _log.debug("Steam: a ticket of %d bytes", len(ticket_hex) // 2)
        yield ticket_hex
    finally:
        with anyio.CancelScope(shield=True):
            await steam.cancel_auth_ticket(handle)
            _log.debug("Steam: the ticket is cancelled")


def _no_answer() -> SteamUnavailable:
    return SteamUnavailable(
        f"Steam did not answer within {CALLBACK_SECONDS:.0f} seconds. Check that Steam is online, then try again.",
        reason="NoCallback",
        detail="GetTicketForWebApiResponse_t did not come. A game that runs Steam itself must call SteamAPI_RunCallbacks "
        "while a login waits: not login() on the thread that calls it, but start_login().",
    )
