"""What `import sudomimus_bridge` costs beside `import httpx, pydantic`, measured in turn in fresh processes.

    python benchmarks/import_time.py [--runs 30] [--json]

The third line is what a game pays before its first frame: the class, and a bridge made of it. The login's own imports
come on the login's own thread; `frame_time.py` shows what they do to frames.
"""

from __future__ import annotations

import argparse
import json
from statistics import median

from figures import run_fresh

CANDIDATES = {
    "bridge": "import sudomimus_bridge",
    "libraries": "import httpx, pydantic",
    "made": "from sudomimus_bridge import Bridge; Bridge(application='my-game', steam_app_id=480)",
}


def one(statement: str) -> float:
    """Seconds that one statement takes in a process that has done nothing else."""
    program = f"import time; began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    return float(run_fresh("-I", "-c", program))


def measure(runs: int) -> dict[str, float]:
    """Medians in milliseconds, and the ratio of the first two."""
    times: dict[str, list[float]] = {name: [] for name in CANDIDATES}
    for _ in range(runs):
        for name, statement in CANDIDATES.items():
            times[name].append(one(statement) * 1000)
    found = {name: median(values) for name, values in times.items()}
    return {**found, "ratio": found["bridge"] / found["libraries"]}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.runs)
    if arguments.json:
        print(json.dumps(found))
        return
    for name, statement in CANDIDATES.items():
        print(f"  {found[name]:7.2f} ms   {statement}")
    print(f"  {found['ratio']:7.3f}      the first beside the second")


if __name__ == "__main__":
    main()
