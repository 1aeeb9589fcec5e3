"""A login over a slow line, beside the least it could take: the slower of ticket and connection, plus one round trip.

    python benchmarks/login_latency.py [--one-way-ms 60] [--runs 5] [--json]

Twice: in virtual time, where only waiting counts and every figure is exact, and in real time on the compiled stub, where
the machine's own work comes on top. "First" is the first login of a process: it imports, loads the library and reads the
certificates, partly while it waits.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

from figures import run_fresh
from latency import HOST, make_certificate, slow_network

URL = f"https://{HOST}"
TICKETS_MS = (80, 400)


def bound(ticket: float, one_way: float) -> dict[str, float]:
    """Seconds that no login can do without. A connection is two round trips: TCP's, and TLS 1.3's (RFC 8446, 2)."""
    trip = 2 * one_way
    return {"ticket": ticket, "connection": 2 * trip, "request": trip, "bound": max(ticket, 2 * trip) + trip}


def in_virtual_time(ticket: float, one_way: float, certificate: Path) -> dict[str, float]:
    """One login, and after how many seconds of it each phase was told."""
    from sudomimus_bridge.login.engine import Engine
    from sudomimus_bridge.service.certificates import tls_context
    from sudomimus_bridge.service.exchange import Exchange
    from sudomimus_bridge.service.remote import RemoteService
    from sudomimus_bridge.service.transport import Connections
    from sudomimus_bridge.settings import read_settings
    from sudomimus_bridge.testing.stub_steam import StubBehaviour, StubSteam
    from sudomimus_bridge.testing.virtual_time import VirtualClock

    clock, phases = VirtualClock(), {}

    @asynccontextmanager
    async def service(_settings: Any, _clock: Any) -> Any:
        exchange = Exchange(URL, Connections(URL, tls_context()), clock)  # built ahead: building takes real time
        yield RemoteService(exchange, exchange, exchange, exchange, clock)
        await exchange.aclose()

    engine = Engine(
        read_settings({"application": "my-game", "steam_app_id": 480, "native_url": URL}, environ={}),
        steam=StubSteam(clock, behaviours=[StubBehaviour(delay=ticket)]),
        clock=clock,
        open_service=service,
    )

    async def login() -> float:
        began = clock.now()
        await engine.login_steam(lambda event: phases.update({event.phase.value: clock.now() - began}))
        return clock.now() - began

    with slow_network(one_way, certificate):
        return {"login": clock.run(login), **phases}


def in_real_time(ticket_ms: int, one_way: float, certificate: Path, runs: int) -> dict[str, float]:
    """The first login of this process, and the median of those that follow. For a process of its own."""
    began = time.perf_counter()
    from sudomimus_bridge import Bridge
    from sudomimus_bridge.testing.compiled_stub import compiled_stub

    path = compiled_stub()
    os.environ |= {"STEAM_STUB_TICKET_DELAY_MS": str(ticket_ms), "STEAM_STUB_CHATTER": "0"}
    times = []
    with (
        slow_network(one_way, certificate),
        Bridge(application="my-game", steam_app_id=480, steam_library=path, native_url=URL) as bridge,
    ):
        for _ in range(runs + 1):
            began = time.perf_counter()
            bridge.login()
            times.append(time.perf_counter() - began)
    return {"first": times[0], "later": median(times[1:])}


def measure(one_way: float, runs: int) -> dict[str, dict[str, float]]:
    """Everything, in seconds, by the ticket's milliseconds."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        certificate = make_certificate(Path(folder))
        for ticket_ms in TICKETS_MS:
            found[str(ticket_ms)] = {
                **bound(ticket_ms / 1000, one_way),
                **in_virtual_time(ticket_ms / 1000, one_way, certificate),
            }
            if runs:
                given = json.dumps([ticket_ms, one_way, str(certificate), runs])
                found[str(ticket_ms)] |= run_fresh(__file__, "--child", given)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--one-way-ms", type=float, default=60)
    parser.add_argument("--runs", type=int, default=5, help="real logins after the first; 0 for virtual time alone")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        ticket_ms, one_way, certificate, runs = json.loads(options.child)
        print(json.dumps(in_real_time(ticket_ms, one_way, Path(certificate), runs)))
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


if __name__ == "__main__":
    main()
