"""The two ways to receive callbacks from Steam. A process must not mix them (docs/contracts/steam.md, "Dispatch").

`ManualDispatch` is for a process in which the bridge initialised the API: the bridge pumps. `HostDispatch` is for a game that
initialised it: the game's `SteamAPI_RunCallbacks` calls objects that the bridge registers. Both call `Ledger.deliver`.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from ctypes import c_bool, c_int, c_uint64, c_void_p
from typing import Any, Protocol

from .._values.errors import SteamUnavailable
from .._values.secret import sealed
from . import _abi as abi
from . import _results as results
from ._ledger import Ledger
from ._library import SteamLibrary


class Dispatch(Protocol):
    """How callbacks reach the ledger. Every method is called on the worker's thread."""

    pipe: int
    """The HSteamPipe that this listens on. If the library has another pipe, or 0, Steam was shut down since."""

    def start(self) -> None:
        """Begin to listen."""
        ...

    def pump(self) -> bool:
        """Deliver new callbacks to the ledger. False if Steam has shut down."""
        ...

    def stop(self) -> None:
        """Stop listening."""
        ...


class ManualDispatch:
    """Pumps a library that the bridge itself initialised (steam_api.h, "Manual callback loop")."""

    def __init__(self, library: SteamLibrary, ledger: Ledger) -> None:
        self._library = library
        self._ledger = ledger
        self.pipe = 0

    def start(self) -> None:
        """Choose manual dispatch for this process. Call it after Init and before everything else."""
        self._library.api.ManualDispatch_Init()
        self.pipe = self._library.api.GetHSteamPipe()

    @sealed
    def pump(self) -> bool:
        """Empty the queue. Copy each callback before it is freed: at most its stated size, and at most the size of its struct."""
        api, alive = self._library.api, True
        api.ManualDispatch_RunFrame(self.pipe)
        message = abi.CallbackMsg()
        while api.ManualDispatch_GetNextCallback(self.pipe, ctypes.byref(message)):
            try:
                kind, data = message.id, b""
                if kind == abi.GET_TICKET_FOR_WEB_API_RESPONSE and message.param and message.size > 0:
                    data = ctypes.string_at(message.param, min(message.size, abi.TICKET_RESPONSE_SIZE))
            finally:
                api.ManualDispatch_FreeLastCallback(self.pipe)
            if data:
                self._ledger.deliver(data)
            elif kind == abi.STEAM_SHUTDOWN:
                alive = False  # the connection ends all waits
            elif kind in (abi.STEAM_SERVERS_DISCONNECTED, abi.STEAM_SERVER_CONNECT_FAILURE):
                self._ledger.fail_all(results.DISCONNECTED, "SteamDisconnected")
        return alive

    def stop(self) -> None:
        """Do nothing: the caller's Shutdown ends the pipe."""


# The virtual functions of CCallbackBase, each with `this` first (steam_api_common.h).
_RUN = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
_RUN_CALL_RESULT = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_bool, c_uint64)
_GET_SIZE = ctypes.CFUNCTYPE(c_int, c_void_p)


class CallbackObject:
    """A `CCallbackBase` with three virtual functions, built with ctypes. Keep it alive until after UnregisterCallback."""

    def __init__(self, callback_id: int, size: int, run: Any, *, microsoft: bool = sys.platform == "win32") -> None:
        self._run = run
        self._size = size
        self._functions = [_RUN(self._on_run), _RUN_CALL_RESULT(self._on_call_result), _GET_SIZE(self._get_size)]
        # The Microsoft compiler lays out overloads in reverse order, so the first two change places.
        order = (1, 0, 2) if microsoft else (0, 1, 2)
        addresses = [ctypes.cast(self._functions[index], c_void_p).value for index in order]
        self.vtable = (c_void_p * 3)(*addresses)
        self.base = abi.CCallbackBase(ctypes.addressof(self.vtable), 0, callback_id)

    def pointer(self) -> c_void_p:
        """Return the argument for RegisterCallback and UnregisterCallback."""
        return c_void_p(ctypes.addressof(self.base))

    def _on_run(self, _this: int, param: int) -> None:
        self._run(param)

    def _on_call_result(self, _this: int, param: int, _failed: bool, _call: int) -> None:
        self._run(param)

    def _get_size(self, _this: int) -> int:
        return self._size


_retired: list[CallbackObject] = []  # a few hundred bytes for each release of a host's Steam


class HostDispatch:
    """Listens in a process whose host initialised Steam and pumps it. Never initialises, pumps or shuts down."""

    def __init__(self, library: SteamLibrary, ledger: Ledger) -> None:
        self._library = library
        self._ledger = ledger
        self._objects: list[CallbackObject] = []
        self.pipe = 0

    def start(self) -> None:
        """Register an object for each callback that a login needs. Raises `SteamUnavailable` on 32-bit Windows."""
        if sys.platform == "win32" and struct.calcsize("P") == 4:
            raise SteamUnavailable(
                "This version of the game cannot sign in through Steam. Please tell the game's makers.",
                reason="ThisCallNotSupported",
                detail="In a game that runs Steam itself, the bridge cannot receive Steam's callbacks on 32-bit Windows. Ship "
                "the game with a 64-bit Python.",
            )
        self.pipe = self._library.api.GetHSteamPipe()
        self._register(abi.GET_TICKET_FOR_WEB_API_RESPONSE, abi.TICKET_RESPONSE_SIZE, self._on_ticket)
        self._register(abi.STEAM_SHUTDOWN, 1, self._on_shutdown)
        self._register(abi.STEAM_SERVERS_DISCONNECTED, 4, self._on_disconnected)
        self._register(abi.STEAM_SERVER_CONNECT_FAILURE, 8, self._on_disconnected)

    def pump(self) -> bool:
        """Do not pump: the host pumps. False if the host has shut Steam down, even if it has initialised Steam again."""
        return bool(self._library.api.GetHSteamPipe() == self.pipe)

    def stop(self) -> None:
        """Unregister the callback objects, even after the host's Shutdown: after the next Init, Steam would call them again.

        UnregisterCallback does not wait for a call on the host's thread, so the objects are never freed.
        """
        for listener in self._objects:
            self._library.api.UnregisterCallback(listener.pointer())
        _retired.extend(self._objects)
        self._objects.clear()

    def _register(self, callback_id: int, size: int, run: Any) -> None:
        listener = CallbackObject(callback_id, size, run)
        self._objects.append(listener)
        self._library.api.RegisterCallback(listener.pointer(), callback_id)

    def _on_shutdown(self, _param: int) -> None:
        self._ledger.fail_all(results.SHUTTING_DOWN, "SteamShutdown")

    def _on_disconnected(self, _param: int) -> None:
        self._ledger.fail_all(results.DISCONNECTED, "SteamDisconnected")

    @sealed
    def _on_ticket(self, param: int) -> None:
        """Copy the callback, on the host's thread and inside its SteamAPI_RunCallbacks."""
        size = ctypes.sizeof(abi.TicketResponseHead)
        stated = abi.TicketResponseHead.from_address(param).ticket_size
        self._ledger.deliver(ctypes.string_at(param, size + max(0, min(stated, abi.TICKET_MAX))))
