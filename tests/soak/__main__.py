"""`python -m tests.soak [--minutes 60] [--seed S]`: play for that long, and print what the two processes use. Linux only."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from .run import Soak


def main() -> int:
    """Play, and print. The exit status is 1 if something has grown."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        flaws = Soak(Path(folder), arguments.minutes * 60, arguments.seed).played()
    for flaw in flaws:
        print(f"does not hold: {flaw}")
    return 1 if flaws else 0


if __name__ == "__main__":
    sys.exit(main())
