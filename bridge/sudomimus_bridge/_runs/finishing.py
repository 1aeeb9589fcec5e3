"""Two helpers with tasks: one runs a task beside a block, the other gives a cancelled step a little more time to finish."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import anyio


@asynccontextmanager
async def alongside(background: Callable[[], Coroutine[Any, Any, object]]) -> AsyncIterator[None]:
    """Run `background`, which must not raise, while the block runs. When the block is left, `background` is cancelled.

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


T = TypeVar("T")


class Finishing(Generic[T]):
    """One run of `work`. If the task that awaits it is cancelled, `work` goes on for `more_seconds` at most.

    The cancelled task waits until then and raises as usual. The work has had its effect, but its result is dropped. This works
    for a cancelled scope, a cancelled asyncio task, and the end of an event loop.
    """

    def __init__(self, work: Callable[[], Awaitable[T]], more_seconds: Callable[[], float]) -> None:
        """`more_seconds` is called when the task is cancelled."""
        self._work = work
        self._more_seconds = more_seconds
        self._scope = anyio.CancelScope(shield=True)
        self._over = anyio.Event()
        self._outcome: tuple[T] | Exception | None = None

    async def run(self) -> T:
        """Await the work and return its result. Raises the work's error."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run_work)
            try:
                await self._over.wait()
            finally:
                if not self._over.is_set():
                    with anyio.move_on_after(self._more_seconds(), shield=True):
                        await self._over.wait()
                self._scope.cancel()
        # Outside of the task group, which would wrap the exception into an `ExceptionGroup`.
        outcome, self._outcome = self._outcome, None
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is None:
            raise RuntimeError("the work ended without an outcome")
        return outcome[0]

    async def _run_work(self) -> None:
        try:
            with self._scope:
                self._outcome = (await self._work(),)
        except Exception as error:  # noqa: BLE001 - raised by `run`
            self._outcome = error
        finally:
            self._over.set()
