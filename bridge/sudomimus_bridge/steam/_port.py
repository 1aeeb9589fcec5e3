"""The Steam port: what a login asks of Steam, whoever provides it.

Real: `connection.FlatApiSteam`. For tests and for machines without a compiler: `testing.stub_steam.StubSteam`.
"""

from __future__ import annotations

from typing import Protocol

from .._values.secret import Secret


class Steam(Protocol):
    """Steamworks as far as a login needs it. Names are the SDK's. Every call may raise `SteamUnavailable`.

    A cancelled call leaves nothing behind: a ticket that Steam gives after the caller has gone is cancelled at once.
    """

    async def open(self) -> int:
        """Have Steam initialised, whether now or before, and give the app id it runs under (isteamutils.h, GetAppID)."""
        ...

    async def get_auth_ticket_for_web_api(self, identity: str) -> int:
        """Ask for a ticket and give its handle, which is open from here on (isteamuser.h, GetAuthTicketForWebApi)."""
        ...

    async def ticket_response(self, handle: int) -> Secret:
        """Wait for the handle's `GetTicketForWebApiResponse_t` and give the ticket in hex. It may wait for ever."""
        ...

    async def cancel_auth_ticket(self, handle: int) -> None:
        """Cancel the ticket (isteamuser.h, CancelAuthTicket). Never raises; a second call does nothing."""
        ...

    async def activate_game_overlay_to_web_page(self, page: Secret) -> bool:
        """Open a page in Steam's overlay (isteamfriends.h); False if the overlay is off. Only after `open`.

        The page has passed the gate.
        """
        ...

    async def aclose(self) -> None:
        """Let go of Steam: what this port initialised is shut down, what a host initialised stays."""
        ...

    def drop(self, seconds: float = 0.0) -> None:
        """As `aclose`, from any thread without an event loop, waiting that many seconds at most."""
        ...
