"""Runs a flow for a command. A signal cancels the flow and its ticket."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from .._runs.running import Flow, Running
from .._runs.signals import exit_after, on_signal
from .._values.errors import LoginCancelled
from .._values.events import OnProgress

T = TypeVar("T")

CLEAN_UP_SECONDS = 1.7
"""How long the clean-up after a signal may take. Then the process ends, even if a call into Steam's library hangs."""


def run(
    flow: Flow[T], on_progress: OnProgress | None = None, cancelled: Callable[[], LoginCancelled] = LoginCancelled
) -> T:
    """Run a flow to its end. After a signal and the clean-up, this raises the error that `cancelled` makes."""
    running = Running(flow, on_progress, cancelled=cancelled)
    with on_signal(partial(_cancel, running)):
        result = running.block()
    if running.cancel_called:  # the signal came too late to cancel anything
        raise cancelled()
    return result


def _cancel(running: Running[Any]) -> None:
    """Handle a signal. It may arrive while the event loop is being built or closed, so this raises nothing."""
    if not running.cancel_called:
        exit_after(CLEAN_UP_SECONDS, LoginCancelled.exit_status)
    running.cancel()
