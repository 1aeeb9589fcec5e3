"""Specifies the exceptions that `Running` raises if its flow is interrupted or fails."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from sudomimus_bridge._runs.running import Running

from ..conftest import BACKENDS


async def interrupted_by_host(_listen: Any, _done: Any) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep_forever)
        raise KeyboardInterrupt


async def interrupted_twice_deep(_listen: Any, _done: Any) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fail)
        await interrupted_by_host(None, None)


async def fail() -> None:
    try:
        await anyio.sleep_forever()
    finally:
        raise ValueError


FLOWS = [interrupted_by_host, interrupted_twice_deep]


@pytest.mark.parametrize("flow", FLOWS)
def test_blocking_call_raises_keyboard_interrupt_after_ctrl_c_in_a_task_group(flow: Any) -> None:
    with pytest.raises(KeyboardInterrupt):
        Running(flow, None).block()


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("flow", FLOWS)
def test_awaited_call_raises_keyboard_interrupt_after_ctrl_c_in_a_task_group(flow: Any, backend: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        anyio.run(Running(flow, None).wait, backend=backend)


@pytest.mark.parametrize("backend", BACKENDS)
def test_other_exception_groups_are_raised_unchanged(backend: str) -> None:
    async def two_errors(_listen: Any, _done: Any) -> None:
        raise ExceptionGroup("two", [ValueError(), KeyError()])

    with pytest.raises(ExceptionGroup):
        anyio.run(Running(two_errors, None).wait, backend=backend)
