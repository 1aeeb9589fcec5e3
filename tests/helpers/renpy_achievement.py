"""Stand-ins for Ren'Py's store module `achievement` in a game for which Ren'Py has started Steam.

`CompiledAchievement` runs a `libsteam_api`, the compiled stub as a rule, through ctypes and manual dispatch, as Ren'Py's
binding does. `ScriptedAchievement` has no library: it follows a script. Both have the same members as Ren'Py's: `steam` with
`callback_handlers` and `periodic()`, which the main thread calls about 20 times a second, and `steamapi` with the interfaces.
This file imports only the standard library, because tests copy it into games.
"""

from __future__ import annotations

import collections
import ctypes
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from ctypes import POINTER, c_bool, c_char_p, c_int, c_int32, c_ubyte, c_uint, c_uint8, c_void_p
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

DRAINS_A_SECOND = 20
_PACK = 8 if sys.platform == "win32" else 4


class EResult(c_int):
    """Like the binding's enumerations, a subclass of `c_int`. Compare values: two instances are never equal."""


class GetTicketForWebApiResponse_t(ctypes.Structure):
    """Callback 168 (isteamuser.h)."""

    _pack_ = _PACK
    _layout_ = "ms"
    _fields_ = (
        ("m_hAuthTicket", c_uint),
        ("m_eResult", EResult),
        ("m_cubTicket", c_int),
        ("m_rgubTicket", c_ubyte * 2560),
    )


class SteamServerConnectFailure_t(ctypes.Structure):
    """Callback 102 (isteamuser.h)."""

    _pack_ = _PACK
    _layout_ = "ms"
    _fields_ = (("m_eResult", EResult), ("m_bStillRetrying", c_bool))


class SteamServersDisconnected_t(ctypes.Structure):
    """Callback 103 (isteamuser.h)."""

    _pack_ = _PACK
    _layout_ = "ms"
    _fields_ = (("m_eResult", EResult),)


class SteamShutdown_t(ctypes.Structure):
    """Callback 704 (isteamutils.h)."""


_CALLBACKS: dict[int, type[ctypes.Structure]] = {
    168: GetTicketForWebApiResponse_t,
    102: SteamServerConnectFailure_t,
    103: SteamServersDisconnected_t,
    704: SteamShutdown_t,
}


class _CallbackMessage(ctypes.Structure):
    _pack_ = _PACK
    _layout_ = "ms"
    _fields_ = (("user", c_int32), ("id", c_int32), ("param", POINTER(c_uint8)), ("size", c_int32))


class _Steam:
    """`achievement.steam`: the handlers of each callback, and `periodic`, which the main thread calls."""

    def __init__(self, callbacks: Callable[[], Iterator[Any]]) -> None:
        self.callback_handlers: collections.defaultdict[str, list[Callable[[Any], Any]]] = collections.defaultdict(list)
        self._callbacks = callbacks

    def periodic(self) -> None:
        """Drain Steam's callbacks. If a handler raises, the exception passes through and the callback is not freed."""
        for callback in self._callbacks():
            for handler in self.callback_handlers.get(type(callback).__name__, []):
                handler(callback)


class Achievement:
    """The base of both stand-ins: `steam`, `steamapi`, and the main thread's loop."""

    steam: Any
    steamapi: Any

    def run(self, over: Callable[[], bool], *, seconds: float = 20.0) -> None:
        """Act as Ren'Py's main thread until `over()` is true: drain 20 times a second. Raises `TimeoutError`."""
        until = time.monotonic() + seconds
        while not over():
            if time.monotonic() > until:
                raise TimeoutError(f"It was not over within {seconds:.0f} seconds.")
            if self.steam is not None:
                self.steam.periodic()
            time.sleep(1 / DRAINS_A_SECOND)


class CompiledAchievement(Achievement):
    """Ren'Py's binding on a library that exports the flat API of SDK 1.59 or later."""

    def __init__(self, library: Path | str) -> None:
        """Load and initialise, as Ren'Py does while it starts. The app id comes from the environment or a file."""
        self._library = ctypes.CDLL(str(library))
        message = ctypes.create_string_buffer(1024)
        if result := self._library.SteamAPI_InitFlat(message):
            raise RuntimeError(f"SteamAPI_InitFlat gave {result} ({message.value.decode()})")
        self._library.SteamAPI_ManualDispatch_Init()
        self._pipe = self._library.SteamAPI_GetHSteamPipe()
        self.steam = _Steam(self._callbacks)
        self.steamapi = SimpleNamespace(
            SteamUser=lambda: _User(self._library, self._interface("SteamAPI_SteamUser_v", 23)),
            SteamUtils=lambda: _Utils(self._library, self._interface("SteamAPI_SteamUtils_v", 10)),
            SteamFriends=lambda: _Friends(self._library, self._interface("SteamAPI_SteamFriends_v", 17)),
        )

    def shut_down(self) -> None:
        """Shut Steam down at the end of a test. Ren'Py itself never does this."""
        self.steam = self.steamapi = None
        self._library.SteamAPI_Shutdown()

    def _interface(self, prefix: str, first: int) -> c_void_p:
        for version in range(99, first - 1, -1):
            if hasattr(self._library, name := f"{prefix}{version:03}"):
                accessor = self._library[name]
                accessor.restype = c_void_p
                return c_void_p(accessor())
        raise AttributeError(f"{prefix}{first:03}")

    def _callbacks(self) -> Iterator[Any]:
        message, pipe = _CallbackMessage(), c_int32(self._pipe)
        self._library.SteamAPI_ManualDispatch_RunFrame(pipe)
        next_callback = self._library.SteamAPI_ManualDispatch_GetNextCallback
        next_callback.restype = c_bool
        while next_callback(pipe, ctypes.byref(message)):
            if kind := _CALLBACKS.get(message.id):
                yield ctypes.cast(message.param, POINTER(kind)).contents
            self._library.SteamAPI_ManualDispatch_FreeLastCallback(pipe)


class _User:
    def __init__(self, library: ctypes.CDLL, interface: c_void_p) -> None:
        self._library = library
        self._interface = interface

    def GetAuthTicketForWebApi(self, identity: bytes) -> int:
        request = self._library["SteamAPI_ISteamUser_GetAuthTicketForWebApi"]
        request.restype = c_uint
        return int(request(self._interface, c_char_p(identity)))

    def CancelAuthTicket(self, handle: int) -> None:
        cancel = self._library["SteamAPI_ISteamUser_CancelAuthTicket"]
        cancel.restype = None
        cancel(self._interface, c_uint(handle))


class _Utils:
    def __init__(self, library: ctypes.CDLL, interface: c_void_p) -> None:
        self._library = library
        self._interface = interface

    def GetAppID(self) -> int:
        app_id = self._library["SteamAPI_ISteamUtils_GetAppID"]
        app_id.restype = c_uint
        return int(app_id(self._interface))

    def IsOverlayEnabled(self) -> bool:
        enabled = self._library["SteamAPI_ISteamUtils_IsOverlayEnabled"]
        enabled.restype = c_bool
        return bool(enabled(self._interface))


class _Friends:
    def __init__(self, library: ctypes.CDLL, interface: c_void_p) -> None:
        self._library = library
        self._interface = interface

    def ActivateGameOverlayToWebPage(self, url: bytes, mode: int) -> None:
        activate = self._library["SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage"]
        activate.restype = None
        activate(self._interface, c_char_p(url), c_int(mode))


@dataclass(frozen=True)
class Scripted:
    """Steam's answer to one request for a ticket."""

    drains: int = 1
    """The number of drains before the callback comes. 0: it comes before the request returns."""
    result: int = 1
    size: int | None = None
    """The value of `m_cubTicket`. None: the ticket's true size."""
    no_handle: bool = False
    silent: bool = False
    callback: str = "GetTicketForWebApiResponse_t"
    """The kind of the callback: this one, SteamShutdown_t, SteamServersDisconnected_t or SteamServerConnectFailure_t."""


class ScriptedAchievement(Achievement):
    """Follows a script, without a library. The n-th entry answers the n-th request, and the last one all later requests."""

    def __init__(
        self,
        script: Iterable[Scripted] = (Scripted(),),
        *,
        ticket: Callable[[str], bytes] = lambda identity: b"ticket for " + identity.encode(),
        app_id: int = 480,
    ) -> None:
        self.calls: list[tuple[str, int]] = []
        """Every call in order: "request" and "cancel", each with its handle."""
        self.steam = _Steam(self._callbacks)
        self.steamapi = SimpleNamespace(SteamUser=lambda: self, SteamUtils=lambda: self)
        self._script = list(script)
        self._ticket = ticket
        self._app_id = app_id
        self._due: list[tuple[int, ctypes.Structure]] = []
        self._next_handle = 1

    def GetAppID(self) -> c_uint:
        """See ISteamUtils."""
        return c_uint(self._app_id)

    def GetAuthTicketForWebApi(self, identity: bytes) -> c_uint:
        """ISteamUser."""
        meets = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if meets.no_handle:
            return c_uint(0)
        handle, self._next_handle = self._next_handle, self._next_handle + 1
        self.calls.append(("request", handle))
        callback = next(kind for kind in _CALLBACKS.values() if kind.__name__ == meets.callback)()
        if isinstance(callback, GetTicketForWebApiResponse_t):
            ticket = self._ticket(identity.decode())
            ctypes.memset(ctypes.addressof(callback), 0xCC, ctypes.sizeof(callback))
            ctypes.memmove(callback.m_rgubTicket, ticket, len(ticket))
            callback.m_hAuthTicket, callback.m_eResult = handle, EResult(meets.result)
            callback.m_cubTicket = len(ticket) if meets.size is None else meets.size
        if not meets.silent:
            self._due.append((meets.drains, callback))
        if meets.drains == 0:
            self.steam.periodic()
        return c_uint(handle)

    def CancelAuthTicket(self, handle: int) -> None:
        """ISteamUser."""
        self.calls.append(("cancel", handle))

    def _callbacks(self) -> Iterator[Any]:
        due, self._due = self._due, []
        self._due = [(drains - 1, callback) for drains, callback in due if drains > 1]
        for drains, callback in due:
            if drains <= 1:
                yield callback
                ctypes.memset(ctypes.addressof(callback), 0xDD, ctypes.sizeof(callback))  # the callback is freed
