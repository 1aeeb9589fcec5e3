"""Specifies what requests share: Steam, which is closed when idle, and one call for equal requests, which continues if one of
them is cancelled.
"""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from sudomimus_bridge._sidecar.shared import IDLE_SECONDS, SharedCalls, SharedSteam
from sudomimus_bridge.testing._stub_steam import StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock


class Crowd:
    """Four requests at the same time. Some are cancelled while their shared call runs."""

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
def test_cancelled_request_leaves_the_call_to_the_others(backend: str, cancelled: tuple[int, ...], fails: bool) -> None:
    crowd: list[Crowd] = []

    async def main() -> None:
        crowd.append(Crowd(fails))
        await crowd[0].run(cancelled)

    run: Callable[..., object] = anyio.run
    run(main, backend=backend)
    answers = crowd[0].answers
    later = answers.pop(4)
    assert crowd[0].calls == 2  # the later request makes a call of its own
    assert later == ("refused" if fails else "answer 2")
    assert set(answers.values()) <= {"refused" if fails else "answer 1"}
    assert crowd[0].cancelled == (1 if len(cancelled) == 4 else 0)


Story = list[tuple[float, str]]


def evening(*logins: tuple[float, float]) -> Story:
    """Return the times when Steam is opened and shut down. Each login is given by its first and last second."""
    clock = VirtualClock()
    story: Story = []

    async def main() -> None:
        steam = StubSteam(clock)
        shared = SharedSteam(steam.aclose, clock)

        async def login(begin: float, end: float) -> None:
            await anyio.sleep(begin)
            with shared.used():
                await steam.open()
                await anyio.sleep(end - begin)

        async def watch() -> None:
            seen = 0
            while True:
                story.extend((round(clock.now()), what) for what, _ in steam.calls[seen:])
                seen = len(steam.calls)
                await anyio.sleep(0.5)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(shared.close_when_idle)
            tasks.start_soon(watch)
            for begin, end in logins:
                tasks.start_soon(login, begin, end)
            await anyio.sleep(3 * 3600)
            tasks.cancel_scope.cancel()

    clock.run(main)
    return story


def test_steam_is_not_opened_without_a_login() -> None:
    assert evening() == []


def test_steam_is_closed_after_a_login() -> None:
    assert evening((5, 7)) == [(5, "open"), (7 + IDLE_SECONDS, "shutdown")]


def test_second_login_soon_after_the_first_finds_steam_open() -> None:
    assert evening((5, 7), (15, 16)) == [(5, "open"), (16 + IDLE_SECONDS, "shutdown")]


def test_login_an_hour_later_opens_steam_again() -> None:
    second = [(3600, "open"), (3601 + IDLE_SECONDS, "shutdown")]
    assert evening((5, 7), (3600, 3601)) == [(5, "open"), (7 + IDLE_SECONDS, "shutdown"), *second]


def test_steam_stays_open_until_the_last_login_ends() -> None:
    assert evening((5, 1800), (10, 11)) == [(5, "open"), (1800 + IDLE_SECONDS, "shutdown")]
