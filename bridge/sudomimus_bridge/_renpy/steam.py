"""The Steam port for a game in which Ren'Py runs Steam: calls go through Ren'Py's binding, callbacks come from Ren'Py's loop.

Ren'Py drains Steam's callbacks on the main thread, about 20 times a second, and hands each to the functions that are listed
for its kind (docs/contracts/renpy.md, "Steam"). So the port never initialises, pumps or shuts down
Steam. Any thread may call the flat API. The port calls it on a thread of its own, so that a slow call delays no frame.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import anyio

from .._values.clock import Clock, SystemClock
from .._values.errors import BridgeError, SteamUnavailable
from .._values.secret import Secret, sealed
from ..steam import _abi as abi
from ..steam import _results as results
from ..steam._ledger import Ledger, handle_of
from ..steam._on_thread import CANCEL_SECONDS, SteamOnThread
from ..steam._worker import Worker
from .host import runs_steam


def steam_port(achievement: Any = None, clock: Clock | None = None) -> RenpySteam | None:
    """The port if Ren'Py has started Steam, else None, and the bridge makes its own connection.

    `achievement` is Ren'Py's store module of that name. By default it is the loaded one.
    """
    achievement = achievement or sys.modules.get("store.achievement")
    return RenpySteam(achievement, clock or SystemClock()) if runs_steam(achievement) else None


class _Connection:
    """One port's share of Ren'Py's Steam: the open tickets, the listeners, and the thread that makes the calls."""

    def __init__(self, achievement: Any) -> None:
        self.ledger = Ledger()
        self.worker = Worker("sudomimus-bridge steam", _no_pump, _no_pause)
        self._achievement = achievement
        self._steamapi: Any = None
        self._listening = False
        self._listeners: dict[str, Callable[[Any], None]] = {
            "GetTicketForWebApiResponse_t": self._on_ticket,
            "SteamShutdown_t": self._on_shutdown,
            "SteamServersDisconnected_t": self._on_disconnected,
            "SteamServerConnectFailure_t": self._on_disconnected,
        }

    # --- on the worker's thread

    def open(self) -> int:
        """Start to listen. Returns the app id under which Steam runs."""
        with _binding():
            api = self._api()
            self._listen()
            return _number(api.SteamUtils().GetAppID())

    def request(self, identity: str) -> int:
        """Call GetAuthTicketForWebApi. Returns the ticket's number in the ledger."""
        with _binding():
            api = self._api()
            self._listen()
            handle = _number(api.SteamUser().GetAuthTicketForWebApi(identity.encode()))
        if handle == abi.INVALID_HANDLE:
            raise results.no_handle()
        return self.ledger.enter(handle)

    def cancel(self, number: int) -> None:
        """Call CancelAuthTicket, once for each ticket. Never raises."""
        if self.ledger.strike(number):
            with suppress(Exception):
                self._api().SteamUser().CancelAuthTicket(handle_of(number))

    @sealed
    def show_in_overlay(self, page: Secret) -> bool:
        """Call ActivateGameOverlayToWebPage if the overlay is on. Never raises."""
        with suppress(Exception):
            api = self._api()
            if api.SteamUtils().IsOverlayEnabled():
                api.SteamFriends().ActivateGameOverlayToWebPage(
                    page.reveal().encode("ascii"), abi.OVERLAY_TO_WEB_PAGE_DEFAULT
                )
                return True
        return False

    def cancel_all(self) -> None:
        """Cancel each open ticket. A caller that still waits for one gets an error."""
        self.ledger.fail_all(results.SHUTTING_DOWN, "SteamShutdown")
        for number in self.ledger.numbers():
            self.cancel(number)

    # --- on Ren'Py's main thread, while it drains. Nothing here raises, because Ren'Py would then never free the callback.

    @sealed
    def _on_ticket(self, callback: Any) -> None:
        with suppress(Exception):
            size = _number(callback.m_cubTicket)
            head = abi.TicketResponseHead(_number(callback.m_hAuthTicket), _number(callback.m_eResult), size)
            # The structure is Steam's memory, which Ren'Py frees after this call.
            self.ledger.deliver(bytes(head) + bytes(callback.m_rgubTicket)[: max(0, size)])

    def _on_shutdown(self, _callback: Any) -> None:
        with suppress(Exception):
            self.ledger.fail_all(results.SHUTTING_DOWN, "SteamShutdown")

    def _on_disconnected(self, _callback: Any) -> None:
        with suppress(Exception):
            self.ledger.fail_all(results.DISCONNECTED, "SteamDisconnected")

    def listen_again(self) -> None:
        """Join the lists again if a reload has made new ones. The main thread calls this before it drains."""
        if self._listening:
            with suppress(Exception):
                self._listen()

    def _listen(self) -> None:
        """Join Ren'Py's lists. Appending to a list is safe while the main thread iterates over it."""
        if self._listening and not hasattr(getattr(self._achievement, "steam", None), "callback_handlers"):
            return  # the script is being reloaded; `listen_again` follows
        handlers = self._achievement.steam.callback_handlers
        for name, listener in self._listeners.items():
            if listener not in handlers[name]:
                handlers[name].append(listener)
        self._listening = True

    def leave(self) -> None:
        """Leave the lists, on the main thread only. On another thread the listeners stay, and do nothing.

        Each list is replaced, not changed: otherwise a running iteration would skip the listener after the removed one.
        """
        self._listening = False
        if threading.current_thread() is not threading.main_thread():
            return
        handlers = getattr(getattr(self._achievement, "steam", None), "callback_handlers", {})
        for name, listener in self._listeners.items():
            if listener in handlers.get(name, ()):
                handlers[name] = [other for other in handlers[name] if other != listener]

    def _api(self) -> Any:
        """The binding. It survives a reload, during which Ren'Py's store module is empty."""
        if runs_steam(self._achievement):
            self._steamapi = self._achievement.steamapi
        if self._steamapi is None:
            raise results.host_has_not_started()
        return self._steamapi


class RenpySteam(SteamOnThread):
    """The Steam port on `achievement.steamapi` and `achievement.steam.callback_handlers`."""

    def __init__(self, achievement: Any, clock: Clock) -> None:
        super().__init__(clock)
        self._achievement = achievement
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    async def open(self) -> int:
        """Raises `SteamUnavailable` if Ren'Py does not run Steam any more."""
        connection = self._thread()
        return await self._within_open_seconds(connection.worker, connection.open)

    async def aclose(self) -> None:
        """Close the port. Ren'Py's Steam keeps running, and the port may be opened again."""
        if (connection := self._connection) is not None:
            connection.leave()
            with anyio.CancelScope(shield=True), self._clock.move_on_after(CANCEL_SECONDS):
                await connection.worker.call(connection.cancel_all)

    def drop(self, seconds: float = 0.0) -> None:
        """Do the same as `aclose`, from any thread without an event loop. Waits at most that many seconds."""
        if (connection := self._connection) is not None:
            connection.leave()
            connection.worker.finish(connection.cancel_all, seconds)

    def listen_again(self) -> None:
        """Join Ren'Py's lists again if a reload made new ones. Call this about 20 times a second, on the main thread."""
        if self._connection is not None:
            self._connection.listen_again()

    def _thread(self) -> _Connection:
        with self._lock:
            if self._connection is None:
                self._connection = _Connection(self._achievement)
                weakref.finalize(self, _end, self._connection)  # also when the interpreter ends
            return self._connection


def _end(connection: _Connection) -> None:
    """Cancel the port's tickets and end its thread. Called when nothing refers to the port any more."""
    if connection.ledger.numbers():
        connection.worker.finish(connection.cancel_all, CANCEL_SECONDS)
    connection.worker.stop(0)


@contextmanager
def _binding() -> Iterator[None]:
    """Turn errors of Ren'Py's binding into `SteamUnavailable`, such as the `AttributeError` of an old binding or library."""
    try:
        yield
    except BridgeError:
        raise
    except Exception as error:  # noqa: BLE001 - ctypes and Ren'Py raise what they like
        raise SteamUnavailable(
            "This game cannot ask Steam who is playing. Please tell the game's makers.",
            reason="RenpySteamFailed",
            detail="Build the game with Ren'Py 8.4 or later, and with the Steam library that Ren'Py installs. Ren'Py's binding "
            f"raised {type(error).__name__}: {error}",
        ) from None


def _number(value: Any) -> int:
    """The int in a number that ctypes returns: an int, or a ctypes object such as `m_eResult`."""
    return int(getattr(value, "value", value))


def _no_pump() -> None:
    """Do nothing: Ren'Py pumps."""


def _no_pause() -> float | None:
    """Let the thread sleep until there is a call to make."""
    return None
