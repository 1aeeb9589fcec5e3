"""SIGINT and SIGTERM, from the program's first line to its last: both end it with exit status 130.

Only what Python has at hand from its start is imported here, so that a signal during all other imports finds this in place.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_INTERRUPTED = 130


def _leave() -> NoReturn:
    """While modules are imported there is nothing to clean up, and an exception may end anywhere in other people's code."""
    try:
        os.write(2, b"sudomimus-bridge: interrupted.\n")
    finally:
        os._exit(_INTERRUPTED)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


_action: Callable[[], None] = _interrupt
_overlook = False


def _received(_number: int, _frame: FrameType | None) -> None:
    global _overlook
    if _overlook:
        _overlook = False
    else:
        _action()


@contextmanager
def catch_signals(*, until_exit: bool) -> Iterator[None]:
    """Have both signals end the program while the block runs, but where `interruptible` or `on_signal` say how.

    With `until_exit` the process ends after the block, and a signal must not spoil its exit status any more.
    """
    global _overlook
    if threading.current_thread() is not threading.main_thread():  # no other may set handlers
        yield
        return
    _overlook = False
    with on_signal(_leave if until_exit else _interrupt):
        before = [(number, signal.signal(number, _received)) for number in _SIGNALS]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, signal.SIG_IGN if until_exit else handler)


def interruptible() -> AbstractContextManager[None]:
    """Have a signal raise `KeyboardInterrupt` while the block runs."""
    return on_signal(_interrupt)


@contextmanager
def on_signal(action: Callable[[], None]) -> Iterator[None]:
    """Have a signal do something else while the block runs."""
    global _action
    before, _action = _action, action
    try:
        yield
    finally:
        _action = before


def answering() -> None:
    """The answer is on its way out: from here on a signal comes too late. Only a second one still interrupts."""
    global _overlook
    _overlook = True
