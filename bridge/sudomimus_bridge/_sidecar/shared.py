"""Requests share one connection to Steam, and equal requests share one call to the service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
from anyio.abc import TaskGroup

from .._values.clock import Clock

IDLE_SECONDS = 10.0
"""How long Steam stays open after a login: long enough for a second attempt, too short for friends to notice."""


class SharedSteam:
    """Counts the requests that use Steam, and closes Steam when none has used it for `IDLE_SECONDS`.

    While Steam is open, the player's friends see the game as running, and a launcher may stay open for hours.
    """

    def __init__(self, close: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self._close = close
        self._clock = clock
        self._users = 0
        self._used = False
        self._changed = anyio.Event()

    @contextmanager
    def used(self) -> Iterator[None]:
        """Keep Steam open while the block runs."""
        self._users += 1
        self._used = True
        self._notify()
        try:
            yield
        finally:
            self._users -= 1
            self._notify()

    async def close_when_idle(self) -> None:
        """Close Steam each time it becomes idle. Runs until it is cancelled."""
        while True:
            changed = self._changed
            if self._users or not self._used:
                await changed.wait()
                continue
            with self._clock.move_on_after(IDLE_SECONDS):
                await changed.wait()
            if changed is self._changed:
                self._used = False
                await self._close()

    def _notify(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()


class SharedCalls:
    """Runs each call in a task of its own, so that one request that is cancelled does not end the call of the others."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._running: dict[Hashable, _SharedCall] = {}

    async def call(self, key: Hashable, function: Callable[[], Awaitable[Any]]) -> Any:
        """The result of `function`, or of the running call with the same key. Raises the call's error.

        The call is cancelled if every request that waits for it is cancelled.
        """
        shared = self._running.get(key)
        if shared is None:
            shared = self._running[key] = _SharedCall()
            self._tasks.start_soon(self._run, key, shared, function)
        shared.waiting += 1
        try:
            await shared.over.wait()
        finally:
            shared.waiting -= 1
            if not shared.waiting and not shared.over.is_set():
                self._forget(key, shared)
                shared.scope.cancel()
        if shared.error is not None:
            raise shared.error.with_traceback(None)
        return shared.answer

    async def _run(self, key: Hashable, shared: _SharedCall, function: Callable[[], Awaitable[Any]]) -> None:
        with shared.scope:
            try:
                shared.answer = await function()
            except Exception as error:  # noqa: BLE001 - each waiting request raises it
                shared.error = error
        self._forget(key, shared)
        shared.over.set()

    def _forget(self, key: Hashable, shared: _SharedCall) -> None:
        if self._running.get(key) is shared:
            del self._running[key]


class _SharedCall:
    def __init__(self) -> None:
        self.scope = anyio.CancelScope()
        self.over = anyio.Event()
        self.waiting = 0
        self.answer: Any = None
        self.error: Exception | None = None
