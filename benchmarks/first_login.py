"""One login as the first thing that a process does, or the least that it could be: used by `costs.py`.

    python benchmarks/first_login.py '{"side": "bridge", "prepared": false, "settings": {…}}'

The least is one ticket by bare ctypes, then one POST by bare httpx. With `prepared`, the imports come before the time begins.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

_TICKET_FOR_WEB_API = 168
_HEAD = 12
"""Bytes of the callback before the ticket: handle, result, size."""


class _CallbackMsg(ctypes.Structure):
    _pack_ = 4
    _fields_ = (
        ("user", ctypes.c_int32),
        ("id", ctypes.c_int32),
        ("param", ctypes.c_void_p),
        ("size", ctypes.c_int32),
    )


def with_the_bridge(settings: dict[str, Any], *, prepared: bool) -> float:
    """Seconds of a login of the bridge."""
    began = time.perf_counter()
    from sudomimus_bridge import Bridge

    bridge = Bridge(**settings)
    if prepared:
        bridge.prepare()
        began = time.perf_counter()
    bridge.login()
    return time.perf_counter() - began


def with_bare_libraries(settings: dict[str, Any], *, prepared: bool) -> float:
    """Seconds of a ticket and a POST by hand. As in a first login, Steam is initialised and the certificates are read."""
    began = time.perf_counter()
    import httpx

    if prepared:
        client = httpx.Client(trust_env=False)
        began = time.perf_counter()
    else:
        client = httpx.Client(trust_env=False)
    api = ctypes.CDLL(settings["steam_library"])
    ticket, handle, user = _ticket(api)
    body = {"applicationAnchor": settings["application"], "steamTicketHex": ticket.hex(), "steamAppId": 480}
    with client:
        client.post(settings["native_url"] + "/direct-issue/steam-ticket", json=body).raise_for_status()
    api.SteamAPI_ISteamUser_CancelAuthTicket(user, handle)
    return time.perf_counter() - began


def _ticket(api: ctypes.CDLL) -> tuple[bytes, int, ctypes.c_void_p]:
    os.environ["SteamAppId"] = "480"
    api.SteamAPI_SteamUser_v023.restype = ctypes.c_void_p
    if api.SteamAPI_InitFlat(ctypes.create_string_buffer(1024)):
        raise RuntimeError("Steam cannot be initialised")
    api.SteamAPI_ManualDispatch_Init()
    pipe, user = api.SteamAPI_GetHSteamPipe(), ctypes.c_void_p(api.SteamAPI_SteamUser_v023())
    handle: int = api.SteamAPI_ISteamUser_GetAuthTicketForWebApi(user, b"sudomimus")
    message, ticket = _CallbackMsg(), b""
    while not ticket:
        api.SteamAPI_ManualDispatch_RunFrame(pipe)
        while api.SteamAPI_ManualDispatch_GetNextCallback(pipe, ctypes.byref(message)) & 0xFF:
            if message.id == _TICKET_FOR_WEB_API:
                size = int.from_bytes(ctypes.string_at(message.param, _HEAD)[8:12], "little")
                ticket = ctypes.string_at(message.param, _HEAD + size)[_HEAD:]
            api.SteamAPI_ManualDispatch_FreeLastCallback(pipe)
        time.sleep(0.0005)
    return ticket, handle, user


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def main() -> None:
    """Log in once, and print what it took."""
    given = json.loads(sys.argv[1])
    login = with_the_bridge if given["side"] == "bridge" else with_bare_libraries
    seconds = login(given["settings"], prepared=given["prepared"])
    print(json.dumps({"seconds": seconds, "resident": resident()}))


if __name__ == "__main__":
    main()
