"""What the benchmarks share: percentiles, and programs of their own, for what happens once in a process."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Sequence
from typing import Any


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that `part` of all values do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * part) - 1)]


def run_fresh(*arguments: str) -> Any:
    """A fresh Python on these arguments: the JSON on the last line of its output."""
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:2])} ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])
