"""What a login costs while the player is in the browser, beside a bare httpx client that polls as often.

    python benchmarks/idle_errand.py [--seconds 30 | --full] [--json]

Two processes wait at the same time: one has a login of the bridge that waits for an errand, the other has an httpx client
that asks for the status of an errand every two seconds, as the service recommends. The main thread of both sleeps, so all
that is counted belongs to the login or to the client. For each it prints CPU seconds, wake-ups of its threads and memory,
then the two ratios. `--full` waits ten minutes. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from figures import run_fresh

FULL_SECONDS = 600.0
POLL_SECONDS = 2.0


def wake_ups() -> dict[str, int]:
    """How often each thread of this process went to sleep and was woken, by the thread's id (proc(5))."""
    found: dict[str, int] = {}
    for task in Path("/proc/self/task").iterdir():
        if task.name == str(os.getpid()):
            continue  # the main thread
        lines = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        found[task.name] = int(lines["voluntary_ctxt_switches"])
    return found


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def watch(seconds: float) -> dict[str, float]:
    """Sleep, and return what the other threads of this process used meanwhile."""
    time.sleep(min(seconds, 5))  # the first poll is over, and what the start left behind is freed
    gc.collect()
    woken, memory, traced = wake_ups(), resident(), tracemalloc.get_traced_memory()[0]
    cpu, began = time.process_time(), time.monotonic()
    time.sleep(seconds)
    passed, spent = time.monotonic() - began, time.process_time() - cpu
    after = wake_ups()
    gc.collect()
    return {
        "seconds": passed,
        "cpu_seconds": spent,
        "cpu_percent": 100 * spent / passed,
        "wake_ups_a_second": sum(after[task] - woken.get(task, 0) for task in after) / passed,
        "threads": len(after),
        "resident_before": memory,
        "resident_after": resident(),
        "allocated_growth": tracemalloc.get_traced_memory()[0] - traced,
    }


def wait_with_the_bridge(settings: dict[str, Any], seconds: float) -> dict[str, float]:
    """Sign in until the login waits for the page, then watch it."""
    from sudomimus_bridge import Bridge, Phase

    phases: list[Phase] = []
    tracemalloc.start()
    with Bridge(**settings) as bridge:
        login = bridge.start_login(on_progress=lambda event: phases.append(event.phase))
        while Phase.WAITING_FOR_BROWSER not in phases:
            login.poll()
            time.sleep(0.01)
        found = watch(seconds)
        login.cancel()
    return found


def wait_with_httpx(url: str, seconds: float) -> dict[str, float]:
    """Poll the URL on a thread, then watch that thread."""
    polled = threading.Event()

    async def poll() -> None:
        import httpx

        async with httpx.AsyncClient() as client:
            while True:
                (await client.get(url)).json()
                polled.set()
                await asyncio.sleep(POLL_SECONDS)

    tracemalloc.start()
    threading.Thread(target=lambda: asyncio.run(poll()), daemon=True).start()
    if not polled.wait(60):
        raise RuntimeError("the httpx client got no answer")
    return watch(seconds)


def measure(seconds: float) -> dict[str, Any]:
    """Both sets of figures and their ratios; the local service runs in this process."""
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing import compiled_stub

    os.environ["STEAM_STUB_CHATTER"] = "0"
    with Emulator({"claims": {"email": "REQUIRED"}}) as service, ThreadPoolExecutor(2) as both:
        urls = service.urls
        settings = {
            "application": urls["application"],
            "steam_app_id": 480,
            "native_url": urls["native"],
            "via_url": urls["via"],
            "steam_library": str(compiled_stub()),
            "no_browser": True,
        }
        status = f"{urls['native']}/errand/{_errand_key(urls)}/status"
        ours = both.submit(run_fresh, __file__, "--child", json.dumps(["bridge", settings, seconds]))
        bare = both.submit(run_fresh, __file__, "--child", json.dumps(["httpx", status, seconds]))
        return ratios(ours.result(), bare.result())


def ratios(bridge: dict[str, float], httpx: dict[str, float]) -> dict[str, Any]:
    """Both sets of figures, and what the bridge uses for each unit that httpx uses."""
    return {
        **bridge,
        "httpx": httpx,
        "cpu_ratio": bridge["cpu_seconds"] / max(httpx["cpu_seconds"], 1e-9),
        "wake_ups_ratio": bridge["wake_ups_a_second"] / max(httpx["wake_ups_a_second"], 1e-9),
    }


def _errand_key(urls: dict[str, Any]) -> str:
    import httpx

    credentials = {
        "applicationAnchor": urls["application"],
        "accessKeyIdentifier": urls["accessKeyId"],
        "accessKeySecret": urls["accessKeySecret"],
    }
    refused = httpx.post(f"{urls['native']}/direct-issue/access-key", json=credentials)
    return str(refused.json()["errand"]["errandKey"])


def show(name: str, found: dict[str, float]) -> None:
    """Print the figures of one of the two."""
    print(f"{name}, {found['seconds']:.0f} seconds:")
    print(f"  CPU       {found['cpu_seconds']:8.3f} s, {found['cpu_percent']:.3f} % of one processor")
    print(f"  wake-ups  {found['wake_ups_a_second']:8.2f} a second, in {found['threads']} threads")
    mega = {name: found[name] / 1e6 for name in ("resident_before", "resident_after")}
    print(f"  memory    {mega['resident_before']:8.2f} MB before, {mega['resident_after']:.2f} MB after;", end=" ")
    print(f"Python's own objects {found['allocated_growth'] / 1000:+.1f} kB")


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
        kind, *arguments = json.loads(options.child)
        print(json.dumps((wait_with_the_bridge if kind == "bridge" else wait_with_httpx)(*arguments)))
        return
    found = measure(FULL_SECONDS if options.full else options.seconds)
    if options.json:
        print(json.dumps(found))
        return
    show("a login that waits for the browser", found)
    show("a bare httpx client that polls as often", found["httpx"])
    print(f"ratio: CPU {found['cpu_ratio']:.2f}, wake-ups {found['wake_ups_ratio']:.2f}")


if __name__ == "__main__":
    main()
