"""The Steam port on the flat API. All ports of a process share one connection for each library.

Steamworks is initialised once for a whole process, so two bridges share one `Connection`, and the last one to close shuts
Steam down. The connection makes all library calls on its worker thread.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import anyio

from .._values.clock import Clock
from .._values.errors import ConfigurationError, SteamUnavailable
from .._values.secret import Secret, sealed
from . import _abi as abi
from . import _results as results
from ._dispatch import Dispatch, HostDispatch, ManualDispatch
from ._ledger import Ledger, handle_of
from ._library import SteamLibrary, find_library, load_library
from ._on_thread import CANCEL_SECONDS, SteamOnThread
from ._worker import Worker

_IDLE_PUMP_SECONDS = 15.0
"""The time between two pumps while no ticket is awaited: short enough to notice that Steam shuts down."""


class Connection:
    """One library, initialised at most once, with its worker thread, ledger and dispatch.

    Every method runs on the worker's thread.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.users = 0
        self.ledger = Ledger()
        self._library: SteamLibrary | None = None
        self._dispatch: Dispatch | None = None
        self._hosted = False
        self._app_id = 0
        self._asked_at = 0.0
        self.worker = Worker("sudomimus-bridge steam", self._pump, self._pause)

    def open(self, wanted: Callable[[], int], *, by_host: bool = False) -> int:
        """Load and initialise Steam, unless that is done. Return the app id that Steam runs as.

        If Steam has shut down since, this initialises it again. `wanted` returns the app id of the settings, and raises
        `ConfigurationError` if they have none. With `by_host`, only the game may initialise Steam.
        """
        if self._library is None:
            self._library = load_library(self.path)
        if self._dispatch is not None and not self._alive(self._dispatch):
            self.shut_down()
        if self._dispatch is None:
            self._initialise(wanted, by_host=by_host)
        app_id = self._wanted(wanted)
        if app_id != self._app_id:
            raise results.other_app(self._app_id, app_id)
        return self._app_id

    def request(self, identity: str) -> int:
        """Call GetAuthTicketForWebApi and return the ticket's number. If that fails, initialise Steam again and retry once."""
        for again in (True, False):
            self._pump()  # callbacks from before this request do not concern it
            if self._dispatch is not None and (user := self.library.user()):
                self._asked_at = time.monotonic()
                handle = int(self.library.api.ISteamUser_GetAuthTicketForWebApi(user, identity.encode()))
                if handle != abi.INVALID_HANDLE:
                    return self.ledger.enter(handle)
            if again and not self._hosted:
                self.shut_down()
                self._initialise(lambda: self._app_id)
        raise results.no_handle()

    def cancel(self, number: int) -> None:
        """Call CancelAuthTicket, once for each ticket, and never after Shutdown: Shutdown ends the handle."""
        if not self.ledger.strike(number) or self._dispatch is None:
            return
        if self.library.api.GetHSteamPipe() == self._dispatch.pipe and (user := self.library.user()):
            self.library.api.ISteamUser_CancelAuthTicket(user, handle_of(number))

    @sealed
    def show_in_overlay(self, page: Secret) -> bool:
        """Call ActivateGameOverlayToWebPage; False if the overlay is off."""
        if self._dispatch is None or not self.library.has_overlay():
            return False
        self.library.show_in_overlay(page.reveal())
        return True

    def shut_down(self) -> None:
        """Cancel all open tickets and release Steam. If the game initialised Steam, it stays initialised."""
        self.ledger.fail_all(results.SHUTTING_DOWN, "SteamShutdown")
        for number in self.ledger.numbers():
            self.cancel(number)
        dispatch, self._dispatch = self._dispatch, None
        if dispatch is not None:
            dispatch.stop()
            if not self._hosted:
                self.library.api.Shutdown()
        self.ledger.forget_all()

    def logged_on(self) -> bool:
        """Call BLoggedOn (isteamuser.h)."""
        user = self.library.user() if self._dispatch is not None else 0
        return bool(user) and bool(self.library.api.ISteamUser_BLoggedOn(user))

    @property
    def library(self) -> SteamLibrary:
        """The loaded library, after `open`."""
        if self._library is None:
            raise results.not_opened()
        return self._library

    def _wanted(self, wanted: Callable[[], int]) -> int:
        """Return the app id of the settings. If they have none and the game runs Steam, return the app id of Steam."""
        try:
            return wanted()
        except ConfigurationError:
            if self._hosted:
                return self._app_id
            raise

    def _initialise(self, wanted: Callable[[], int], *, by_host: bool = False) -> None:
        library = self.library
        self._hosted = bool(library.api.GetHSteamPipe())
        if by_host and not self._hosted:
            raise results.host_has_not_started()
        if not self._hosted:
            with _steam_app_id(wanted()):
                result, message = library.initialise()
            if result != abi.INIT_OK:
                raise results.init_error(result, message, running=bool(library.api.IsSteamRunning()))
        dispatch = HostDispatch(library, self.ledger) if self._hosted else ManualDispatch(library, self.ledger)
        try:
            dispatch.start()
        finally:
            self._dispatch = dispatch
        utils = library.utils()
        self._app_id = int(library.api.ISteamUtils_GetAppID(utils)) if utils else self._wanted(wanted)

    def _alive(self, dispatch: Dispatch) -> bool:
        api = self.library.api
        return bool(api.GetHSteamPipe() == dispatch.pipe) and bool(api.IsSteamRunning())

    def _pump(self) -> None:
        if self._dispatch is None:
            return
        try:
            alive = self._dispatch.pump()
        except Exception as error:  # noqa: BLE001 - a library that fails must not end the thread
            self.ledger.fail_all(results.SHUTTING_DOWN, type(error).__name__)
            alive = False
        if not alive:
            self.shut_down()

    def _pause(self) -> float | None:
        """Return the seconds until the next pump; None: no pump. During a wait, a twentieth of it, so that it adds about 5 %."""
        if self._dispatch is None:
            return None
        if not self.ledger.waiting:
            return _IDLE_PUMP_SECONDS if not self._hosted else None
        if self._hosted:
            return 0.25
        return min(0.01, max(0.001, (time.monotonic() - self._asked_at) / 20))


@contextmanager
def _steam_app_id(app_id: int) -> Iterator[None]:
    """Set `SteamAppId` while Steam is initialised, as Steam does if it starts the game."""
    before = os.environ.get("SteamAppId")
    os.environ["SteamAppId"] = str(app_id)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SteamAppId"]
        else:
            os.environ["SteamAppId"] = before


# An unused connection stays here, and its thread sleeps. The next user gets the same connection, so that its Init cannot overtake
# the Shutdown of the user before.
_connections: dict[Path, Connection] = {}
# All ports and this table share one lock. Two locks could be taken in either order: the garbage collector may drop one port on a
# thread that is opening another.
_connections_lock = threading.RLock()


def _acquire(path: Path) -> Connection:
    with _connections_lock:
        connection = _connections.get(path) or Connection(path)
        _connections[path] = connection
        connection.users += 1
        return connection


def _release(connection: Connection) -> None:
    with _connections_lock:
        connection.users -= 1


def _shut_down_if_unused(connection: Connection) -> None:
    if connection.users == 0:
        connection.shut_down()


@atexit.register
def _close_all() -> None:
    """Cancel every ticket and shut down at the end of the interpreter. Waits `CANCEL_SECONDS` at most for each library."""
    for connection in _connections.values():
        connection.worker.post(connection.shut_down)
        connection.worker.stop(CANCEL_SECONDS)


class FlatApiSteam(SteamOnThread):
    """The Steam port on a `libsteam_api`, Valve's or the stub, which the bridge or the game has loaded."""

    def __init__(self, library: Path | None, app_id: Callable[[], int], clock: Clock, *, hosted: bool = False) -> None:
        """With `hosted`, the game runs Steam: this port never initialises it, even if the game has not done so yet."""
        super().__init__(clock)
        self._by_host = hosted
        self._chosen = library
        self._app_id = app_id
        self._connection: Connection | None = None
        self._using = False

    async def open(self) -> int:
        """Open Steam and return its app id. Raises `SteamUnavailable`, and `ConfigurationError` if it runs as another app."""
        # Not under the lock: it reads the disk.
        path = None if self._using else find_library(self._chosen, hosted=self._by_host)
        with _connections_lock:
            if not self._using and path is not None:
                self._connection = _acquire(path)
                self._using = True
        connection = self._thread()
        try:
            job = partial(connection.open, self._app_id, by_host=self._by_host)
            return await self._within_open_seconds(connection.worker, job)
        except SteamUnavailable as error:
            if error.reason == "HostHasNotInitialised":
                self._let_go()  # the game may load another copy later
            raise

    async def aclose(self) -> None:
        """Release Steam. Waits `CANCEL_SECONDS` at most for Shutdown, because a library may hang."""
        if (connection := self._let_go()) is not None:
            with anyio.CancelScope(shield=True), self._clock.move_on_after(CANCEL_SECONDS):
                await connection.worker.call(partial(_shut_down_if_unused, connection))

    def drop(self, seconds: float = 0.0) -> None:
        if (connection := self._let_go()) is not None:
            connection.worker.finish(partial(_shut_down_if_unused, connection), seconds)

    def _let_go(self) -> Connection | None:
        """Stop using the connection and return it, or None if there is none. Late cancels still find it."""
        with _connections_lock:
            if not self._using or self._connection is None:
                return None
            self._using = False
            _release(self._connection)
            return self._connection

    async def logged_on(self) -> bool:
        """Whether Steam is connected to its servers (isteamuser.h, BLoggedOn). Call `open` first."""
        connection = self._thread()
        return await connection.worker.call(connection.logged_on)

    def _thread(self) -> Connection:
        if self._connection is None:
            raise results.not_opened()
        return self._connection
