"""Running one task beside a block, whose exceptions come out as the block raised them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import anyio


@asynccontextmanager
async def alongside(background: Callable[[], Coroutine[Any, Any, object]]) -> AsyncIterator[None]:
    """Run `background`, which must not raise, while the block runs; it is cancelled when the block is left.

    A task group wraps an exception into an `ExceptionGroup`. So the block's exception is kept until the group has ended, and
    is raised outside of it.
    """
    raised: BaseException | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(background)
        try:
            yield
        except (anyio.get_cancelled_exc_class(), GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - raised below
            raised = error
        tasks.cancel_scope.cancel()
    if raised is not None:
        try:
            raise raised
        finally:
            del raised  # breaks the reference cycle between the error and this frame
