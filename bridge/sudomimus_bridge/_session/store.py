"""Where a session is kept: the port, and the one that keeps it in memory. On disk: `file_store`.

A store holds one record, whole or not at all. What it cannot do it says in a sentence; a login goes on without it.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from .._values.clock import Clock
from .record import Record


class StoreUnusable(Exception):
    """The store cannot do what was asked. `sentence` says why, and what that means for the player.

    `for_good`: it will not be otherwise while this process lives, or asking again would bother the player.
    """

    def __init__(self, sentence: str, *, for_good: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.for_good = for_good


class Store(Protocol):
    """One session's record. Methods may block for as long as a disk does; all may raise `StoreUnusable`."""

    shared: bool
    """Whether other processes see the same record."""

    def read(self) -> Record | None:
        """The record; None where there is none. Needs no lock: a record is replaced at once, or not."""
        ...

    def prepare(self) -> None:
        """Ask the player for what writing needs, where it needs anything. Changes nothing, so it may be given up half-way."""
        ...

    def write(self, record: Record) -> None:
        """Put this in place of what is there. Safe on disk when it returns."""
        ...

    def forget(self) -> None:
        """Leave nothing behind."""
        ...

    def locked(self, clock: Clock) -> AbstractAsyncContextManager[None]:
        """Held while the record is being renewed: one holder among all tasks, threads and processes that share it."""
        ...


class MemoryStore:
    """For players who do not stay signed in, and for machines where nothing can be stored: gone with the process."""

    shared = False

    def __init__(self) -> None:
        self._record: Record | None = None
        self._lock = threading.Lock()

    def read(self) -> Record | None:
        return self._record

    def prepare(self) -> None:
        pass

    def write(self, record: Record) -> None:
        self._record = record

    def forget(self) -> None:
        self._record = None

    def locked(self, clock: Clock) -> AbstractAsyncContextManager[None]:
        return polled(self._lock, clock)


@asynccontextmanager
async def polled(lock: threading.Lock, clock: Clock) -> AsyncIterator[None]:
    """Hold a lock that is held on other threads' event loops too, and so cannot be awaited."""
    while not lock.acquire(blocking=False):
        await clock.sleep(0.01)
    try:
        yield
    finally:
        lock.release()
