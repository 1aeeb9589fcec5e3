"""Log lines without secrets, for a program that logs to standard error: the command line and the sidecar."""

from __future__ import annotations

import logging

from .secret import printable, redact

FORMAT = "%(asctime)s %(name)s %(levelname)s %(message)s"


class RedactingFormatter(logging.Formatter):
    """Masks every secret in a finished log line, exceptions included, and removes what would steer a terminal."""

    def __init__(self, format_: str = FORMAT) -> None:
        super().__init__(format_)

    def format(self, record: logging.LogRecord) -> str:
        """The line. Formats on the thread that logs: a secret can be masked only while it is alive."""
        return printable(redact(super().format(record)), keep="\n\t")


def describe_crash(error: BaseException | None) -> str:
    """The kind, the place and the message of a bug, on one line. The message may hold anything, so it is masked."""
    trace = None if error is None else error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = ""
    if trace is not None:
        code = trace.tb_frame.f_code
        file = code.co_filename.replace("\\", "/").rpartition("/")[2]
        place = f" in {file}:{trace.tb_lineno} ({code.co_name})"
    return f"{type(error).__name__}{place}: {printable(redact(str(error))[:300])}"
