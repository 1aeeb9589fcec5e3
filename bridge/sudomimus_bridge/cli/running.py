"""Running a flow from the command line: Ctrl-C and SIGTERM cancel it, and the tickets with it.

From the first line of `main` on, both signals end in exit status 130; while a flow runs they cancel it, so that clean-up
happens where it belongs.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn, TypeVar

import anyio

from ..errors import LoginCancelled
from ..login.concurrency import alongside

T = TypeVar("T")

PATIENCE_SECONDS = 1.7
"""How long clean-up may take after a signal. A Steam library that is stuck in a call must not keep the player."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Have SIGTERM raise `KeyboardInterrupt`, as SIGINT does, for as long as the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = [(number, signal.signal(number, _interrupt)) for number in _SIGNALS]
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def run(flow: Callable[[], Awaitable[T]]) -> T:
    """Run a flow to its end. Raises `LoginCancelled` where a signal came, after everything is cleaned up."""
    return anyio.run(_cancelled_by_signals, flow)


async def _cancelled_by_signals(flow: Callable[[], Awaitable[T]]) -> T:
    scope = anyio.CancelScope()
    async with alongside(lambda: _watch_signals(scope)):
        with scope:
            return await flow()
    raise LoginCancelled


async def _watch_signals(scope: anyio.CancelScope) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    try:
        with anyio.open_signal_receiver(*_SIGNALS) as received:
            async for _ in received:
                _last_resort().start()
                scope.cancel()
    except NotImplementedError:  # Windows: Python's own handlers run in the main thread, which is the event loop's
        loop = anyio.lowlevel.current_token()

        def cancel(_number: int, _frame: FrameType | None) -> None:
            _last_resort().start()
            anyio.from_thread.run_sync(scope.cancel, token=loop)

        for number in _SIGNALS:
            signal.signal(number, cancel)
        await anyio.sleep_forever()
    finally:
        for number in _SIGNALS:  # asyncio puts the system's defaults back, under which SIGTERM would kill
            signal.signal(number, _interrupt)


def _last_resort() -> threading.Timer:
    timer = threading.Timer(PATIENCE_SECONDS, os._exit, [LoginCancelled.exit_status])
    timer.daemon = True
    return timer


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
