"""A Steam library in Python: it records the calls of the connection, and a test sets what they return."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

from sudomimus_bridge.steam import _abi as abi
from sudomimus_bridge.steam._connection import Connection


class FakeSteam:
    """Stands for `SteamLibrary` and for its `api`."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.pipe = 0
        self.user_pointer = 11
        self.utils_pointer = 12
        self.app_id = 480
        self.running = True
        self.logged_on = True
        self.init: tuple[int, str] = (abi.INIT_OK, "")
        self.handles = [1, 2, 3, 4]
        self.queue: list[tuple[int, bytes, int]] = []
        """The callbacks that wait: their id, bytes and stated size."""
        self.overlay = True
        self.registered: dict[int, int] = {}
        """The size of each callback object by its id."""
        self._held: Any = None

    def names(self) -> list[str]:
        return [call[0] for call in self.calls]

    def host_starts(self) -> None:
        self.pipe = 7

    # --- SteamLibrary

    @property
    def api(self) -> Any:
        return self

    def user(self) -> int:
        return self.user_pointer if self.pipe else 0

    def utils(self) -> int:
        return self.utils_pointer if self.pipe else 0

    def has_overlay(self) -> bool:
        return self.overlay

    def show_in_overlay(self, url: str) -> None:
        self.calls.append(("overlay", url))

    def initialise(self) -> tuple[int, str]:
        self.calls.append(("init",))
        if self.init[0] == abi.INIT_OK:
            self.pipe = 1 + self.names().count("init")
        return self.init

    # --- its api

    def GetHSteamPipe(self) -> int:
        return self.pipe

    def IsSteamRunning(self) -> bool:
        return self.running

    def Shutdown(self) -> None:
        self.calls.append(("shutdown",))
        self.pipe = 0

    def ISteamUtils_GetAppID(self, utils: int) -> int:
        assert utils == self.utils_pointer
        return self.app_id

    def ISteamUser_GetAuthTicketForWebApi(self, user: int, identity: bytes) -> int:
        assert user == self.user_pointer
        self.calls.append(("request", identity))
        return self.handles.pop(0)

    def ISteamUser_CancelAuthTicket(self, user: int, handle: int) -> None:
        assert user == self.user_pointer
        self.calls.append(("cancel", handle))

    def ISteamUser_BLoggedOn(self, user: int) -> bool:
        assert user == self.user_pointer
        return self.logged_on

    def ManualDispatch_Init(self) -> None:
        self.calls.append(("manual",))

    def ManualDispatch_RunFrame(self, pipe: int) -> None:
        assert pipe == self.pipe
        self.calls.append(("frame",))

    def ManualDispatch_GetNextCallback(self, pipe: int, message: Any) -> bool:
        assert pipe == self.pipe and self._held is None
        if not self.queue:
            return False
        kind, data, size = self.queue.pop(0)
        self._held = (ctypes.c_uint8 * max(1, len(data)))(*data)
        found = message._obj
        found.id, found.size = kind, size
        found.param = ctypes.cast(self._held, ctypes.POINTER(ctypes.c_uint8)) if data else None
        return True

    def ManualDispatch_FreeLastCallback(self, pipe: int) -> None:
        assert pipe == self.pipe and self._held is not None
        ctypes.memset(self._held, 0xEE, ctypes.sizeof(self._held))
        self._held = None

    def RegisterCallback(self, pointer: Any, callback_id: int) -> None:
        base = abi.CCallbackBase.from_address(pointer.value)
        assert base.id == callback_id
        get_size = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
        table = (ctypes.c_void_p * 3).from_address(base.vtable)
        self.registered[callback_id] = get_size(table[2] or 0)(pointer.value)
        self.calls.append(("register", callback_id))

    def UnregisterCallback(self, pointer: Any) -> None:
        self.calls.append(("unregister", abi.CCallbackBase.from_address(pointer.value).id))


def ticket_callback(handle: int, ticket: bytes = b"\xab\xcd", result: int = 1, size: int | None = None) -> bytes:
    """The bytes of a `GetTicketForWebApiResponse_t`."""
    head = abi.TicketResponseHead(handle, result, len(ticket) if size is None else size)
    return bytes(head) + ticket.ljust(abi.TICKET_MAX, b"\xee")


def connection_on(fake: FakeSteam) -> Connection:
    """A connection on that library, whose worker does nothing by itself."""
    connection = Connection(Path("nowhere"))
    connection._library = fake  # type: ignore[assignment]
    return connection
