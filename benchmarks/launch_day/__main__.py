"""`python -m benchmarks.launch_day`: simulates launch days and writes a report with plots. Needs the extra `benchmarks`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .report import SHORT, Sizes, write_report


def main() -> int:
    """Write the report. Returns the exit status: 1 if a requirement of the report does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.launch_day", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("build/launch-day"), help="the folder of the report (default build/launch-day)"
    )
    parser.add_argument("--short", action="store_true", help="simulate fewer and smaller crowds; takes seconds")
    arguments = parser.parse_args()
    holds = write_report(
        arguments.out, SHORT if arguments.short else Sizes(), lambda text: print(f"{text}…", file=sys.stderr)
    )
    print(arguments.out / "report.md")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
