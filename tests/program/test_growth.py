"""Specifies that many logins in one process, some with faults, leave no memory, threads, descriptors or tickets behind.

`make long` runs a thousand logins.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from ..helpers.steam_helpers import balanced, run_program

LOGINS, SOAKED_LOGINS = 60, 1000

# The game runs these kinds of logins in turn. Each has a fault and an expected end.
GAME = '''
    import gc, itertools, json, os, subprocess, sys, threading, time
    import httpx
    from sudomimus_bridge import Bridge, BridgeError, Phase
    from sudomimus_bridge._values.clock import SystemClock

    # The visitor of the pages has caches of its own, so it runs in a process of its own.
    VISITOR = """if True:
        import sys
        from sudomimus_bridge.emulator._players.visitor import visit_errand
        for line in sys.stdin:
            print(visit_errand(line.strip()), flush=True)
    """
    visitor = subprocess.Popen([sys.executable, "-c", VISITOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    native, via, library, logins, warm_up = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
    control = httpx.Client(base_url=native + "/_emulator/", trust_env=False)

    class Hasty(SystemClock):
        async def sleep(self, seconds):  # waits between attempts; the time-outs of requests stay as they are
            await super().sleep(seconds / 1000)

    KINDS = {
        "signed in": (None, {}, "signed in"),
        "again": (None, {}, "signed in"),
        "reset": ("POST /direct-issue/* reset times=1", {}, "signed in"),
        "garbage": ("POST /direct-issue/* garbage times=2", {}, "signed in"),
        "truncated": ("POST /direct-issue/* truncate times=1", {}, "signed in"),
        "unavailable": ("POST /direct-issue/* 503 times=3", {}, "signed in"),
        "ticket refused": ("POST /direct-issue/* 401 times=1", {}, "signed in"),
        "denied": ("POST /direct-issue/* 403 reason=Layer2Denied times=1", {}, "denied"),
        "given up": ("POST /direct-issue/* reset times=6", {}, "service-unavailable"),
        "no handle": (None, {"STEAM_STUB_TICKET_HANDLE": "0"}, "steam-unavailable"),
        "bad result": (None, {"STEAM_STUB_TICKET_RESULT": "2"}, "steam-unavailable"),
        "cancelled": (None, {"STEAM_STUB_TICKET_CALLBACK": "never"}, "cancelled"),
        "errand": ("errand", {}, "signed in"),
        "errand left": ("errand", {}, "cancelled"),
        "steam closes": (None, {"STEAM_STUB_RUNNING": "0"}, "steam-unavailable"),
    }
    def login(bridge, kind):
        fault, environ, expected = KINDS[kind]
        os.environ.update(environ)
        if fault == "errand":
            control.patch("config", json={"claims": {"email": "REQUIRED"}})
        elif fault:
            control.post("faults", json=fault).raise_for_status()
        seen = []
        running = bridge.start_login(on_progress=seen.append)
        asked = False
        try:
            while running.poll() is None:
                if not asked and kind == "cancelled" and seen:
                    asked = running.cancel() is None
                if not asked and kind.startswith("errand") and seen and seen[-1].phase is Phase.WAITING_FOR_BROWSER:
                    asked = True
                    if kind == "errand":
                        print(seen[-1].errand.url, file=visitor.stdin, flush=True)
                        assert visitor.stdout.readline() == "done\\n"
                        running.done()
                    else:
                        running.cancel()
                time.sleep(0.001)
            ended = "signed in"
        except BridgeError as error:
            ended = error.kind
        assert ended == expected, (kind, ended)
        for name in environ:
            del os.environ[name]
        if fault:
            control.delete("faults")
            control.patch("config", json={"claims": {"email": "OPTIONAL"}})
            control.post("players", json={"steamId": str(76561197960287930), "grants": {"email": "UNKNOWN"}})

    def sizes():
        for _ in range(200):  # the last login's threads are ending
            if threading.active_count() == 2:
                break
            time.sleep(0.01)
        gc.collect()
        handles = [os.readlink(f"/proc/self/fd/{name}") for name in map(str, range(256))
                   if os.path.islink(f"/proc/self/fd/{name}")]
        with open("/proc/self/statm") as statm:
            pages = int(statm.read().split()[1])
        return {
            "threads": threading.active_count(),
            "handles": len(handles),
            "sockets": sum(target.startswith("socket:") for target in handles),
            "blocks": sys.getallocatedblocks(),
            "resident": pages * os.sysconf("SC_PAGESIZE"),
        }

    with Bridge(application="demo-game", steam_app_id=480, native_url=native, via_url=via, steam_library=library,
                no_browser=True, clock=Hasty()) as bridge:
        kinds = itertools.cycle(KINDS)
        for _ in range(warm_up):
            login(bridge, next(kinds))
        before = sizes()
        for _ in range(logins):
            login(bridge, next(kinds))
        after = sizes()
    visitor.communicate()
    print(json.dumps([before, after]))
'''


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="handles are counted in /proc, which only Linux has")
def test_many_logins_leave_nothing_behind(emulator: Emulator, stub_library: Path, stub_log: StubLog, soak: int) -> None:
    logins = LOGINS if soak == 1 else SOAKED_LOGINS
    emulator.update(budgets={"attempts_per_application": 10**6, "attempts_global": 10**6})
    urls = emulator.urls
    arguments = [urls["native"], urls["via"], str(stub_library), str(logins), "60"]
    done = run_program(GAME, *arguments, timeout=60 + logins, cold=True)  # a fork hides some objects from the counts
    assert done.returncode == 0, done.stderr
    before, after = (dict[str, Any](sizes) for sizes in json.loads(done.stdout.splitlines()[-1]))
    for what in ("threads", "handles", "sockets"):
        assert after[what] == before[what], what
    # Each Python object is at least one block. Bounded caches still grow for a while, so the short run finds a leak of several
    # blocks for each login, and the long run a leak of one block.
    assert after["blocks"] - before["blocks"] < max(100, logins / 2) + 300
    assert after["resident"] - before["resident"] < 4_000_000 + 2_000 * logins
    balanced(stub_log)
