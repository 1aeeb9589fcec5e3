"""Requests that share a call: one call at a time for each key, and a cancelled request takes it from nobody else."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from sudomimus_bridge._sidecar.shared import SharedCalls


class Crowd:
    """Four requests at the same time, of which some are cancelled while the one call runs."""

    def __init__(self, fails: bool = False) -> None:
        self.calls = 0
        self.cancelled = 0
        self.answers: dict[int, str] = {}
        self._fails = fails
        self.go_on = anyio.Event()

    async def work(self) -> str:
        self.calls += 1
        try:
            await self.go_on.wait()
        except anyio.get_cancelled_exc_class():
            self.cancelled += 1
            raise
        if self._fails:
            raise ValueError("refused")
        return f"answer {self.calls}"

    async def ask(self, shared: SharedCalls, number: int, scope: anyio.CancelScope) -> None:
        with scope:
            try:
                self.answers[number] = await shared.call("token", self.work)
            except ValueError as error:
                self.answers[number] = str(error)

    async def run(self, cancelled: tuple[int, ...]) -> None:
        async with anyio.create_task_group() as tasks:
            shared = SharedCalls(tasks)
            scopes = [anyio.CancelScope() for _ in range(4)]
            for number, scope in enumerate(scopes):
                tasks.start_soon(self.ask, shared, number, scope)
            await anyio.wait_all_tasks_blocked()
            for number in cancelled:
                scopes[number].cancel()
                await anyio.wait_all_tasks_blocked()
            self.go_on.set()
            await anyio.wait_all_tasks_blocked()
            if len(cancelled) < 4:
                assert set(self.answers) == set(range(4)) - set(cancelled)
            later = len(scopes)
            await self.ask(shared, later, anyio.CancelScope())


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("cancelled", [(), (0,), (3,), (0, 1, 2), (3, 2, 1, 0)], ids=str)
def test_a_cancelled_request_takes_the_call_from_nobody_else(
    backend: str, cancelled: tuple[int, ...], fails: bool
) -> None:
    crowd: list[Crowd] = []

    async def main() -> None:
        crowd.append(Crowd(fails))
        await crowd[0].run(cancelled)

    run: Callable[..., object] = anyio.run
    run(main, backend=backend)
    answers = crowd[0].answers
    later = answers.pop(4)
    assert crowd[0].calls == 2  # the later request's is its own
    assert later == ("refused" if fails else "answer 2")
    assert set(answers.values()) <= {"refused" if fails else "answer 1"}
    assert crowd[0].cancelled == (1 if len(cancelled) == 4 else 0)
