"""Blocking calls beside an event loop, each on a daemon thread that nobody joins, and the system's limits as errors.

A call into foreign code may hang: a name look-up, a keyring, a disk. asyncio and anyio join their threads when the event loop
or the interpreter ends, so such a call would hold up its caller and the program. A call made here holds up neither: a cancelled
task stops waiting for it, and so does the interpreter.
"""

from __future__ import annotations

import errno
import os
import sys
import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Generic, TypeVar, TypeVarTuple, Unpack

from .._values.errors import LoginCancelled, ServiceUnavailable

_OF_FILES = {getattr(errno, name, None) for name in ("EMFILE", "ENFILE", "WSAEMFILE")} - {None}
_LIMITS = _OF_FILES | {getattr(errno, name, None) for name in ("ENOMEM", "ENOBUFS", "WSAENOBUFS")} - {None}


@contextmanager
def exhaustion_as_bridge_error() -> Iterator[None]:
    """Raise `ServiceUnavailable` if the block reaches a limit of the system, in a library's code or in the bridge's."""
    try:
        yield
    except Exception as error:
        if (named := as_exhaustion(error)) is None:
            raise
        raise named from error


def as_exhaustion(error: Exception) -> ServiceUnavailable | None:
    """The error to raise if the exception says that a limit of the system is reached; None for any other exception."""
    if isinstance(error, ExceptionGroup):
        return next(filter(None, map(as_exhaustion, error.exceptions)), None)
    if isinstance(error, OSError) and error.errno is not None and error.errno in _LIMITS:
        return exhausted(os.strerror(error.errno), "NoFilesLeft" if error.errno in _OF_FILES else "NoMemoryLeft")
    return None


def exhausted(detail: str, reason: str) -> ServiceUnavailable:
    """The error for a limit of the process or the computer. Such a limit passes, so another attempt may succeed."""
    return ServiceUnavailable(
        "This computer is too busy to sign you in. Close other programs, then try again.",
        reason=reason,
        detail=f"{detail}: the limit of this process or of the system is reached.",
    )


T = TypeVar("T")
Args = TypeVarTuple("Args")

_WORK = "sudomimus-bridge work"


async def in_thread(function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    """Call the function on a daemon thread. If the task is cancelled, the call goes on, and its result is dropped."""
    return await _Call(partial(function, *args)).awaited(once=True)


async def to_the_end_in_thread(function: Callable[[Unpack[Args]], T], *args: *Args) -> T:
    """As `in_thread`, but a cancelled task waits until the call has ended, so that another call cannot overtake it."""
    from anyio import CancelScope, lowlevel

    await lowlevel.checkpoint()
    with CancelScope(shield=True):
        result = await in_thread(function, *args)
    return result


async def shared_in_thread(key: Hashable, function: Callable[[], T]) -> T:
    """As `in_thread`, but callers with equal keys share a call that is still running.

    So at most one call for each key can hang, however many callers ask.
    """
    with _shared_lock:
        call: _Call[T] | None = _shared.get(key)
        if call is None or not call.alive:
            call = _shared[key] = _Call(function, lambda: _shared.pop(key, None))
    try:
        return await call.awaited()
    finally:
        del call


def start_daemon(target: Callable[..., object], *args: object, name: str) -> threading.Thread:
    """Start a daemon thread and return it.

    Raises `LoginCancelled` if the interpreter is about to end, and `ServiceUnavailable` if the system allows no more threads.
    """
    thread = threading.Thread(target=target, args=args, name=name, daemon=True)
    start(thread)
    return thread


def start(thread: threading.Thread) -> None:
    """Start the thread. Raises as `start_daemon` does."""
    if sys.is_finalizing():  # Python 3.11 would wait for ever for such a thread to run
        raise program_ends()
    try:
        thread.start()
    except RuntimeError as error:
        raise (
            program_ends() if "shutdown" in str(error) else exhausted("No thread can be started", "NoThreadsLeft")
        ) from error


def program_ends() -> LoginCancelled:
    """The error for a start during the interpreter's end: from Python 3.12 on, no thread can be started then."""
    return LoginCancelled("The sign-in cannot start, because the program is about to end.")


class _Call(Generic[T]):
    """One call on its own thread, and the tasks that wait for it."""

    def __init__(self, function: Callable[[], T], at_end: Callable[[], object] = lambda: None) -> None:
        self._function = function
        self._at_end = at_end
        self._lock = threading.Lock()
        self._wakers: set[Callable[[], object]] = set()
        self._over = False
        self._value: T
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    @property
    def alive(self) -> bool:
        """Whether the call can still end. In a forked child it cannot: the child has none of its parent's threads."""
        return self._thread is None or self._thread.is_alive()

    async def awaited(self, *, once: bool = False) -> T:
        """The call's result; raises the call's error. With `once`, no other task waits for it."""
        import anyio
        from anyio import to_thread

        from .signals import Waker

        arrived = anyio.Event()
        wake = Waker(arrived)
        limiter, borrower = to_thread.current_default_thread_limiter(), object()
        # A waiting task takes one of the tokens that limit its event loop's threads, as with anyio's own threads.
        await limiter.acquire_on_behalf_of(borrower)
        try:
            with self._lock:
                self._wakers.add(wake)
                if self._thread is None:
                    self._thread = start_daemon(self._work, name=_WORK)
                over = self._over
            if not over:
                await arrived.wait()
        finally:
            limiter.release_on_behalf_of(borrower)
            self._wakers.discard(wake)
        try:
            if self._error is None:
                return self._value
            raise self._error if once else self._error.with_traceback(None)
        finally:
            if once:
                self._error = None
            del self  # like the line above, this breaks the reference cycle between the error and this frame

    def _work(self) -> None:
        try:
            self._value = self._function()
        except BaseException as error:  # noqa: BLE001 - raised in the tasks
            self._error = error
        with self._lock:
            self._over = True
            wakers = list(self._wakers)
        self._at_end()
        for wake in wakers:
            wake()


_shared: dict[Hashable, _Call[Any]] = {}
_shared_lock = threading.Lock()
