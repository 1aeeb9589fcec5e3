"""The Steam port: the calls that a login makes to Steam.

`FlatApiSteam` implements it on Steam's library, `SteamworksPySteam` and Ren'Py's port on a game's own Steam, and
`testing.StubSteam` without any Steam.
"""

from __future__ import annotations

from typing import Protocol

from .._values.secret import Secret


class Steam(Protocol):
    """The part of Steamworks that a login needs, by the SDK's names. Every call may raise `SteamUnavailable`.

    A cancelled call leaves no ticket open: if Steam still creates a ticket for it, the port cancels that ticket at once.
    """

    async def open(self) -> int:
        """Initialise Steam, unless the game has done so. Return the app id that Steam runs as (isteamutils.h, GetAppID)."""
        ...

    async def get_auth_ticket_for_web_api(self, identity: str) -> int:
        """Ask for a ticket and return its handle. The ticket is open from now on (isteamuser.h, GetAuthTicketForWebApi)."""
        ...

    async def ticket_response(self, handle: int) -> Secret:
        """Wait for the handle's `GetTicketForWebApiResponse_t` and return the ticket in hex. Has no time limit."""
        ...

    async def cancel_auth_ticket(self, handle: int) -> None:
        """Cancel the ticket (isteamuser.h, CancelAuthTicket). Never raises; a second call has no effect."""
        ...

    async def activate_game_overlay_to_web_page(self, page: Secret) -> bool:
        """Open a page in Steam's overlay (isteamfriends.h). False if the overlay is off. Call `open` first.

        The page has passed the gate.
        """
        ...

    async def aclose(self) -> None:
        """Release Steam: shut it down if this port initialised it, and leave it running if the game did."""
        ...

    def drop(self, seconds: float = 0.0) -> None:
        """As `aclose`, from any thread, without an event loop. Waits at most that many seconds."""
        ...
