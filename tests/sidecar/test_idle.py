"""Steam is let go of when no login has needed it for a while: in virtual time."""

from __future__ import annotations

import anyio

from sudomimus_bridge._sidecar.idle import IDLE_SECONDS, SharedSteam
from sudomimus_bridge.testing._stub_steam import StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

Story = list[tuple[float, str]]


def evening(*logins: tuple[float, float]) -> Story:
    """What Steam sees of logins, each from one second to another: when it was opened and shut down."""
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
            tasks.start_soon(shared.let_go_when_idle)
            tasks.start_soon(watch)
            for begin, end in logins:
                tasks.start_soon(login, begin, end)
            await anyio.sleep(3 * 3600)
            tasks.cancel_scope.cancel()

    clock.run(main)
    return story


def test_it_is_never_opened_by_itself() -> None:
    assert evening() == []


def test_one_login() -> None:
    assert evening((5, 7)) == [(5, "open"), (7 + IDLE_SECONDS, "shutdown")]


def test_a_second_try_soon_after_finds_it_open() -> None:
    assert evening((5, 7), (15, 16)) == [(5, "open"), (16 + IDLE_SECONDS, "shutdown")]


def test_another_hour_another_opening() -> None:
    second = [(3600, "open"), (3601 + IDLE_SECONDS, "shutdown")]
    assert evening((5, 7), (3600, 3601)) == [(5, "open"), (7 + IDLE_SECONDS, "shutdown"), *second]


def test_a_long_login_keeps_it_open_for_a_short_one() -> None:
    assert evening((5, 1800), (10, 11)) == [(5, "open"), (1800 + IDLE_SECONDS, "shutdown")]
