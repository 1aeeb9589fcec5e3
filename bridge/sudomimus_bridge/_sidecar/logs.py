"""The sidecar's log on standard error. Lines for which there is no room are dropped, because a launcher that does not read them
must not delay the logins.
"""

from __future__ import annotations

import logging
import queue
import sys
import threading

from .._runs.threads import start_daemon
from .._values.logs import RedactingFormatter, describe_crash
from .streams import write_all

_LINES = 1000
_STANDARD_ERROR = 2

_log = logging.getLogger("sudomimus_bridge")


def log_to_standard_error() -> LogThread:
    """Send all logs, warnings and crashes of threads to standard error. `--verbose` has already set the level."""
    thread = LogThread()
    logging.basicConfig(force=True, level=logging.getLogger().level, handlers=[_Handler(thread)])
    logging.captureWarnings(True)
    threading.excepthook = _log_crash
    sys.unraisablehook = _log_crash
    return thread


def _log_crash(crash: threading.ExceptHookArgs | sys.UnraisableHookArgs) -> None:
    _log.error("%s", describe_crash(crash.exc_value))


class LogThread:
    """Writes lines to standard error on a thread of its own."""

    def __init__(self) -> None:
        self._lines: queue.Queue[bytes | None] = queue.Queue(_LINES)
        self._thread = start_daemon(self._work, name="sudomimus-bridge log")

    def write(self, text: str) -> None:
        """Write one line, or drop it if there is no room."""
        self._put(f"{text}\n".encode("utf-8", "backslashreplace"))

    def close(self, seconds: float) -> None:
        """Wait up to that many seconds until everything is written."""
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
            except OSError:  # the reader has closed it
                return


class _Handler(logging.Handler):
    def __init__(self, thread: LogThread) -> None:
        super().__init__()
        self._thread = thread
        self.setFormatter(RedactingFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._thread.write(self.format(record))
