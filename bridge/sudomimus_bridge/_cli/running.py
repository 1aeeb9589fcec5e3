"""Running a flow from the command line: a signal cancels it, and the tickets with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from .._login.concurrency import alongside
from .._runs.signals import exit_after, on_signal
from .._runs.threads import waker
from .._values.errors import LoginCancelled

T = TypeVar("T")

PATIENCE_SECONDS = 1.7
"""How long clean-up may take after a signal. A Steam library that is stuck in a call must not keep the player."""


def run(flow: Callable[[], Awaitable[T]], cancelled: LoginCancelled | None = None) -> T:
    """Run a flow to its end. Raises `cancelled` where a signal came, after everything is cleaned up."""
    signalled, cancelled = _Signalled(), cancelled or LoginCancelled()
    with on_signal(signalled):
        result = anyio.run(_cancelled_by, signalled, flow, cancelled)
    if signalled.happened:  # nothing was left to cancel
        raise cancelled
    return result


async def _cancelled_by(signalled: _Signalled, flow: Callable[[], Awaitable[T]], cancelled: LoginCancelled) -> T:
    scope, arrived = anyio.CancelScope(), anyio.Event()
    signalled.wake = waker(arrived)
    if signalled.happened:
        arrived.set()

    async def watch() -> None:
        await arrived.wait()
        scope.cancel()

    async with alongside(watch):
        with scope:
            return await flow()
    raise cancelled


class _Signalled:
    """What a signal does while a flow runs, its event loop being built and closed included, where nothing may raise."""

    def __init__(self) -> None:
        self.happened = False
        self.wake: Callable[[], object] = lambda: None

    def __call__(self) -> None:
        if not self.happened:
            exit_after(PATIENCE_SECONDS, LoginCancelled.exit_status)
        self.happened = True
        self.wake()
