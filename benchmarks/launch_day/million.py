"""The cost of the simulation: CPU time and memory of one run, measured in a process of its own."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from .crowds import crowd
from .measures import Scenario, outcome
from .policies import PATIENT_POLICY
from .service import Conditions


@dataclass(frozen=True)
class Cost:
    """One crowd of patient players within five minutes: the cost of its simulation, and the players' attempts and waits."""

    players: int
    seconds: float
    megabytes: float
    ratio: float
    attempts: float
    median_wait: float


def cost_of(players: int) -> Cost:
    """Simulate a crowd of this size in a new process."""
    command = [sys.executable, "-m", __name__, str(players)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=True)
    return Cost(**json.loads(done.stdout))


def _measured(players: int) -> Cost:
    began = time.process_time()
    scenario = Scenario(crowd("within five minutes", players), Conditions())
    found = outcome(PATIENT_POLICY, scenario)
    seconds = time.process_time() - began  # CPU time, because other programs may be running
    kilobytes = _most_kilobytes()
    return Cost(players, seconds, kilobytes / 1024, found.ratio, found.attempts, found.wait(0.5))


def _most_kilobytes() -> float:
    """The peak memory of this process. On Linux, `ru_maxrss` would include the peak of the parent before the fork."""
    status = Path("/proc/self/status")
    if status.exists():
        return float(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])  # type: ignore[index]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)


if __name__ == "__main__":
    print(json.dumps(asdict(_measured(int(sys.argv[1])))))
