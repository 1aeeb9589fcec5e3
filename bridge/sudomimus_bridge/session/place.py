"""Where a session is kept now: on disk or in memory, as the player wants it, and in memory where the disk does not serve.

Nothing here raises `StoreUnusable`: what a store cannot do becomes a sentence, and the session goes on.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TypeVar, TypeVarTuple, Unpack

from anyio import CancelScope

from ..clock import Clock
from ..threads import in_thread, to_the_end_in_thread
from .record import Record
from .store import MemoryStore, Store, StoreUnusable, polled

T = TypeVar("T")
Args = TypeVarTuple("Args")

_log = logging.getLogger(__name__)

_BUSY = "This sign-in cannot be kept, for another program that renews it does not get done. It lasts until the program ends."


class Place:
    """One record, its lock, and the player's choice of where it lies."""

    def __init__(self, clock: Clock, open_disk: Callable[[], Store]) -> None:
        """`open_disk` gives the store on disk; it is called once the player stays signed in, and may block."""
        self._clock = clock
        self._open_disk = open_disk
        self._store: Store = MemoryStore()
        self._on_disk = False
        self._turn = threading.Lock()
        """Of this process's threads and tasks: held around a store's lock, for the store may change while it is held."""
        self.stay_signed_in = False
        """The player's choice, which may change at any time: whether the session outlives this process."""
        self.problem: str | None = None
        """Why the session is not kept on disk, in a sentence for the player; None where it is, or is not meant to be."""

    @asynccontextmanager
    async def locked(self, patience: float = math.inf) -> AsyncIterator[None]:
        """Held while the record is renewed, at the place where it is then.

        `patience`: seconds after which the disk, held by another process all the time, is done without.
        """
        async with polled(self._turn, self._clock), AsyncExitStack() as stack:
            await self._settle(patience)
            try:
                await self._lock(stack, self._store, patience)
            except StoreUnusable as unusable:
                self._give_up_on_disk(unusable)
            yield

    async def _lock(self, stack: AsyncExitStack, store: Store, patience: float) -> None:
        with self._clock.move_on_after(patience):
            await stack.enter_async_context(store.locked(self._clock))
            return
        raise StoreUnusable(_BUSY)

    async def settle(self) -> None:
        """Move what is known to where the player wants it kept. Not under the lock."""
        if self._on_disk != self.stay_signed_in:
            async with polled(self._turn, self._clock):
                await self._settle()

    async def _settle(self, patience: float = math.inf) -> None:
        wanted = self.stay_signed_in
        if self._on_disk == wanted:
            return
        async with AsyncExitStack() as stack:
            try:
                new = await in_thread(self._open_disk) if wanted else MemoryStore()
                await self._lock(stack, self._store, patience)
                if not wanted or self._store.read() is not None:  # only to read, nobody has to wait for who renews
                    await self._lock(stack, new, patience)
            except StoreUnusable as unusable:
                self._give_up_on_disk(unusable)
                self._on_disk = wanted
                return
            with CancelScope(shield=True):
                await self._move(new, wanted)

    async def _move(self, new: Store, on_disk: bool) -> None:
        held = await self.read()
        await self.forget()
        self._store, self._on_disk = new, on_disk
        if held is not None:
            await self.write(held)

    async def _call(self, function: Callable[[Unpack[Args]], T], *args: *Args, asks: bool = False) -> T:
        """A store's call: on a worker thread where it may block. One that `asks` the player may be given up half-way."""
        if not self._store.shared:
            return function(*args)
        return await (in_thread if asks else to_the_end_in_thread)(function, *args)

    async def read(self) -> Record | None:
        """The record; None where there is none, or none that can be used."""
        try:
            return await self._call(self._store.read, asks=True)
        except StoreUnusable as unusable:
            self._give_up_on_disk(unusable) if unusable.for_good else self._say(unusable)
            return None

    async def write(self, record: Record) -> bool:
        """True where nobody else can read an older record any more, be it on disk or gone from there."""
        store = self._store
        try:
            await self._call(store.prepare, asks=True)
            await self._call(store.write, record)
        except StoreUnusable as unusable:
            self._give_up_on_disk(unusable)
            self._store.write(record)
            try:
                await to_the_end_in_thread(store.forget)
            except StoreUnusable:
                return False
            return True
        if store is self._store and store.shared:
            self.problem = None
        return True

    async def forget(self) -> None:
        """Leave nothing behind, as far as that can be."""
        try:
            await self._call(self._store.forget)
        except StoreUnusable as unusable:
            self._give_up_on_disk(unusable)

    def _give_up_on_disk(self, unusable: StoreUnusable) -> None:
        """From here on in memory, with what memory knows."""
        self._say(unusable)
        if self._store.shared:
            self._store = MemoryStore()

    def _say(self, unusable: StoreUnusable) -> None:
        self.problem = unusable.sentence
        _log.warning("%s", unusable.sentence)
