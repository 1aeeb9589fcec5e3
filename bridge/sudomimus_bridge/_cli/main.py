"""The program's entry: signals first, then everything else."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .._runs.signals import catch_signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. The exit status is INTERFACES'; whatever happens, one sentence on standard error says why."""
    with catch_signals(until_exit=arguments is None):
        from .commands import run_command  # all that takes time to import

        return run_command(sys.argv[1:] if arguments is None else arguments)
