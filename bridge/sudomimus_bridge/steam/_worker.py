"""The thread that makes the library's calls, so that no caller's thread is ever blocked by the library.

Everything that may block (loading, Init, a request, Shutdown) runs here, one after another; between calls the thread
pumps. An async caller waits without holding a thread, and may go away: what its call then brings is undone.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

import anyio

from .._runs.threads import start_daemon, waker

T = TypeVar("T")


class Job(Generic[T]):
    """One call for the thread. Exactly one of these happens to its outcome: the caller takes it, or it is undone."""

    def __init__(self, function: Callable[[], T], undo: Callable[[T], None] | None) -> None:
        self._function = function
        self._undo = undo
        self._lock = threading.Lock()
        self._abandoned = False
        self._done = False
        self._value: T | None = None
        self._error: BaseException | None = None
        self.wake: Callable[[], bool] = lambda: True

    def run(self) -> None:
        """On the thread: make the call, and undo it where nobody waits any more."""
        try:
            self._value = self._function()
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
            self._error = error
        with self._lock:
            self._done = True
            abandoned = self._abandoned
        if abandoned or not self.wake():
            self.take_back()

    def abandon(self) -> bool:
        """The caller goes away. True where the call is over already, so that the caller has to have it taken back."""
        with self._lock:
            self._abandoned = True
            return self._done

    def take_back(self) -> None:
        """On the thread: undo a call whose caller has gone away."""
        if self._error is None and self._undo is not None:
            self._undo(self._value)  # type: ignore[arg-type]

    def outcome(self) -> T:
        """What the call gave; raises what it raised."""
        if self._error is not None:
            try:
                raise self._error
            finally:
                self._error = None  # breaks the reference cycle between the error and this frame
        return self._value  # type: ignore[return-value]


class Worker:
    """A daemon thread with a queue. `pump` is called after every job and every `pause()` seconds (None: never)."""

    def __init__(self, name: str, pump: Callable[[], None], pause: Callable[[], float | None]) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._pump = pump
        self._pause = pause
        self._thread = start_daemon(self._work, name=name)

    async def call(self, function: Callable[[], T], undo: Callable[[T], None] | None = None) -> T:
        """Run `function` on the thread and wait for it. On cancellation the call goes on, and `undo` gets its value."""
        job = Job(function, undo)
        finished = anyio.Event()
        job.wake = waker(finished)
        self._jobs.put(job.run)
        try:
            await finished.wait()
        except BaseException:
            if job.abandon():
                self._jobs.put(job.take_back)
            raise
        return job.outcome()

    def post(self, function: Callable[[], Any]) -> None:
        """Run `function` on the thread some time, without waiting for it."""
        self._jobs.put(function)

    @property
    def alive(self) -> bool:
        """Whether the thread is there: not after `stop`, nor in a forked child, which has none of its parent's threads."""
        return self._thread.is_alive()

    def finish(self, function: Callable[[], Any], seconds: float) -> None:
        """As `post`, waiting for it that many seconds at most."""
        over = threading.Event()
        self.post(function)
        self.post(over.set)
        if self.alive and self._thread is not threading.current_thread():  # on which the collector may run, too
            over.wait(seconds)

    def stop(self, seconds: float) -> None:
        """End the thread after what it has to do, waiting that many seconds at most; it may be stuck in a call."""
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
                # What fails here has nobody to tell, and the next login needs the thread.
                with suppress(Exception):
                    step()


def _only_pump() -> None:
    """What the thread has to do when no job came in time."""
