"""Running a flow from the command line: a signal cancels it, and the tickets with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from ..errors import LoginCancelled
from ..login.concurrency import alongside
from ..steam.worker import waker
from .signals import on_signal

T = TypeVar("T")

PATIENCE_SECONDS = 1.7
"""How long clean-up may take after a signal. A Steam library that is stuck in a call must not keep the player."""


def run(flow: Callable[[], Awaitable[T]]) -> T:
    """Run a flow to its end. Raises `LoginCancelled` where a signal came, after everything is cleaned up."""
    return anyio.run(_cancelled_by_signals, flow)


async def _cancelled_by_signals(flow: Callable[[], Awaitable[T]]) -> T:
    scope, signalled = anyio.CancelScope(), anyio.Event()
    wake = waker(signalled)

    def cancel() -> None:
        _last_resort().start()
        wake()

    async def watch() -> None:
        await signalled.wait()
        scope.cancel()

    with on_signal(cancel):
        async with alongside(watch):
            with scope:
                result = await flow()
                if not signalled.is_set():
                    return result
    raise LoginCancelled


def _last_resort() -> threading.Timer:
    timer = threading.Timer(PATIENCE_SECONDS, os._exit, [LoginCancelled.exit_status])
    timer.daemon = True
    return timer
