"""What a login in the background does to frames: the same loop with and without one, in turn, each in a fresh process.

    python benchmarks/frame_time.py [--runs 40] [--loop bare|pygame] [--fps 240] [--json]

A run draws frames; after a quarter of a second the login starts, and brings all its imports. Frame time is
from one frame's start to the next. Both kinds are judged over the same frames: from the login's start until it is over,
which in the loop without one is as many frames as the login took in the run before.

The worst frames are those in which the login's thread holds the interpreter: with `--plain` up to the switch interval of
5 ms, several times over. In small steps (`small_steps`) it is one module at a time; what is left are modules that cannot be
divided: OpenSSL's library being loaded, ctypes, h11's regular expressions, some with many dataclasses.

Packages that a game does not bring, and that httpx and httpcore import where they happen to be installed, are hidden; with
`--everything` they are not. `--plain` has modules imported without stepping aside, for comparison (`small_steps`).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from figures import percentile, run_fresh

HIDDEN = ("trio", "click", "rich", "pygments", "attr", "h2", "socksio", "brotli", "brotlicffi", "zstandard")
SAMPLE = Path(__file__).resolve().parents[1] / "sample_game" / "pygame"


# --- in the fresh process ------------------------------------------------------------------------------------------------


def frames(loop: str, fps: int, start: int, count: int, with_login: bool, settings: dict[str, Any]) -> dict[str, Any]:
    """Draw, and tell each frame's time, the frame in which the login was over, and what each poll took."""
    from sudomimus_bridge import Bridge

    sys.path.insert(0, str(SAMPLE))
    from pace import Pace

    bridge, pace = Bridge(**settings), Pace(fps)
    draw = _pygame_frame(bridge) if loop == "pygame" else _bare_frame
    times, polls, over, number, running = [], [], count, 0, None
    while number < count or running is not None:
        draw()
        if with_login and number == start:
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
    if given.pop("plain"):
        from sudomimus_bridge._runs import small_steps

        small_steps.STEP_SECONDS = 1e9
    print(json.dumps(frames(**given)))


# --- in the parent -------------------------------------------------------------------------------------------------------


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """The figures of all runs, in milliseconds; polls in microseconds."""
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing._compiled_stub import compiled_stub

    os.environ |= {"STEAM_STUB_TICKET_DELAY_MS": "80", "STEAM_STUB_CHATTER": "0"}
    pooled: dict[str, list[float]] = {"without": [], "with": []}
    worst: dict[str, list[float]] = {"without": [], "with": []}
    polls: list[float] = []
    with Emulator({"budgets": {"attempts_per_application": 10**6, "attempts_global": 10**6}}) as service:
        given = {
            "loop": options.loop,
            "fps": options.fps,
            "start": options.fps // 4,
            "everything": options.everything,
            "plain": options.plain,
            "settings": {
                "application": service.urls["application"],
                "steam_app_id": 480,
                "native_url": service.urls["native"],
                "steam_library": str(compiled_stub()),
            },
        }
        for _ in range(options.runs):
            login = run_fresh(__file__, "--child", json.dumps({**given, "count": options.fps, "with_login": True}))
            count = options.fps // 4 + login["over"]
            none = run_fresh(__file__, "--child", json.dumps({**given, "count": count, "with_login": False}))
            polls += login["polls"]
            for name, run in (("with", login), ("without", none)):
                those = run["times"][: login["over"]]
                pooled[name] += those
                worst[name].append(max(those))
    found: dict[str, Any] = {name: _row(pooled[name], worst[name]) for name in ("without", "with")}
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
    parser.add_argument("--plain", action="store_true")
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
    print("                    p50     p99   p99.9   worst   a run's worst (median)   frames over 6 ms, of each run's")
    for name in ("without", "with"):
        row = found[name]
        shown = "".join(f"{row[part]:8.2f}" for part in ("p50", "p99", "p99.9", "worst"))
        print(f"  {name:<7} a login{shown}{row['worst_p50']:12.2f}{row['over_6ms_a_run']:28.2f} of {row['frames']:.0f}")
    polled = ", ".join(f"{name} {value:.1f}" for name, value in found["poll_us"].items())
    print(f"  poll(), in microseconds: {polled}")


if __name__ == "__main__":
    main()
