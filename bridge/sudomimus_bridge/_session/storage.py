"""Keeps a session's record on disk or in memory, as the player chose, and in memory while the disk fails.

This module handles every `StoreUnusable`: if a store fails, `trouble` says so, and the session continues in memory.
Each later call tries the disk again, because a full disk, a lack of descriptors or a held lock is soon over. A keyring that
the player left locked is not asked again.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TypeVar, TypeVarTuple, Unpack

from anyio import CancelScope

from .._runs.threads import in_thread, to_the_end_in_thread
from .._values.clock import Clock
from .._values.errors import LoginCancelled
from .record import Record
from .store import NOT_SAVED, LockHeld, MemoryStore, Store, StoreUnusable, polled

T = TypeVar("T")
Args = TypeVarTuple("Args")

RETRY_SECONDS = 0.1
"""How long a call waits for the lock of a disk that has failed before. The session is in memory, so the call need not wait.

A call that has no time left still waits this long."""

_log = logging.getLogger(__name__)


@contextmanager
def _or_unusable() -> Iterator[None]:
    """Raise every error of the block as `StoreUnusable`, so that no fault of the system loses the tokens in memory."""
    try:
        yield
    except (StoreUnusable, LoginCancelled):
        raise
    except Exception as error:  # noqa: BLE001 - as the docstring says
        raise StoreUnusable(NOT_SAVED, detail=f"The store of the session failed: {type(error).__name__}.") from None


class Storage:
    """One record, its lock, and the player's choice of where it is kept."""

    def __init__(
        self,
        clock: Clock,
        open_disk: Callable[[], Store],
        open_saved: Callable[[], Store | None] = lambda: None,
        patience: float = math.inf,
    ) -> None:
        """`open_disk` opens the store on disk, and is called when the player stays signed in.

        `open_saved` opens the same store to remove its record; it returns None if nothing is saved. Both may block.
        `patience` is the longest time that a call waits for a lock which another process holds.
        """
        self._clock = clock
        self._patience = patience
        self._open_disk = open_disk
        self._open_saved = open_saved
        self._store: Store = MemoryStore()
        self._on_disk = False
        """Whether the record was last moved to the disk, and not to memory."""
        self._removed = False
        """Whether the record of an earlier run was removed, because the player chose not to stay signed in."""
        self._failed: Store | None = None
        """The disk that has failed, while memory replaces it."""
        self._held: Store | None = None
        """The disk, while a renewal of this process holds its lock. It is written to even if it has failed before."""
        self._known: Record | None = None
        """The record that was on disk when it was last read or written."""
        self._copied = False
        """Whether the record in memory is only a copy: the one on disk is at least as new."""
        self._doomed = False
        """Whether the session was forgotten, and its record must still be removed from the disk that failed."""
        self._turn = threading.Lock()
        """A lock of this process's threads and tasks, taken before the store's lock: the store may change under its lock."""
        self.stay_signed_in: bool | None = None
        """The player's choice, which may change at any time: whether the session outlives this process. None: not made."""
        self.trouble: StoreUnusable | None = None
        """Why the session is not saved; None if it is, or is not meant to be."""

    @property
    def problem(self) -> str | None:
        """The sentence of `trouble`, for the player."""
        return self.trouble.sentence if self.trouble is not None else None

    @property
    def waited_in_vain(self) -> bool:
        """Whether the disk is not used because another process holds its lock for too long."""
        return isinstance(self.trouble, LockHeld)

    @asynccontextmanager
    async def locked(self, patience: float = math.inf) -> AsyncIterator[None]:
        """Hold the lock of the store that has the record, during a renewal.

        If another process holds a disk's lock for `patience` seconds, or for as long as any call waits, the disk counts as
        failed.
        """
        ends = self._ends(patience)
        async with polled(self._turn, self._clock), AsyncExitStack() as stack:
            await self._settle(ends)
            store = self._store
            try:
                await self._lock(stack, store, ends)
            except StoreUnusable as unusable:
                self._do_without(store, unusable)
            else:
                self._held = store if store.shared else None
                stack.callback(self._let_go)
            yield

    def _let_go(self) -> None:
        self._held = None

    def _ends(self, patience: float = math.inf) -> float:
        return self._clock.now() + min(patience, self._patience)

    async def _lock(self, stack: AsyncExitStack, store: Store, ends: float = -math.inf) -> None:
        seconds = max(RETRY_SECONDS, ends - self._clock.now())
        with self._clock.move_on_after(seconds), _or_unusable():
            await stack.enter_async_context(store.locked(self._clock))
            return
        raise LockHeld(
            "Another program is still renewing this sign-in, so it cannot be saved. You stay signed in until you quit.",
            detail=f"Another process has held the session's lock for {seconds:.3g} seconds.",
        )

    async def settle(self) -> None:
        """Move the record to where the player wants it. The caller does not hold the lock."""
        if self._on_disk != bool(self.stay_signed_in) or (self.stay_signed_in is False and not self._removed):
            ends = self._ends()
            async with polled(self._turn, self._clock):
                await self._settle(ends)
        elif self._failed is not None and self._turn.acquire(blocking=False):
            try:
                await self._settle(self._ends())
            finally:
                self._turn.release()

    async def _settle(self, ends: float) -> None:
        wanted = bool(self.stay_signed_in)
        if wanted and self._failed is not None:
            await self._return_to(self._failed)
        elif self._on_disk != wanted:
            await (self._move_to_disk(ends) if wanted else self._move_to_memory(ends))
        elif self.stay_signed_in is False and not self._removed:
            await self._remove_saved()

    async def _move_to_disk(self, ends: float) -> None:
        self._on_disk, self._removed = True, False
        disk: Store | None = None
        async with AsyncExitStack() as stack:
            try:
                with _or_unusable():
                    disk = await in_thread(self._open_disk)
                await self._lock(stack, self._store, ends)
                if self._store.read() is not None:  # reading alone need not wait for a renewal
                    await self._lock(stack, disk, ends)
            except StoreUnusable as unusable:
                self._do_without(disk, unusable)
                return
            except BaseException:
                self._on_disk = False
                raise
            with CancelScope(shield=True):
                held, self._store = self._store.read(), disk
                if held is not None:
                    await self.write(held)

    async def _return_to(self, disk: Store) -> None:
        """Use a disk again that has failed before. If it has a record too, the one that was received later stays."""
        async with AsyncExitStack() as stack:
            held = None if self._copied else self._store.read()
            try:
                if held is not None:
                    await self._lock(stack, disk)
                elif self._doomed:
                    await self._call(disk, disk.forget)
            except StoreUnusable as unusable:
                self._do_without(disk, unusable)
                return
            with CancelScope(shield=True):
                there = None if held is None or self._doomed else await self._left_on(disk)
                self._store, self._failed, self._copied, self._doomed = disk, None, False, False
                if held is None or (there is not None and there.received_after(held)):
                    self.trouble = None
                else:
                    await self.write(held)

    async def _move_to_memory(self, ends: float) -> None:
        async with AsyncExitStack() as stack:
            try:
                await self._lock(stack, self._store, ends)
            except StoreUnusable as unusable:  # the disk still holds the record, so the next call tries again
                self._say(unusable)
                return
            with CancelScope(shield=True):
                held = await self.read()
                self.trouble = None
                await self.forget()
                # If the disk failed to remove the record, the next call tries again.
                self._store, self._on_disk, self._removed = MemoryStore(), self._doomed, not self._doomed
                if held is not None:
                    self._store.write(held)

    async def _remove_saved(self) -> None:
        """Remove the record of an earlier run, without using it: the player chose not to stay signed in."""
        async with AsyncExitStack() as stack:
            try:
                with _or_unusable():
                    disk = await in_thread(self._open_saved)
                if disk is not None:
                    await self._lock(stack, disk)  # a renewal that still runs would write it again
                    await self._call(disk, disk.forget)
            except StoreUnusable as unusable:  # the next call tries again
                self._say(unusable)
                return
        self._removed, self.trouble = True, None

    async def _call(self, store: Store, function: Callable[[Unpack[Args]], T], *args: *Args, asks: bool = False) -> T:
        """Call a method of a store, on a worker thread if it may block. A call that `asks` the player may be abandoned."""
        if not store.shared:
            return function(*args)
        with _or_unusable():
            return await (in_thread if asks else to_the_end_in_thread)(function, *args)
        raise AssertionError  # for mypy, which thinks that the block might swallow an error

    async def read(self) -> Record | None:
        """The record; None if there is no record that can be used.

        If the disk cannot be read for the moment, this is the last record that was read or written, without its refresh token:
        another process may have used the refresh token since.
        """
        store = self._store
        try:
            record = await self._call(store, store.read, asks=True)
        except StoreUnusable as unusable:
            if unusable.for_good:
                self._do_without(store, unusable)
                return None
            self._say(unusable)
            return self._known.without_refresh() if self._known is not None else None
        if store.shared:
            self._known = record
        return record

    async def write(self, record: Record) -> bool:
        """Replace the record, in memory if the disk fails.

        False if the disk still has a record with a refresh token that another process, or a later start, must not use.
        """
        store = self._held or self._store
        try:
            await self._call(store, store.prepare, asks=True)
            await self._call(store, store.write, record)
        except StoreUnusable as unusable:
            self._do_without(store, unusable)
            harmless = await self._harmless(store, record, unusable)
            # If the mark cannot be written, the token is not used: the record on disk stays the good one.
            self._copied = record.in_flight and not harmless
            self._store.write(record.without_refresh() if self._copied else record)
            return harmless
        self._copied = False
        if store.shared:
            self._store, self._failed, self._known, self.trouble = store, None, record, None
            self._doomed = False
        return True

    async def _harmless(self, disk: Store, record: Record, unusable: StoreUnusable) -> bool:
        """Make sure that no record on disk leads to a second use of a refresh token. False if that is not possible."""
        if not unusable.for_good:  # otherwise reading would ask the player again
            left = await self._left_on(disk)
            if left is not None and not left.endangers(record):
                return True
        try:
            await self._call(disk, disk.forget)
        except StoreUnusable:
            return False
        return True

    async def _left_on(self, disk: Store) -> Record | None:
        try:
            return await self._call(disk, disk.read)
        except StoreUnusable:
            return None

    async def forget(self) -> None:
        """Remove the record from memory and from disk, as far as possible."""
        self._known, self._copied, self._doomed = None, False, False
        for store in (self._store, self._failed):
            if store is not None:
                try:
                    await self._call(store, store.forget)
                except StoreUnusable as unusable:
                    self._do_without(store, unusable)
                    self._doomed = True

    def _do_without(self, disk: Store | None, unusable: StoreUnusable) -> None:
        """Continue in memory, with the last record that is known, until the disk works again."""
        self._say(unusable)
        self._failed = disk if disk is not None and disk.shared and not unusable.for_good else None
        if unusable.for_good:
            self._held = None
        if self._store.shared:
            self._store = MemoryStore()
            if self._known is not None and not unusable.for_good:
                self._store.write(self._known.without_refresh())
                self._copied = True

    def _say(self, unusable: StoreUnusable) -> None:
        if self.problem != unusable.sentence:
            _log.warning("%s", unusable)
        self.trouble = unusable.with_traceback(None)
