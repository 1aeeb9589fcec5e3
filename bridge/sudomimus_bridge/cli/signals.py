"""SIGINT and SIGTERM, from the program's first line to its last: both end it with exit status 130.

Only what Python has at hand from its start is imported here, so that a signal during all other imports finds this in place.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _interrupt() -> None:
    raise KeyboardInterrupt


_on_signal: Callable[[], None] = _interrupt


def _received(_number: int, _frame: FrameType | None) -> None:
    _on_signal()


@contextmanager
def signals_interrupt(*, until_exit: bool) -> Iterator[None]:
    """Have both signals raise `KeyboardInterrupt` while the block runs, but where `on_signal` says otherwise.

    With `until_exit` the process ends after the block, and a signal must not spoil its exit status any more.
    """
    if threading.current_thread() is not threading.main_thread():  # no other may set handlers
        yield
        return
    before = [(number, signal.signal(number, _received)) for number in _SIGNALS]
    try:
        with on_signal(_interrupt):
            yield
    finally:
        for number, handler in before:
            signal.signal(number, signal.SIG_IGN if until_exit else handler)


@contextmanager
def on_signal(action: Callable[[], None]) -> Iterator[None]:
    """Have a signal do something else while the block runs."""
    global _on_signal
    before, _on_signal = _on_signal, action
    try:
        yield
    finally:
        _on_signal = before


def answering() -> None:
    """The answer is on its way out: from here on a signal comes too late. Only a second one still interrupts."""
    global _on_signal

    def overlook() -> None:
        global _on_signal
        _on_signal = _interrupt

    _on_signal = overlook
