"""The life of a web API ticket: ask, wait, use, cancel. No other code decides how long a ticket stays open."""

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
"""The service refuses a ticket for any other identity (docs/contracts/service.md)."""

CALLBACK_SECONDS = 20.0
"""If no callback has come after 10 to 20 seconds, the client is not connected to Steam (docs/contracts/steam.md)."""

_log = logging.getLogger("sudomimus_bridge")


@asynccontextmanager
async def web_api_ticket(steam: Steam, clock: Clock) -> AsyncIterator[Secret]:
    """Open a ticket, yield it in hex, and cancel it when the block is left, on every path.

    Raises `SteamUnavailable` if Steam sends none within `CALLBACK_SECONDS`.
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
        detail="GetTicketForWebApiResponse_t did not arrive. A game that runs Steam itself must call SteamAPI_RunCallbacks "
        "while a login waits: start the login with start_login(), not with login() on the thread that pumps.",
    )
