"""Which signals reach the programs that the tests start."""

from __future__ import annotations

import signal


def pass_signals_on() -> None:
    """Let the programs that tests start see SIGHUP, SIGINT and SIGTERM, even if this process was told to ignore them.

    A process that `nohup` or a shell's `&` started ignores them, and so do its children. No child inherits a handler.
    """
    for name in ("SIGHUP", "SIGINT", "SIGTERM"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if name == "SIGINT" else lambda _number, _frame: None)
