"""Calls that several requests share: who asks for what is being asked already waits for the same answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Any

import anyio
from anyio.abc import TaskGroup


class SharedCalls:
    """Each call runs in a task of its own, so that a request that is cancelled does not take it from the others."""

    def __init__(self, tasks: TaskGroup) -> None:
        self._tasks = tasks
        self._running: dict[Hashable, _SharedCall] = {}

    async def call(self, key: Hashable, function: Callable[[], Awaitable[Any]]) -> Any:
        """The answer of `function`, or of the call with this key that runs already. Raises what the call raised.

        If every request that waits for the call is cancelled, the call is.
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
            except Exception as error:  # noqa: BLE001 - for each request that waits to raise
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
