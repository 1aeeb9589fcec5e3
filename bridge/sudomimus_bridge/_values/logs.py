"""Log lines without secrets, for a program that logs to standard error: the command line and the sidecar."""

from __future__ import annotations

import logging

from .secret import place_of, printable, redact

FORMAT = "%(asctime)s %(name)s %(levelname)s %(message)s"


class RedactingFormatter(logging.Formatter):
    """Masks every secret in a log line, exceptions included, and replaces characters that control a terminal."""

    def __init__(self, format_: str = FORMAT) -> None:
        super().__init__(format_)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. The thread that logs calls this, while the secret still exists: later it could not be masked."""
        return printable(redact(super().format(record)), keep="\n\t")


def describe_crash(error: BaseException | None) -> str:
    """The kind, the place and the message of a bug, on one line. The message may hold anything, so it is masked."""
    place = None if error is None else place_of(error)
    return f"{type(error).__name__}{'' if place is None else f' at {place}'}: {printable(redact(str(error))[:300])}"
