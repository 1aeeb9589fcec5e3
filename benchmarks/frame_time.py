"""What a login in the background does to frames: the same loop with and without one, each in a fresh process.

    python benchmarks/frame_time.py [--runs 40] [--loop bare|pygame] [--fps 240] [--ways without,prepared,…] [--other FOLDER]

A run draws frames; after a quarter of a second the login starts, and brings all its imports. Frame time is
from one frame's start to the next. Both kinds are judged over the same frames: from the login's start until it is over,
which in the loop without one is as many frames as the login took in the run before.

Each run plays all ways, one after the other, so that a busy machine slows all of them alike:

    without       no login
    prepared      a login after `prepare()`
    unprepared    a login that imports in small steps (`small_steps`), as it does without `prepare()`
    plain         without any of this: a thread that imports holds the interpreter for the switch interval of 5 ms
    other         an unprepared login of another checkout, of an older commit for example: `--other`

Packages that a game does not bring, and that httpx and httpcore import if they happen to be installed, are hidden; with
`--everything` they are not.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import percentile, run_fresh

HIDDEN = ("trio", "click", "rich", "pygments", "attr", "h2", "socksio", "brotli", "brotlicffi", "zstandard")
WAYS = ("without", "prepared", "unprepared", "plain")
PROJECT = Path(__file__).resolve().parents[1]


# --- in the fresh process ------------------------------------------------------------------------------------------------


def frames(
    project: str, loop: str, fps: int, start: int, count: int, way: str, settings: dict[str, Any]
) -> dict[str, Any]:
    """Draw, and tell each frame's time, the frame in which the login was over, and what each poll took."""
    from sudomimus_bridge import Bridge

    sys.path.insert(0, str(Path(project, "sample_game", "pygame")))
    from pace import Pace

    bridge, pace = Bridge(**settings), Pace(fps)
    draw = _pygame_frame(bridge) if loop == "pygame" else _bare_frame
    if way == "prepared":
        bridge.prepare()
    times, polls, over, number, running = [], [], count, 0, None
    while number < count or running is not None:
        draw()
        if way != "without" and number == start:
            running = bridge.start_login()
        if running is not None:
            began = time.perf_counter()
            result = running.poll()
            polls.append(time.perf_counter() - began)
            if result is not None:
                running, over = None, number + 1
        pace.wait()
        times.append(pace.last)
        number += 1
    bridge.close()
    return {"times": times[start:], "over": over - start, "polls": polls}


def _bare_frame() -> None:
    """A frame in which nothing is drawn."""


def _pygame_frame(bridge: Any) -> Callable[[], None]:
    """The sample's frames; its own sign-in stays unused, since the loop polls by itself."""
    os.environ |= {"SDL_VIDEODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    import pygame
    from game import SIZE, Game

    pygame.display.init()
    pygame.font.init()
    game = Game(pygame.display.set_mode(SIZE), bridge)

    def frame() -> None:
        for event in pygame.event.get():
            game.handle(event)
        game.frame(1 / 240)
        pygame.display.flip()

    return frame


def child(given: dict[str, Any]) -> None:
    """One run, on what the parent says."""
    for name in () if given.pop("everything") else HIDDEN:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own mark for a module that may not be imported
    sys.path.insert(0, str(Path(given["project"], "bridge")))
    if given["way"] == "plain":
        from sudomimus_bridge._runs import small_steps

        small_steps.INTERVAL_SECONDS = 1.0
    print(json.dumps(frames(**given)))


# --- in the parent -------------------------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures of all runs, in milliseconds; polls in microseconds."""
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing._compiled_stub import compiled_stub

    os.environ |= {"STEAM_STUB_TICKET_DELAY_MS": "80", "STEAM_STUB_CHATTER": "0"}
    ways = [*options.ways.split(","), *(["other"] if options.other else [])]
    pooled: dict[str, list[float]] = {way: [] for way in ways}
    worst: dict[str, list[float]] = {way: [] for way in ways}
    polls: list[float] = []
    # As in a shipped game, all bytecode is there: compiling a large module holds the interpreter for tens of milliseconds.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with (
        tempfile.TemporaryDirectory() as cache,
        Emulator({"budgets": {"attempts_per_application": 10**6, "attempts_global": 10**6}}) as service,
    ):
        given = {
            "loop": options.loop,
            "fps": options.fps,
            "start": options.fps // 4,
            "everything": options.everything,
            "settings": {
                "application": service.urls["application"],
                "steam_app_id": 480,
                "native_url": service.urls["native"],
                "steam_library": str(compiled_stub()),
            },
        }
        os.environ["PYTHONPYCACHEPREFIX"] = cache
        projects = dict.fromkeys(ways, str(PROJECT)) | {"other": str(options.other)}
        for way in ways:  # writes the bytecode
            run_fresh(
                __file__, "--child", json.dumps({**given, "project": projects[way], "count": options.fps, "way": way})
            )
        for _ in range(options.runs):
            over = 0
            for way in sorted(ways, key="without".__eq__):  # a loop without a login is as long as the last one with one
                count = options.fps // 4 + over if way == "without" else options.fps
                words = {**given, "project": projects[way], "count": count, "way": way}
                run = run_fresh(__file__, "--child", json.dumps(words))
                over = run["over"] if way != "without" else over
                polls += run["polls"]
                pooled[way] += run["times"][:over]
                worst[way].append(max(run["times"][:over]))
    found: dict[str, Any] = {way: _row(pooled[way], worst[way]) for way in ways}
    micro = [value * 1e6 for value in polls]
    found["poll_us"] = {
        "p50": percentile(micro, 0.5),
        "p99": percentile(micro, 0.99),
        "p99.9": percentile(micro, 0.999),
        "worst": max(micro),
    }
    return found


def _row(times: list[float], worst: list[float]) -> dict[str, float]:
    milli = [value * 1000 for value in times]
    parts = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    return {
        **{name: percentile(milli, part) for name, part in parts.items()},
        "worst": max(milli),
        "worst_p50": percentile(worst, 0.5) * 1000,
        "over_6ms_a_run": sum(value > 6 for value in milli) / len(worst),
        "frames": len(milli) / len(worst),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--loop", choices=("bare", "pygame"), default="pygame")
    parser.add_argument("--fps", type=int, default=240)
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--ways", default=",".join(WAYS), help=f"of {', '.join(WAYS)}; commas between them")
    parser.add_argument("--other", type=Path, metavar="FOLDER", help="another checkout, for the way `other`")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(json.loads(options.child))
        return
    found = measure(options)
    if options.json:
        print(json.dumps(found))
        return
    print(f"{options.loop} loop at {options.fps} frames a second, {options.runs} runs; milliseconds:")
    print("                  p50     p99   p99.9   worst   a run's worst (median)   frames over 6 ms, of each run's")
    for name, row in found.items():
        if name == "poll_us":
            continue
        shown = "".join(f"{row[part]:8.2f}" for part in ("p50", "p99", "p99.9", "worst"))
        print(f"  {name:<12}{shown}{row['worst_p50']:12.2f}{row['over_6ms_a_run']:28.2f} of {row['frames']:.0f}")
    polled = ", ".join(f"{name} {value:.1f}" for name, value in found["poll_us"].items())
    print(f"  poll(), in microseconds: {polled}")


if __name__ == "__main__":
    main()
