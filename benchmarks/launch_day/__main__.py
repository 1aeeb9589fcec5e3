"""`python -m benchmarks.launch_day`: simulate launch days, and write a report with plots. Needs the extra `benchmarks`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .report import SHORT, Sizes, write_report


def main() -> int:
    """Write the report. The exit status is 1 if something that must hold does not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.launch_day", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path("build/launch-day"), help="the folder (default build/launch-day)"
    )
    parser.add_argument("--short", action="store_true", help="small crowds, within seconds")
    arguments = parser.parse_args()
    holds = write_report(
        arguments.out, SHORT if arguments.short else Sizes(), lambda text: print(f"{text}…", file=sys.stderr)
    )
    print(arguments.out / "report.md")
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
