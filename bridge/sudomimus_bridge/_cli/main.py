"""The entry point. It sets the signal handlers before it imports anything else."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .._runs.signals import catch_signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status (docs/reference/command-line.md). If it fails, standard error says why."""
    with catch_signals(until_exit=arguments is None):
        from .commands import run_command  # this takes time, and a signal may arrive meanwhile

        return run_command(sys.argv[1:] if arguments is None else arguments)
