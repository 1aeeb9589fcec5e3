"""How a flow is run for a program: on a thread of its own while the game draws its frames, or blocking the caller's.

Nothing heavy is imported here before the first flow starts, and then in small steps on its own thread.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from .._program.stand_ins import current
from .._values.errors import BridgeError, ConfigurationError, LoginCancelled
from .._values.sealed import without_frames
from .._values.secret import Secret
from .exhaustion import exhaustion_as_bridge_error
from .threads import start, start_daemon

if TYPE_CHECKING:
    from .._login.progress import DoneSignal
    from .._values.events import OnProgress, ProgressEvent

T = TypeVar("T")
Flow = Callable[["OnProgress | None", "DoneSignal | None"], Awaitable[T]]
"""A login, an errand, a renewal: what it is told by the door is where to tell progress, and that the player is done."""


class Running(Generic[T]):
    """A login, or an errand, that runs on a thread of its own while the game draws its frames."""

    def __init__(self, flow: Flow[T], on_progress: OnProgress | None) -> None:
        self._flow: Flow[T] | None = flow
        self._on_progress = on_progress
        self._events: deque[ProgressEvent] = deque()
        self._outcome: tuple[T] | BaseException | None = None
        self._lock = threading.RLock()  # a finalizer may cancel on the very thread that is cancelling
        self._cancelled = False
        self._cancel: Callable[[], None] | None = None
        self._done: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._work, name="sudomimus-bridge login", daemon=True)

    def poll(self) -> T | None:
        """Call it each frame: it never blocks. Runs `on_progress` for what has happened since, on this thread.

        None while it runs, then the result; raises the error that it ended with.
        """
        outcome = self._outcome  # looked at first, so that every event before the end is told before it
        while self._events:
            event = self._events.popleft()
            if self._on_progress is not None:
                self._on_progress(event)
        if outcome is None:
            return None
        if isinstance(outcome, BaseException):
            raise outcome.with_traceback(None)
        # Only the caller gets a secret's text: `on_progress`, called above, may raise, with this frame in its traceback.
        return cast("T", outcome[0].reveal()) if isinstance(outcome[0], Secret) else outcome[0]

    @property
    def ended(self) -> bool:
        """Whether it is over, whatever `poll` will say. Never blocks."""
        return self._outcome is not None

    def done(self) -> None:
        """The player says: done in the browser. From any thread."""
        with self._lock:
            if self._done is not None:
                self._done()

    def cancel(self) -> None:
        """Give up: the ticket is cancelled, and `poll` raises `LoginCancelled`. From any thread; twice does no harm."""
        with self._lock:
            self._cancelled = True
            if self._cancel is not None:
                self._cancel()

    def start(self) -> None:
        """Start the thread. Where that cannot be, `poll` says so."""
        try:
            start(self._thread)
        except BridgeError as error:
            self._outcome = error

    def join(self, seconds: float) -> None:
        """Wait that many seconds at most for the thread to end."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _work(self) -> None:
        try:
            with exhaustion_as_bridge_error():
                anyio = _gently_imported()
                self._outcome = ((current().run or anyio.run)(self._main),)
        except BaseException as error:  # noqa: BLE001 - for poll to raise, on the game's own thread
            self._outcome = error

    async def _main(self) -> T:
        import anyio
        from anyio import lowlevel

        from .._login.progress import DoneSignal

        flow, self._flow = self._flow, None  # it holds the bridge, which may be dropped once the login is over
        if flow is None:
            raise RuntimeError("a login runs once")
        loop: Any = lowlevel.current_token().native_token
        signal = DoneSignal()
        with anyio.CancelScope() as scope:
            with self._lock:
                self._cancel = lambda: loop.call_soon_threadsafe(scope.cancel)
                self._done = lambda: loop.call_soon_threadsafe(signal.set)
                if self._cancelled:
                    scope.cancel()
            try:
                return await flow(self._events.append, signal)
            finally:
                with self._lock:
                    self._cancel = self._done = None
        raise LoginCancelled


def _gently_imported() -> Any:
    """anyio, and with it what a login loads on its own thread, while a game draws its frames."""
    from importlib import import_module

    from .gentle import gently

    with gently():
        anyio = import_module("anyio")
        with suppress(ImportError):  # what `anyio.run` would import by itself; another anyio may have it elsewhere
            import_module("anyio._backends._asyncio")
        import_module("sudomimus_bridge._session.opening")
        return anyio


def blocking(flow: Flow[T], on_progress: OnProgress | None) -> T:
    """Run it on this thread. Raises `ConfigurationError` if an event loop runs here, which would stand still."""
    start_daemon(int, name="sudomimus-bridge probe")  # the flow needs threads, so the caller is told at once
    if _event_loop_runs_here():
        raise ConfigurationError(
            "A blocking call was made on a thread that runs an event loop, which would stand still. "
            "Await its async form there: login_async, share_async, access_token_async, logout_async."
        )
    with exhaustion_as_bridge_error():
        import anyio

        before = sys.exception()
        try:
            return (current().run or anyio.run)(flow, on_progress, None)
        except Exception:
            raise
        except BaseException as error:  # noqa: BLE001 - passed on
            # Ctrl-C may come between two tasks, in a frame of the event loop that holds an answer of the service.
            raise without_frames(error, before)  # noqa: B904 - the same one


def _event_loop_runs_here() -> bool:
    """Whether this thread runs one, in whichever of its callbacks this is: not every one is a task's."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    with suppress(AttributeError):  # another thread is importing it, so it runs nothing yet
        if trio is not None and trio.lowlevel.in_trio_run():
            return True
    with suppress(AttributeError, RuntimeError):  # the latter says that none runs
        if asyncio is not None:
            asyncio.get_running_loop()
            return True
    return False
