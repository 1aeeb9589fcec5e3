"""The two ways to get callbacks out of Steam, never both in one process (steamworks/ABI, "Two ways to dispatch").

`ManualDispatch`: the bridge initialised the API and pumps it. `HostDispatch`: the host program did, and its own
`SteamAPI_RunCallbacks` delivers to a callback object that the bridge registers. Both end in `Ledger.deliver`.
"""

from __future__ import annotations

import ctypes
import struct
import sys
from ctypes import c_bool, c_int, c_uint64, c_void_p
from typing import Any, Protocol

from .._values.errors import SteamUnavailable
from .._values.sealed import sealed
from . import _abi as abi
from . import _results as results
from ._ledger import Ledger
from ._library import SteamLibrary


class Dispatch(Protocol):
    """How callbacks reach the ledger. All calls are made on the worker's thread."""

    pipe: int
    """The HSteamPipe that this listens on; another one, or 0, means that Steam was shut down since."""

    def start(self) -> None:
        """Begin to listen."""
        ...

    def pump(self) -> bool:
        """Bring what has come to the ledger; False where Steam has gone away meanwhile."""
        ...

    def stop(self) -> None:
        """Listen no more."""
        ...


class ManualDispatch:
    """Pumps a library that the bridge itself initialised (steam_api.h, "Manual callback loop")."""

    def __init__(self, library: SteamLibrary, ledger: Ledger) -> None:
        self._library = library
        self._ledger = ledger
        self.pipe = 0

    def start(self) -> None:
        """Choose manual dispatch for this process: after Init, before anything else."""
        self._library.api.ManualDispatch_Init()
        self.pipe = self._library.api.GetHSteamPipe()

    @sealed
    def pump(self) -> bool:
        """Drain the queue. Each callback is copied before it is freed, cut to its stated size and to the struct's."""
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
                self._ledger.fail_all(results.SHUTTING_DOWN, "SteamShutdown")
                alive = False
            elif kind in (abi.STEAM_SERVERS_DISCONNECTED, abi.STEAM_SERVER_CONNECT_FAILURE):
                self._ledger.fail_all(results.DISCONNECTED, "SteamDisconnected")
        return alive

    def stop(self) -> None:
        """Nothing to take back: Shutdown ends the pipe."""


# The virtual functions of CCallbackBase, each with `this` first (steam_api_common.h).
_RUN = ctypes.CFUNCTYPE(None, c_void_p, c_void_p)
_RUN_CALL_RESULT = ctypes.CFUNCTYPE(None, c_void_p, c_void_p, c_bool, c_uint64)
_GET_SIZE = ctypes.CFUNCTYPE(c_int, c_void_p)


class CallbackObject:
    """A `CCallbackBase` with three virtual functions, made of ctypes. Keep it alive until after UnregisterCallback."""

    def __init__(self, callback_id: int, size: int, run: Any, *, microsoft: bool = sys.platform == "win32") -> None:
        self._functions = [
            _RUN(lambda _this, param: run(param)),
            _RUN_CALL_RESULT(lambda _this, param, _failed, _call: run(param)),
            _GET_SIZE(lambda _this: size),
        ]
        # The Microsoft compiler lays overloads out in reverse order of declaration, so its first two swap.
        order = (1, 0, 2) if microsoft else (0, 1, 2)
        addresses = [ctypes.cast(self._functions[index], c_void_p).value for index in order]
        self.vtable = (c_void_p * 3)(*addresses)
        self.base = abi.CCallbackBase(ctypes.addressof(self.vtable), 0, callback_id)

    def pointer(self) -> c_void_p:
        """What RegisterCallback and UnregisterCallback take."""
        return c_void_p(ctypes.addressof(self.base))


_retired: list[CallbackObject] = []  # a few hundred bytes for each time that the bridge let go of a host's Steam


class HostDispatch:
    """Listens in a process whose host initialised Steam and pumps it. Neither initialises, nor pumps, nor shuts down."""

    def __init__(self, library: SteamLibrary, ledger: Ledger) -> None:
        self._library = library
        self._ledger = ledger
        self._objects: list[CallbackObject] = []
        self.pipe = 0

    def start(self) -> None:
        """Register one callback object for each callback a login looks at. Raises `SteamUnavailable` on 32-bit Windows."""
        if sys.platform == "win32" and struct.calcsize("P") == 4:
            raise SteamUnavailable(
                "On 32-bit Windows the bridge cannot listen to a game that runs Steam itself. Use a 64-bit Python.",
                reason="ThisCallNotSupported",
            )
        self.pipe = self._library.api.GetHSteamPipe()
        self._register(abi.GET_TICKET_FOR_WEB_API_RESPONSE, abi.TICKET_RESPONSE_SIZE, self._take)
        gone = lambda _param: self._ledger.fail_all(results.SHUTTING_DOWN, "SteamShutdown")  # noqa: E731
        lost = lambda _param: self._ledger.fail_all(results.DISCONNECTED, "SteamDisconnected")  # noqa: E731
        self._register(abi.STEAM_SHUTDOWN, 1, gone)
        self._register(abi.STEAM_SERVERS_DISCONNECTED, 4, lost)
        self._register(abi.STEAM_SERVER_CONNECT_FAILURE, 8, lost)

    def pump(self) -> bool:
        """The host pumps; here it is only noticed when the host has shut Steam down, and perhaps initialised it anew."""
        return bool(self._library.api.GetHSteamPipe() == self.pipe)

    def stop(self) -> None:
        """Take the callback objects back, after the host's own Shutdown too: its next Init would call them again.

        UnregisterCallback does not wait for a delivery on the host's thread, so the objects themselves are kept for good.
        """
        for listener in self._objects:
            self._library.api.UnregisterCallback(listener.pointer())
        _retired.extend(self._objects)
        self._objects.clear()

    def _register(self, callback_id: int, size: int, run: Any) -> None:
        listener = CallbackObject(callback_id, size, run)
        self._objects.append(listener)
        self._library.api.RegisterCallback(listener.pointer(), callback_id)

    @sealed
    def _take(self, param: int) -> None:
        """On the host's thread, inside its SteamAPI_RunCallbacks: copy, and away."""
        size = ctypes.sizeof(abi.TicketResponseHead)
        stated = abi.TicketResponseHead.from_address(param).ticket_size
        self._ledger.deliver(ctypes.string_at(param, size + max(0, min(stated, abi.TICKET_MAX))))
