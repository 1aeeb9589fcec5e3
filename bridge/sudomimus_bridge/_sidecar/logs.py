"""What the sidecar says on standard error: masked, and never waited for. A launcher that does not read it must not bring the
logins to a stop, so what finds no room is dropped.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading

from .._runs.threads import start_daemon
from .._values.secret import printable, redact
from .outbox import write_all

_LINES = 1000
_STANDARD_ERROR = 2

_log = logging.getLogger("sudomimus_bridge")


def log_to_standard_error() -> LogThread:
    """Have all logs, warnings and crashes of threads go there; more than warnings only where `--verbose` has asked for it."""
    thread = LogThread()
    logging.basicConfig(force=True, level=logging.getLogger().level, handlers=[_Handler(thread)])
    logging.captureWarnings(True)
    threading.excepthook = lambda args: _log.error("%s", crashed(args.exc_value))
    sys.unraisablehook = lambda args: _log.error("%s", crashed(args.exc_value))
    return thread


def crashed(error: BaseException | None) -> str:
    """What went wrong inside the bridge, and where. Its message may hold anything, so it is masked."""
    place, trace = "", error.__traceback__ if error is not None else None
    while trace is not None:
        code = trace.tb_frame.f_code
        place, trace = (
            f" at {code.co_filename.replace(chr(92), '/').rpartition('/')[2]}:{trace.tb_lineno}",
            trace.tb_next,
        )
    return redact(f"{type(error).__name__}{place}: {error}")[:500]


class LogThread:
    """Writes lines to standard error, on a thread of its own."""

    def __init__(self) -> None:
        self._lines: queue.Queue[bytes | None] = queue.Queue(_LINES)
        self._thread = start_daemon(self._work, name="sudomimus-bridge log")

    def say(self, text: str) -> None:
        """One line, if there is room for it."""
        self._put(f"{text}\n".encode("utf-8", "backslashreplace"))

    def close(self, seconds: float) -> None:
        """Wait that long at most until all is written."""
        self._put(None)
        self._thread.join(seconds)

    def _put(self, line: bytes | None) -> None:
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            return

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                write_all(_STANDARD_ERROR, line)
            except OSError:  # nobody reads it any more
                return


class _Handler(logging.Handler):
    """Formats and masks on the caller's thread, where the secrets are still known."""

    def __init__(self, thread: LogThread) -> None:
        super().__init__()
        self._thread = thread
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))

    def format(self, record: logging.LogRecord) -> str:
        return printable(redact(super().format(record)), keep="\n\t")

    def emit(self, record: logging.LogRecord) -> None:
        self._thread.say(self.format(record))
