"""A login over a slow line, beside the least it could take: the slower of ticket and connection, plus one round trip.

    python benchmarks/login_latency.py [--one-way-ms 60] [--runs 5] [--json]

Twice: in virtual time, where only waiting counts and every figure is exact, and in real time on the compiled stub, where
the machine's own work comes on top. "First" is the first login of a process: it imports everything from anyio on, loads the
library and reads the certificates, partly while it waits. "Prepared" is the first login of a process that called `prepare()`,
and is compared with the later login of the same process. Packages that a game does not bring are hidden, as in `frame_time`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from figures import run_fresh
from frame_time import HIDDEN

URL = "https://service.test"
TICKETS_MS = (80, 400)


def bound(ticket: float, one_way: float) -> dict[str, float]:
    """Seconds that no login can do without. A connection is two round trips: TCP's, and TLS 1.3's (RFC 8446, 2)."""
    trip = 2 * one_way
    return {"ticket": ticket, "connection": 2 * trip, "request": trip, "bound": max(ticket, 2 * trip) + trip}


def in_virtual_time(ticket: float, one_way: float, certificate: Path) -> dict[str, float]:
    """One login, and after how many seconds of it each phase was told."""
    from sudomimus_bridge._login.methods import Steam
    from sudomimus_bridge._login.ports import Ports
    from sudomimus_bridge._login.sign_in import sign_in
    from sudomimus_bridge._service import connecting
    from sudomimus_bridge._service.ahead import Ahead
    from sudomimus_bridge._service.certificates import tls_context
    from sudomimus_bridge._service.exchange import Exchange
    from sudomimus_bridge._service.remote import RemoteService
    from sudomimus_bridge._service.transport import Connections
    from sudomimus_bridge._settings import read_settings
    from sudomimus_bridge.testing._stub_steam import StubBehaviour, StubSteam
    from sudomimus_bridge.testing._virtual_time import VirtualClock

    clock, phases = VirtualClock(), {}

    @asynccontextmanager
    async def service(_settings: Any, _clock: Any) -> Any:
        ahead, tls = Ahead(), tls_context()
        ahead.trust(tls)
        exchange = Exchange(URL, Connections(ahead, tls), clock)  # built ahead: building takes real time
        yield RemoteService(exchange, exchange, exchange, exchange, clock)
        await exchange.aclose()

    ports = Ports(
        read_settings({"application": "my-game", "steam_app_id": 480, "native_url": URL}, environ={}),
        steam=StubSteam(clock, behaviours=[StubBehaviour(delay=ticket)]),
        clock=clock,
        open_service=service,
    )

    async def login() -> float:
        began = clock.now()
        await sign_in(Steam(), ports, lambda event: phases.update({event.phase.value: clock.now() - began}))
        return clock.now() - began

    async def in_no_time(_key: Any, look_up: Any) -> Any:
        return look_up()  # a thread would take real time

    from latency import slow_network

    with slow_network(one_way, certificate), patch.object(connecting, "shared_in_thread", in_no_time):
        return {"login": clock.run(login), **phases}


def in_real_time(given: dict[str, Any]) -> dict[str, float]:
    """The first login of this process, and the one that follows. For a process of its own."""
    for name in HIDDEN:
        sys.modules[name] = None  # type: ignore[assignment]
    from sudomimus_bridge import Bridge

    one_way, certificate = given["one_way"], Path(given["certificate"])
    bridge = Bridge(application="my-game", steam_app_id=480, steam_library=given["library"], native_url=URL)
    began = time.perf_counter()
    from latency import slow_network  # brings anyio and asyncio, which a login would import first of all

    with slow_network(one_way, certificate), bridge:
        if given["prepare"]:
            bridge.prepare()
            began = time.perf_counter()
        bridge.login()
        first = time.perf_counter()
        bridge.login()
        return {"first": first - began, "later": time.perf_counter() - first}


def measure(one_way: float, runs: int) -> dict[str, dict[str, float]]:
    """Everything, in seconds, by the ticket's milliseconds."""
    from latency import make_certificate

    from sudomimus_bridge.testing._compiled_stub import compiled_stub

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder))
        for ticket_ms in TICKETS_MS:
            row = bound(ticket_ms / 1000, one_way) | in_virtual_time(ticket_ms / 1000, one_way, certificate)
            if runs:
                os.environ |= {"STEAM_STUB_TICKET_DELAY_MS": str(ticket_ms), "STEAM_STUB_CHATTER": "0"}
                given = {"one_way": one_way, "certificate": str(certificate), "library": str(compiled_stub())}
                real: dict[bool, list[dict[str, float]]] = {False: [], True: []}
                for prepare in (False, True) * runs:
                    real[prepare].append(run_fresh(__file__, "--child", json.dumps({**given, "prepare": prepare})))
                row |= {name: median(run[name] for run in real[False]) for name in ("first", "later")}
                row["prepared"] = median(run["first"] for run in real[True])
                row["prepared_ratio"] = median(run["first"] / run["later"] for run in real[True])
            found[str(ticket_ms)] = row
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--one-way-ms", type=float, default=60)
    parser.add_argument("--runs", type=int, default=5, help="processes to log in twice in; 0 for virtual time alone")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(in_real_time(json.loads(options.child))))
        return
    found = measure(options.one_way_ms / 1000, options.runs)
    if options.json:
        print(json.dumps(found))
        return
    for ticket_ms, row in found.items():
        milli = {name: value * 1000 for name, value in row.items()}
        print(f"ticket of {ticket_ms} ms, {options.one_way_ms:g} ms each way:")
        print(f"  the least      {milli['bound']:7.1f} ms   the slower of ticket {milli['ticket']:.0f} and connection")
        print(
            f"                              {milli['connection']:.0f}, then the request's round trip {milli['request']:.0f}"
        )
        print(f"  virtual time   {milli['login']:7.1f} ms   x {milli['login'] / milli['bound']:.3f}")
        print(
            f"                              ticket there at {milli['issuing']:.0f}, tokens at {milli['succeeded']:.0f}"
        )
        if "later" in milli:
            print(f"  real time      {milli['later']:7.1f} ms   x {milli['later'] / milli['bound']:.3f}")
            print(f"  real, first    {milli['first']:7.1f} ms   x {milli['first'] / milli['bound']:.3f}")
            print(f"  real, prepared {milli['prepared']:7.1f} ms   x {row['prepared_ratio']:.3f} of a later one")


if __name__ == "__main__":
    main()
