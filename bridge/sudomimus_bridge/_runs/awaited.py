"""A flow that its caller waits for, blocking or awaiting, and that another thread may end: `Bridge.close` does.

How a flow runs on a thread of its own is `running`'s. Nothing heavy is imported here before the flow starts.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._values.errors import LoginCancelled
from .exhaustion import exhaustion_as_bridge_error

if TYPE_CHECKING:
    from .._login.progress import DoneSignal
    from .._values.events import OnProgress
    from .running import Flow

T = TypeVar("T")


class Awaited(Generic[T]):
    """The flow itself, to be called once; `cancel` has the call raise `LoginCancelled`."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self._thread = threading.get_ident()
        self._lock = threading.RLock()  # a finalizer may cancel on the very thread that is cancelling
        self._cancelled = False
        self._cancel: Callable[[], object] | None = None
        self._over = threading.Event()

    async def __call__(self, on_progress: OnProgress | None, done: DoneSignal | None) -> T:
        """Run it, on asyncio or trio."""
        import anyio
        from anyio import lowlevel

        loop: Any = lowlevel.current_token().native_token
        soon = getattr(loop, "call_soon_threadsafe", None) or loop.run_sync_soon
        with anyio.CancelScope() as scope:
            with self._lock:
                self._cancel = lambda: soon(scope.cancel)
                if self._cancelled:
                    scope.cancel()
            try:
                with exhaustion_as_bridge_error():
                    return await self._flow(on_progress, done)
            finally:
                with self._lock:
                    self._cancel = None
                self.end()
        raise LoginCancelled

    def cancel(self) -> None:
        """End the flow, or have it end when it begins. From any thread; twice does no harm."""
        with self._lock:
            self._cancelled = True
            if self._cancel is not None:
                with suppress(RuntimeError):  # its event loop is gone, and the flow with it
                    self._cancel()

    def end(self) -> None:
        """Nobody need wait for it any more: it is over, or never began."""
        self._over.set()

    def join(self, seconds: float) -> None:
        """Wait that many seconds at most for its end; not at all on the thread that it runs on."""
        if self._thread != threading.get_ident():
            self._over.wait(seconds)
