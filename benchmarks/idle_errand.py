"""What a login costs while the player is in the browser: CPU seconds, wake-ups of its threads, memory before and after.

    python benchmarks/idle_errand.py [--seconds 30 | --full] [--json]

The game's own loop stands still meanwhile, so that everything counted is the bridge's. `--full` waits ten minutes. The
status is asked for every two seconds (BEHAVIOUR, "Errand"), and Steam's queue is looked at once a second. Linux only.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
import tracemalloc
from pathlib import Path
from typing import Any

from figures import run_fresh

FULL_SECONDS = 600.0


def wake_ups() -> dict[str, int]:
    """How often each thread of this process went to sleep and was woken, by the thread's name (proc(5))."""
    found: dict[str, int] = {}
    for task in Path("/proc/self/task").iterdir():
        if task.name == str(os.getpid()):
            continue  # the game's own
        lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        found[task.name] = int(lines["voluntary_ctxt_switches"])
    return found


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def wait_in_child(settings: dict[str, Any], seconds: float) -> dict[str, float]:
    """Sign in until the page is waited for, stand still, and say what that cost."""
    from sudomimus_bridge import Bridge, Phase

    phases: list[Phase] = []
    tracemalloc.start()
    with Bridge(**settings) as bridge:
        login = bridge.start_login(on_progress=lambda event: phases.append(event.phase))
        while Phase.WAITING_FOR_BROWSER not in phases:
            login.poll()
            time.sleep(0.01)
        time.sleep(min(seconds, 5))  # the first poll is past, and what start-up left behind is gone
        gc.collect()
        woken, memory, traced = wake_ups(), resident(), tracemalloc.get_traced_memory()[0]
        cpu, began = time.process_time(), time.monotonic()
        time.sleep(seconds)
        passed, spent = time.monotonic() - began, time.process_time() - cpu
        after = wake_ups()
        gc.collect()
        found = {
            "seconds": passed,
            "cpu_seconds": spent,
            "cpu_percent": 100 * spent / passed,
            "wake_ups_a_second": sum(after[task] - woken.get(task, 0) for task in after) / passed,
            "threads": len(after),
            "resident_before": memory,
            "resident_after": resident(),
            "allocated_growth": tracemalloc.get_traced_memory()[0] - traced,
        }
        login.cancel()
    return found


def measure(seconds: float) -> dict[str, float]:
    """The figures, from a process of its own; the local service runs in this one."""
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing._compiled_stub import compiled_stub

    os.environ["STEAM_STUB_CHATTER"] = "0"
    with Emulator({"claims": {"email": "REQUIRED"}}) as service:
        urls = service.urls
        settings = {
            "application": urls["application"],
            "steam_app_id": 480,
            "native_url": urls["native"],
            "via_url": urls["via"],
            "steam_library": str(compiled_stub()),
            "no_browser": True,
        }
        found: dict[str, float] = run_fresh(__file__, "--child", json.dumps([settings, seconds]))
        return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--full", action="store_true", help="ten minutes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("Wake-ups are read from /proc, which only Linux has.")
    if options.child:
        print(json.dumps(wait_in_child(*json.loads(options.child))))
        return
    found = measure(FULL_SECONDS if options.full else options.seconds)
    if options.json:
        print(json.dumps(found))
        return
    print(f"waiting for the browser for {found['seconds']:.0f} seconds:")
    print(f"  CPU       {found['cpu_seconds']:8.3f} s, {found['cpu_percent']:.3f} % of one processor")
    print(f"  wake-ups  {found['wake_ups_a_second']:8.2f} a second, in {found['threads']} threads")
    mega = {name: found[name] / 1e6 for name in ("resident_before", "resident_after")}
    print(f"  memory    {mega['resident_before']:8.2f} MB before, {mega['resident_after']:.2f} MB after;", end=" ")
    print(f"Python's own objects {found['allocated_growth'] / 1000:+.1f} kB")


if __name__ == "__main__":
    main()
