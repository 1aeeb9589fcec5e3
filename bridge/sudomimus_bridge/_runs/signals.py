"""Signals: SIGINT and SIGTERM, the player's "I'm done", and the calls that wake an event loop of asyncio or trio.

SIGINT and SIGTERM end the command line and the sidecar with exit status 130. The handlers must be in place before the
program's other imports, so this module imports only modules that Python has loaded by then.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    import anyio


INTERRUPTED = 130

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _leave() -> NoReturn:
    """End the process at once: during imports there is nothing to clean up, and an exception could be swallowed."""
    try:
        os.write(2, b"sudomimus-bridge: interrupted.\n")
    finally:
        os._exit(INTERRUPTED)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


_action: Callable[[], None] = _interrupt
_ignore_next = False


def _received(_number: int, _frame: FrameType | None) -> None:
    global _ignore_next
    if _ignore_next:
        _ignore_next = False
    else:
        _action()


@contextmanager
def catch_signals(*, until_exit: bool) -> Iterator[None]:
    """End the program on either signal while the block runs, unless `interruptible` or `on_signal` says otherwise.

    With `until_exit`, the process ends after the block. Signals after the block are then ignored, because they would
    change its exit status.
    """
    global _ignore_next
    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield
        return
    _ignore_next = False
    with on_signal(_leave if until_exit else _interrupt):
        before = [(number, signal.signal(number, _received)) for number in _SIGNALS]
        try:
            yield
        finally:
            for number, handler in before:
                signal.signal(number, signal.SIG_IGN if until_exit else handler)


def interruptible() -> AbstractContextManager[None]:
    """Raise `KeyboardInterrupt` on a signal while the block runs."""
    return on_signal(_interrupt)


@contextmanager
def on_signal(action: Callable[[], None]) -> Iterator[None]:
    """Call `action` on a signal while the block runs."""
    global _action
    before, _action = _action, action
    try:
        yield
    finally:
        _action = before


def ignore_next_signal() -> None:
    """Ignore the next signal: the answer is being written, so it comes too late. A signal after it interrupts."""
    global _ignore_next
    _ignore_next = True


def exit_after(seconds: float, status: int) -> None:
    """End the process after that many seconds, whatever hangs in it: a stuck library must not keep a player waiting."""
    timer = threading.Timer(seconds, os._exit, [status])
    timer.daemon = True
    with suppress(RuntimeError):  # no thread can be started; the clean-up goes on without a limit
        timer.start()


class DoneSignal:
    """Tells one flow that the player is done. Only the event loop's thread may call it; other threads call `Running.done`."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def set(self) -> bool:
        """Tell the flow that the player is done. False if the flow does not wait for the player, or was told before."""
        if self._event is None or self._event.is_set():
            return False
        self._event.set()
        return True

    @contextmanager
    def listen(self) -> Iterator[anyio.Event]:
        """The event that `set` sets while the block runs. An earlier `set` does not count."""
        try:
            yield self.listen_again()
        finally:
            self._event = None

    def listen_again(self) -> anyio.Event:
        """The next event, after a flow has reacted to the one before."""
        import anyio

        self._event = anyio.Event()
        return self._event


def call_soon() -> Callable[[Callable[[], object]], object]:
    """Return a function that any thread may call: it has this event loop call another function soon.

    It raises `RuntimeError` if the loop has ended.
    """
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
        """Set the event. False if the loop has ended, and every task that waited has ended with it."""
        try:
            self._soon(self._set)
        except RuntimeError:  # trio's RunFinishedError is one, too
            return False
        return True
