"""`Running`: the one way to run and cancel a flow, whichever door starts it.

This module imports nothing heavy before the first flow starts. `start` then imports it in small steps.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from .._values.errors import BridgeError, ConfigurationError, LoginCancelled
from .._values.secret import Secret, without_frames
from .signals import DoneSignal
from .threads import exhaustion_as_bridge_error, start, start_daemon

if TYPE_CHECKING:
    from .._values.events import OnProgress, ProgressEvent
    from .small_steps import Beginning

T = TypeVar("T")
Flow = Callable[["OnProgress | None", DoneSignal], Awaitable[T]]
"""A login, an errand or a renewal. It reports progress to its first argument; its second one passes on "I'm done"."""


class Running(Generic[T]):
    """One run of a flow: `block()` runs it on this thread, `await wait()` on this event loop, and `start()` on a thread of
    its own, beside a frame loop that calls `poll()`.

    `cancel`, `done` and `join` may be called from any thread.
    """

    def __init__(
        self,
        flow: Flow[T],
        on_progress: OnProgress | None = None,
        *,
        run: Callable[..., Any] | None = None,
        imports: Callable[[], object] | None = None,
        cancelled: Callable[[], LoginCancelled] = LoginCancelled,
    ) -> None:
        """The methods of `Bridge` and `Session` make it.

        Args:
            flow: The flow to run.
            on_progress: Called with each `ProgressEvent`.
            run: Replaces `anyio.run`.
            imports: Imports what the flow needs, on the thread that `start` starts.
            cancelled: Makes the error that a cancelled run raises.
        """
        self._flow: Flow[T] | None = flow
        self._on_progress = on_progress
        self._run = run
        self._imports = imports
        self._cancelled = cancelled
        self._cancel_called = False
        self._events: deque[ProgressEvent] = deque()
        self._outcome: tuple[T] | BaseException | None = None
        self._lock = threading.RLock()  # a finalizer or a signal may cancel on the very thread that holds it
        self._cancel: Callable[[], object] | None = None
        self._done: Callable[[], object] | None = None
        self._over = threading.Event()
        self._caller = threading.get_ident()
        self._thread: threading.Thread | None = None
        self._beginning: Beginning | None = None

    # --- the three faces -------------------------------------------------------------------------------------------------

    def block(self) -> T:
        """Run the flow on this thread.

        Returns:
            The result of the flow.

        Raises:
            ConfigurationError: This thread runs an event loop, and a blocking call would stop the loop.
            BridgeError: The error that the flow ended with.
        """
        try:
            start_daemon(int, name="sudomimus-bridge probe")  # every flow needs threads: without any, fail at once
            if _event_loop_runs_here():
                raise ConfigurationError(
                    detail="A blocking call was made on a thread that runs an event loop, so the loop would stop. Await the "
                    "async form there: login_async, share_async, access_token_async, logout_async."
                )
            with exhaustion_as_bridge_error():
                import anyio

                before = sys.exception()
                try:
                    return cast("T", (self._run or anyio.run)(self._main, self._on_progress))
                except Exception:
                    raise
                except BaseException as error:  # noqa: BLE001 - passed on
                    # Ctrl-C may come between two tasks, in a frame of the event loop that holds an answer of the service.
                    raise without_frames(error, before)  # noqa: B904 - the same one
        finally:
            self._over.set()

    async def wait(self) -> T:
        """Run the flow on this event loop, asyncio's or trio's. If the task is cancelled, the flow is cancelled.

        Returns:
            The result of the flow.

        Raises:
            BridgeError: The error that the flow ended with.
        """
        try:
            with exhaustion_as_bridge_error():
                return await self._main(self._on_progress)
        finally:
            self._over.set()

    def start(self) -> None:
        """Run the flow on a thread of its own. If no thread can be started, `poll` raises the error."""
        self._thread = threading.Thread(target=self._work, name="sudomimus-bridge login", daemon=True)
        try:
            start(self._thread)
        except BridgeError as error:
            self._outcome = error

    def poll(self) -> T | None:
        """Ask for the result: call this each frame. Never blocks.

        It first calls `on_progress`, on this thread, for each event since the last poll.

        Returns:
            None while the flow runs, then the result.

        Raises:
            BridgeError: The error that the flow ended with.
        """
        if self._beginning is not None:
            self._beginning.end_if_over()
        outcome = self._outcome  # read first, so that every event before the end is reported before the end
        while self._events:
            event = self._events.popleft()
            if self._on_progress is not None:
                self._on_progress(event)
        if outcome is None:
            return None
        if isinstance(outcome, BaseException):
            raise outcome.with_traceback(None)
        # The secret is revealed last: if `on_progress` raises above, a crash reporter keeps this frame's variables.
        return cast("T", outcome[0].reveal()) if isinstance(outcome[0], Secret) else outcome[0]

    @property
    def ended(self) -> bool:
        """Whether a started flow has ended, so that `poll` returns its result or raises its error. Never blocks."""
        return self._outcome is not None

    # --- from any thread -------------------------------------------------------------------------------------------------

    def done(self) -> None:
        """Tell the flow that the player is done in the browser. Has no effect unless the flow waits for the player."""
        with self._lock, suppress(RuntimeError):
            if self._done is not None:
                self._done()

    def cancel(self) -> None:
        """Cancel the flow: it cancels its ticket and raises `LoginCancelled`.

        A flow that has not begun yet ends as soon as it begins. A second call has no effect.
        """
        with self._lock, suppress(RuntimeError):  # the event loop may be gone, and the flow with it
            self._cancel_called = True
            if self._cancel is not None:
                self._cancel()

    @property
    def cancel_called(self) -> bool:
        """Whether `cancel` was called. A flow that ended before the call keeps its result."""
        return self._cancel_called

    def join(self, seconds: float) -> None:
        """Wait until the flow has ended, `seconds` at most. On the flow's own thread this returns at once."""
        if self._thread is not None:
            if self._thread.is_alive() and self._thread is not threading.current_thread():
                self._thread.join(seconds)
        elif self._caller != threading.get_ident():
            self._over.wait(seconds)

    # --- inside ----------------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            with exhaustion_as_bridge_error():
                anyio = _anyio_in_small_steps(self._imports)
                from .small_steps import Beginning

                # Without it, the beginning of a prepared login holds the interpreter for 5 ms at a time.
                self._beginning = Beginning()
                self._outcome = ((self._run or anyio.run)(self._main, self._events.append),)
        except BaseException as error:  # noqa: BLE001 - `poll` raises it, on the game's own thread
            self._outcome = error
        finally:
            if self._beginning is not None:
                self._beginning.end()

    async def _main(self, listen: OnProgress | None) -> T:
        import anyio

        from .signals import call_soon

        flow, self._flow = self._flow, None  # the flow holds the bridge, which may be dropped once the flow is over
        if flow is None:
            raise RuntimeError("a flow runs once")
        soon, done = call_soon(), DoneSignal()
        with anyio.CancelScope() as scope:
            with self._lock:
                self._cancel, self._done = partial(soon, scope.cancel), partial(soon, done.set)
                if self._cancel_called:
                    scope.cancel()
            try:
                return await flow(listen, done)
            except BaseExceptionGroup as group:  # Ctrl-C came inside a task group
                if (interrupt := _interrupt_in(group)) is None:
                    raise
                raise interrupt from None
            finally:
                with self._lock:
                    self._cancel = self._done = None
        raise self._cancelled()


def _anyio_in_small_steps(imports: Callable[[], object] | None) -> Any:
    """Import anyio and the flow's modules in small steps, because a game may be drawing frames. Return anyio."""
    from importlib import import_module

    from .small_steps import in_small_steps

    with in_small_steps():
        anyio = import_module("anyio")
        with suppress(ImportError):  # `anyio.run` imports this itself; another version may have it elsewhere
            import_module("anyio._backends._asyncio")
        if imports is not None:
            imports()
        return anyio


def _interrupt_in(error: BaseException) -> BaseException | None:
    """The interrupt in an exception group, or None. A caller does not expect an interrupt inside a group."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_interrupt_in, error.exceptions)), None)
    return error if isinstance(error, (KeyboardInterrupt, SystemExit)) else None


def _event_loop_runs_here() -> bool:
    """Whether this thread runs an event loop. The current task does not tell: some callbacks belong to no task."""
    asyncio, trio = sys.modules.get("asyncio"), sys.modules.get("trio")
    with suppress(AttributeError):  # another thread is importing it, so it runs nothing yet
        if trio is not None and trio.lowlevel.in_trio_run():
            return True
    with suppress(AttributeError, RuntimeError):  # a RuntimeError says that none runs
        if asyncio is not None:
            asyncio.get_running_loop()
            return True
    return False
