"""The thread that makes the library's calls, so that the library never blocks a caller's thread.

Every call that may block (loading, Init, a request, Shutdown) runs here, one after another. Between calls the thread pumps. An
async caller waits without holding a thread. If it is cancelled, the worker undoes its call.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import anyio

from .._runs.signals import Waker
from .._runs.threads import start_daemon

T = TypeVar("T")


class Job(Generic[T]):
    """One call for the thread. Exactly one thing happens with its outcome: the caller takes it, or the worker undoes the call."""

    def __init__(self, function: Callable[[], T], undo: Callable[[T], None] | None, wake: Callable[[], bool]) -> None:
        """`wake` tells the caller that the call is over; False if the caller's event loop has ended."""
        self._function = function
        self._undo = undo
        self._wake = wake
        self._lock = threading.Lock()
        self._abandoned = False
        self._done = False
        self._value: T | None = None
        self._error: BaseException | None = None

    def run(self) -> None:
        """Make the call, on the thread, and undo it if the caller no longer waits."""
        try:
            self._value = self._function()
        except BaseException as error:  # noqa: BLE001 - the caller gets every exception
            self._error = error
        with self._lock:
            self._done = True
            abandoned = self._abandoned
        if abandoned or not self._wake():
            self.take_back()

    def abandon(self) -> bool:
        """Note that the caller no longer waits. True if the call is over, so the caller must queue `take_back`."""
        with self._lock:
            self._abandoned = True
            return self._done

    def take_back(self) -> None:
        """Undo the call, on the thread."""
        if self._error is None and self._undo is not None:
            self._undo(self._value)  # type: ignore[arg-type]

    def outcome(self) -> T:
        """Return the result of the call, or raise its exception."""
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # breaks the reference cycle between the error and this frame
        return self._value  # type: ignore[return-value]


class Worker:
    """A daemon thread with a queue of jobs. It calls `pump` after each job and every `pause()` seconds (None: never)."""

    def __init__(self, name: str, pump: Callable[[], None], pause: Callable[[], float | None]) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._pump = pump
        self._pause = pause
        self._thread = start_daemon(self._work, name=name)

    async def call(self, function: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
        """Run `function` on the thread and wait for it. If the wait is cancelled, `undo` gets the function's result."""
        finished = anyio.Event()
        job = Job(function, undo, Waker(finished))
        self._jobs.put(job.run)
        try:
            await finished.wait()
        except BaseException:
            if job.abandon():
                self._jobs.put(job.take_back)
            raise
        return job.outcome()

    def post(self, function: Callable[[], Any]) -> None:
        """Queue `function` for the thread, without waiting for it."""
        self._jobs.put(function)

    @property
    def alive(self) -> bool:
        """Whether the thread runs. After `stop` it does not, nor in a forked child: a child has no threads of its parent."""
        return self._thread.is_alive()

    def finish(self, function: Callable[[], Any], seconds: float) -> None:
        """Queue `function` and wait for it, at most that many seconds."""
        over = threading.Event()
        self.post(function)
        self.post(over.set)
        if self.alive and self._thread is not threading.current_thread():  # the garbage collector may call this there
            over.wait(seconds)

    def stop(self, seconds: float) -> None:
        """End the thread after its queued jobs. Waits at most that many seconds: a call may hang."""
        self._jobs.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=self._pause())
            except queue.Empty:
                job = _only_pump
            if job is None:
                return
            for step in (job, self._pump):
                # Nobody waits for an error here, and the next login needs the thread.
                with suppress(Exception):
                    step()


def _only_pump() -> None:
    """Do nothing: no job came in time, so the thread only pumps."""
