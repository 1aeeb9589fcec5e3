"""The Steam port in pure Python, without Steam: for tests, and for `demo` if there is no compiler.

It delivers the same bytes to the same ledger as the flat API. A `StubBehaviour` scripts each ticket.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import anyio

from .._values.clock import Clock
from .._values.secret import Secret
from ..steam import _abi as abi
from ..steam import _results as results
from ..steam._ledger import Ledger
from ..steam._stub_ticket import StubTicket

STEAM_ID = 76561197960287930


@dataclass(frozen=True)
class StubBehaviour:
    """Steam's reaction to one request for a ticket."""

    delay: float = 0.06
    """The seconds from the request to its callback. Negative: the callback comes before the request returns."""
    result: int = 1
    """The `EResult` of the callback; 1 is OK."""
    size: int = 240
    """The value of `m_cubTicket`: the ticket's size in bytes."""
    no_handle: bool = False
    """The request returns `k_HAuthTicketInvalid`."""
    silent: bool = False
    """No callback comes."""
    other_handle: bool = False
    """A callback for another ticket comes first."""
    twice: bool = False
    """The callback comes twice."""
    goes_away: str | None = None
    """Instead of the callback: "shutdown" or "disconnect"."""


class StubSteam:
    """The Steam port, scripted: the nth ticket follows the nth behaviour, and later tickets follow the last."""

    def __init__(
        self,
        clock: Clock,
        *,
        app_id: int = 480,
        behaviours: Iterable[StubBehaviour] = (StubBehaviour(),),
        running: bool = True,
        steam_id: int = STEAM_ID,
        overlay: bool = False,
    ) -> None:
        """Script a Steam.

        Args:
            clock: What measures the delays: `SystemClock()`, or the `VirtualClock` of the test.
            app_id: The app as which Steam runs.
            behaviours: The courses of the requests for tickets.
            running: Whether the Steam client runs.
            steam_id: The player's 64-bit SteamID.
            overlay: Whether Steam's overlay is on.
        """
        self.app_id = app_id
        """The app as which Steam runs."""
        self.running = running
        """Whether the Steam client runs. If not, a login raises `SteamUnavailable`."""
        self.steam_id = steam_id
        """The player's 64-bit SteamID."""
        self.calls: list[tuple[str, int]] = []
        """Every call in order: "request" and "cancel" with the handle, "open" and "shutdown" with 0."""
        self.overlay = overlay
        """Whether Steam's overlay is on."""
        self.overlay_pages: list[Secret] = []
        """The pages that were opened in Steam's overlay."""
        self._behaviours = list(behaviours)
        self._clock = clock
        self._ledger = Ledger()
        self._due: dict[int, tuple[StubBehaviour, bytes]] = {}
        self._next_handle = 1
        self._open = False

    def script(self, *behaviours: StubBehaviour) -> None:
        """Script the next tickets.

        Args:
            *behaviours: The next ticket follows the first one, and so on; later tickets follow the last.

        Raises:
            ValueError: There is no behaviour.
        """
        if not behaviours:
            raise ValueError("a script needs at least one behaviour")
        self._behaviours = list(behaviours)

    async def open(self) -> int:
        if not self.running:
            raise results.init_error(abi.INIT_NO_STEAM_CLIENT, "", running=False)
        if not self._open:
            self._open = True
            self.calls.append(("open", 0))
        return self.app_id

    async def get_auth_ticket_for_web_api(self, identity: str) -> int:
        behaviour = self._behaviours.pop(0) if len(self._behaviours) > 1 else self._behaviours[0]
        if behaviour.no_handle:
            raise results.no_handle()
        handle, self._next_handle = self._next_handle, self._next_handle + 1
        self.calls.append(("request", handle))
        ticket = StubTicket(self.steam_id, self.app_id, os.urandom(16), identity).to_bytes()
        head = abi.TicketResponseHead(handle, behaviour.result, behaviour.size)
        response = bytes(head) + ticket.ljust(abi.TICKET_MAX, b"\0")
        if behaviour.delay < 0:
            self._ledger.deliver(response)
        self._ledger.enter(handle)
        self._due[handle] = behaviour, response
        return handle

    async def ticket_response(self, handle: int) -> Secret:
        behaviour, response = self._due.pop(handle)
        if behaviour.silent:
            await anyio.sleep_forever()
        await self._clock.sleep(max(0.0, behaviour.delay))
        if behaviour.other_handle:
            self._ledger.deliver(bytes(abi.TicketResponseHead(handle + 1000, 1, 240)) + response[12:])
        if behaviour.goes_away == "shutdown":
            self._open = False
            self._ledger.fail_all(results.SHUTTING_DOWN, "SteamShutdown")
        elif behaviour.goes_away == "disconnect":
            self._ledger.fail_all(results.DISCONNECTED, "SteamDisconnected")
        for _ in range(2 if behaviour.twice else 1):
            self._ledger.deliver(response)
        return self._ledger.watch(handle, lambda: None).taken()

    async def cancel_auth_ticket(self, handle: int) -> None:
        if self._ledger.strike(handle):
            self.calls.append(("cancel", handle))

    async def activate_game_overlay_to_web_page(self, page: Secret) -> bool:
        if self.overlay:
            self.overlay_pages.append(page)
        return self.overlay

    async def aclose(self) -> None:
        self.drop()

    def drop(self, seconds: float = 0.0) -> None:  # noqa: ARG002 - nothing to wait for
        if self._open:
            self._open = False
            self.calls.append(("shutdown", 0))

    @property
    def open_tickets(self) -> list[int]:
        """The handles that are not cancelled."""
        return self._ledger.numbers()
