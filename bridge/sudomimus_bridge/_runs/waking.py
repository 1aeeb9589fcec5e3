"""Waking an event loop from another thread or from a signal handler, on asyncio and trio alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import anyio


def call_soon() -> Callable[[Callable[[], object]], object]:
    """How any thread has this event loop call a function soon. The call raises `RuntimeError` if the loop is gone."""
    from anyio import lowlevel

    loop: Any = lowlevel.current_token().native_token
    soon: Callable[[Callable[[], object]], object] = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
    return soon


class Waker:
    """Sets an event of this event loop from any thread, without waiting for the loop."""

    def __init__(self, event: anyio.Event) -> None:
        self._soon = call_soon()
        self._set = event.set

    def __call__(self) -> bool:
        """Set the event. False if the loop is gone, and with it every task that waited."""
        try:
            self._soon(self._set)
        except RuntimeError:  # trio's RunFinishedError is one, too
            return False
        return True
