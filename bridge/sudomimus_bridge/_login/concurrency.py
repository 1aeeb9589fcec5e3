"""Running one thing beside another, with exceptions that come out as they went in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio


@asynccontextmanager
async def alongside(background: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run `background`, which must not raise, while the block runs; it is cancelled when the block is left.

    A task group wraps what the block raises into a group; here it comes out alone, as the block raised it.
    """
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(background)
            yield
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from error.__cause__
