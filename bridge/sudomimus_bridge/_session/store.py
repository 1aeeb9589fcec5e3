"""`Store`, the interface of a place that keeps a session, and `MemoryStore`. `file_store` has the store on disk.

A store holds one record, whole or not at all. If a store fails, a login goes on without it.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from .._values.clock import Clock
from .record import Record

NOT_SAVED = "This sign-in cannot be saved on this computer. You stay signed in until you quit."
NOT_USED = "The sign-in that was saved on this computer cannot be used. Sign in again."


class StoreUnusable(Exception):
    """A store failed.

    `sentence` tells the player the consequence, and `detail` tells the developer the cause. `for_good`: another attempt in this
    process would fail too, or would ask the player again.
    """

    def __init__(self, sentence: str, *, detail: str, for_good: bool = False) -> None:
        super().__init__(f"{sentence} {detail}")
        self.sentence = sentence
        self.detail = detail
        self.for_good = for_good


class LockHeld(StoreUnusable):
    """Another process holds the store's lock, perhaps because it was stopped."""


class Store(Protocol):
    """One session's record. A method may block for as long as a disk does. Each may raise `StoreUnusable`."""

    shared: bool
    """Whether other processes see the same record."""

    def read(self) -> Record | None:
        """The record; None if there is none. Needs no lock, because a record is replaced as a whole."""
        ...

    def prepare(self) -> None:
        """Let the player give what `write` needs, such as a keyring's password. Changes nothing, so it may be abandoned."""
        ...

    def write(self, record: Record) -> None:
        """Replace the record. It is safe on disk when this returns."""
        ...

    def forget(self) -> None:
        """Remove the record."""
        ...

    def locked(self, clock: Clock) -> AbstractAsyncContextManager[None]:
        """Hold the store's lock during a renewal. It has one holder among all tasks, threads and processes."""
        ...


class MemoryStore:
    """The `Store` for players who do not stay signed in, and for computers where nothing can be saved."""

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
    """Hold a lock that the event loops of several threads share. No loop can await such a lock, so this polls it."""
    while not lock.acquire(blocking=False):
        await clock.sleep(0.01)
    try:
        yield
    finally:
        lock.release()
