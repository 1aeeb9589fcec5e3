"""How long a login takes beside the least it could take, measured in turn in the same minute.

The floor is what no client can do without: one bare ctypes ticket cycle on the same library, then one bare httpx POST on a
fresh connection to the same local service. The bridge opens its connection while Steam prepares the ticket, so for slow
tickets it may be below the sum of the two. What it takes beyond the floor is mostly how often Steam's queue is looked at:
every twentieth of the time that the ticket has taken so far, at most 10 ms (`steam.connection`), so half of that on average.

    python benchmarks/login_time.py [--runs 30] [--ticket-ms 80] [--json]
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import statistics
import time
from pathlib import Path

import httpx

from sudomimus_bridge import Bridge
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.steam import _abi as abi
from sudomimus_bridge.steam._library import SteamLibrary, load_library
from sudomimus_bridge.testing._compiled_stub import compiled_stub


def floor(library: SteamLibrary, service: Emulator) -> float:
    """One ticket by hand and one POST, with Steam initialised before."""
    api, user, pipe = library.api, library.user(), library.api.GetHSteamPipe()
    began = time.perf_counter()
    handle = api.ISteamUser_GetAuthTicketForWebApi(user, b"sudomimus")
    message, ticket = abi.CallbackMsg(), b""
    while not ticket:
        api.ManualDispatch_RunFrame(pipe)
        while api.ManualDispatch_GetNextCallback(pipe, ctypes.byref(message)):
            if message.id == abi.GET_TICKET_FOR_WEB_API_RESPONSE:
                head = abi.TicketResponseHead.from_buffer_copy(ctypes.string_at(message.param, 12))
                ticket = ctypes.string_at(message.param, 12 + head.ticket_size)[12:]
            api.ManualDispatch_FreeLastCallback(pipe)
        time.sleep(0.0005)
    urls = service.urls
    body = {"applicationAnchor": urls["application"], "steamTicketHex": ticket.hex(), "steamAppId": 480}
    with httpx.Client(trust_env=False, verify=False) as client:
        client.post(urls["native"] + "/direct-issue/steam-ticket", json=body).raise_for_status()
    api.ISteamUser_CancelAuthTicket(user, handle)
    return time.perf_counter() - began


def floors(path: Path, service: Emulator, runs: int) -> list[float]:
    """The floor, some times over, on an API that is initialised by hand."""
    library = load_library(path)
    os.environ["SteamAppId"] = "480"
    library.initialise()
    library.api.ManualDispatch_Init()
    try:
        return [floor(library, service) for _ in range(runs)]
    finally:
        library.api.Shutdown()


def logins(path: Path, service: Emulator, runs: int) -> list[float]:
    """Logins of one bridge, Steam being open from a first one that is not counted."""
    urls, times = service.urls, []
    with Bridge(
        application=urls["application"], steam_app_id=480, steam_library=path, native_url=urls["native"]
    ) as bridge:
        bridge.login()
        for _ in range(runs):
            began = time.perf_counter()
            bridge.login()
            times.append(time.perf_counter() - began)
    return times


def main() -> None:
    """Measure both in turn, and print their medians and the ratio of each turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--ticket-ms", type=int, default=80)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    os.environ |= {"STEAM_STUB_TICKET_DELAY_MS": str(arguments.ticket_ms), "STEAM_STUB_CHATTER": "0"}
    path = compiled_stub()
    bare: list[float] = []
    ours: list[float] = []
    with Emulator({"budgets": {"attempts_per_application": 10**6, "attempts_global": 10**6}}) as service:
        while len(ours) < arguments.runs:
            bare += floors(path, service, 5)
            ours += logins(path, service, 5)
    ratios = sorted(our / floor_ for our, floor_ in zip(ours, bare, strict=True))
    if arguments.json:
        print(
            json.dumps(
                {"floor": statistics.median(bare), "login": statistics.median(ours), "ratio": statistics.median(ratios)}
            )
        )
        return
    print(f"ticket {arguments.ticket_ms} ms, {len(ours)} runs each, medians:")
    print(f"  floor  {statistics.median(bare) * 1000:7.1f} ms   bare ctypes cycle, then a bare httpx POST")
    print(f"  login  {statistics.median(ours) * 1000:7.1f} ms   Bridge.login()")
    print(f"  ratio  {statistics.median(ratios):7.2f}      (from {ratios[0]:.2f} to {ratios[-1]:.2f})")


if __name__ == "__main__":
    main()
