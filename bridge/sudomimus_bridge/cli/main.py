"""The program's entry: signals first, then everything else."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .signals import signals_interrupt

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. The exit status is INTERFACES'; whatever happens, one sentence on standard error says why."""
    with signals_interrupt(until_exit=arguments is None):
        try:
            from .commands import run_command  # all that takes time to import

            status = run_command(sys.argv[1:] if arguments is None else arguments)
        except KeyboardInterrupt:
            if sys.stderr is not None:
                print("sudomimus-bridge: interrupted.", file=sys.stderr)
            status = _INTERRUPTED
        if status == _INTERRUPTED:
            # A KeyboardInterrupt in code that was given to exec() as a string, as dataclasses does at import, has CPython
            # kill the process with SIGINT in the end, caught or not (run_eval_code_obj); the next such exec() undoes that.
            exec("")  # noqa: S102
        return status
