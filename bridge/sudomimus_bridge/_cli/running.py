"""Running a flow from the command line: a signal cancels it, and its ticket with it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from .._runs.running import Flow, Running
from .._runs.signals import exit_after, on_signal
from .._values.errors import LoginCancelled
from .._values.events import OnProgress

T = TypeVar("T")

PATIENCE_SECONDS = 1.7
"""How long clean-up may take after a signal. A Steam library that is stuck in a call must not keep the player."""


def run(
    flow: Flow[T], on_progress: OnProgress | None = None, cancelled: Callable[[], LoginCancelled] = LoginCancelled
) -> T:
    """Run a flow to its end. After a signal and the clean-up, this raises the error that `cancelled` makes."""
    running = Running(flow, on_progress, cancelled=cancelled)
    with on_signal(partial(_cancel, running)):
        result = running.block()
    if running.cancel_called:  # the signal came when nothing was left to cancel
        raise cancelled()
    return result


def _cancel(running: Running[Any]) -> None:
    """What a signal does. It may arrive while the event loop is built or closed, where nothing may be raised."""
    if not running.cancel_called:
        exit_after(PATIENCE_SECONDS, LoginCancelled.exit_status)
    running.cancel()
