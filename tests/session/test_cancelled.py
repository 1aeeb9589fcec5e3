"""Specifies a caller that is cancelled during a renewal: it returns soon, and the session is kept if possible."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge._runs.finishing import Finishing
from sudomimus_bridge._session.player_session import FINISH_FOR_OTHERS_SECONDS, FINISH_SECONDS, PlayerSession
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.errors import LoginDenied
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.patience import PATIENCE
from ..helpers.session_disk import store_in
from ..helpers.session_helpers import BUSY_SECONDS, LIFETIME, ModelService

Scene = Callable[[ModelService, VirtualClock, PlayerSession], Awaitable[None]]


def play(
    scene: Scene, backend: str = "asyncio", folder: Path | None = None, plan: tuple[str, ...] = ()
) -> ModelService:
    clock = VirtualClock(grace=0.02 if folder is not None else 0.0)
    service = ModelService(clock, list(plan))

    async def main() -> None:
        session = service.session(disk=store_in(folder) if folder is not None else None)
        await session.adopt(service.record())
        await clock.sleep(LIFETIME)
        await scene(service, clock, session)

    clock.run(main, backend=backend)
    return service


async def cancelled_after(clock: VirtualClock, seconds: float, session: PlayerSession) -> float:
    """The seconds from the cancellation to the caller's return."""
    began = clock.now()
    with clock.move_on_after(seconds) as scope:
        await session.access_token(300)
    assert scope.cancelled_caught
    return clock.now() - began - seconds


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 0.9])
def test_session_survives_a_caller_that_is_cancelled_during_the_request(
    at: float, backend: str, tmp_path: Path
) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.request_seconds = 1
        await cancelled_after(clock, at, session)
        assert await session.access_token(300)

    assert play(scene, backend, tmp_path).refreshes == 1


def test_cancelled_caller_does_not_wait_long_for_a_slow_answer_and_the_token_is_not_sent_again(backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.request_seconds = 20
        assert await cancelled_after(clock, 1, session) == pytest.approx(FINISH_SECONDS, abs=0.1)
        record = await session.record()
        assert record is not None and record.refresh is None
        with pytest.raises(LoginDenied, match="interrupted"):
            await session.access_token(300)

    assert play(scene, backend).refreshes == 1


@pytest.mark.parametrize("others", [1, 5])
def test_other_callers_get_the_tokens_of_a_renewal_whose_caller_is_cancelled(others: int, backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.request_seconds = FINISH_FOR_OTHERS_SECONDS - 1
        tokens: list[Secret] = []

        async def ask() -> None:
            await clock.sleep(0.5)
            tokens.append(await session.access_token(300))

        async with anyio.create_task_group() as tasks:
            for _ in range(others):
                tasks.start_soon(ask)
            await cancelled_after(clock, 1, session)
        assert len(tokens) == others
        assert len(set(tokens)) == 1

    assert play(scene, backend).refreshes == 1


def test_cancelled_caller_returns_at_once_while_the_token_is_surely_unused(backend: str) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        assert await cancelled_after(clock, BUSY_SECONDS / 2, session) == pytest.approx(0, abs=0.1)
        assert await session.access_token(300)

    assert play(scene, backend, plan=("busy",)).seen == ["busy", "ok"]


@pytest.mark.parametrize("how", ["task", "timeout"])
def test_session_survives_asyncios_own_ways_to_cancel(how: str, tmp_path: Path) -> None:
    async def scene(service: ModelService, clock: VirtualClock, session: PlayerSession) -> None:
        service.request_seconds = 1
        if how == "timeout":
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    await session.access_token(300)
        else:
            task = asyncio.ensure_future(session.access_token(300))
            await clock.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert await session.access_token(300)

    assert play(scene, folder=tmp_path).refreshes == 1


def test_session_survives_the_end_of_the_renewing_threads_event_loop(backend: str) -> None:
    """Two threads, each with an event loop of its own. The one that renews is cancelled, and its loop ends."""
    service = ModelService(SystemClock(), request_seconds=0.5)
    session = service.session()
    sent, tokens = threading.Event(), list[Secret]()
    service.on_refresh = sent.set

    async def renew() -> None:
        await session.adopt(service.record())
        record = await session.record()
        assert record is not None
        session.outdated(record.access)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.access_token, 300)
            while not sent.is_set():
                await anyio.sleep(0.001)
            tasks.cancel_scope.cancel()

    async def wait() -> None:
        tokens.append(await session.access_token(300))

    def run_other() -> None:
        sent.wait(PATIENCE)
        anyio.run(wait)

    other = threading.Thread(target=run_other)
    other.start()
    anyio.run(renew, backend=backend)
    other.join(PATIENCE)
    assert len(tokens) == 1
    assert service.refreshes == 1


# --- the step itself -------------------------------------------------------------------------------------------------


def test_error_of_a_step_comes_out_as_it_is(backend: str) -> None:
    async def fail() -> None:
        raise KeyError("as it is")

    async def main() -> None:
        with pytest.raises(KeyError):
            await Finishing(fail, lambda: 1.0).run()

    run: Callable[..., object] = anyio.run
    run(main, backend=backend)


def test_step_whose_time_is_over_is_cancelled(backend: str) -> None:
    clock, cancelled = VirtualClock(), list[float]()

    async def work() -> None:
        try:
            await anyio.sleep_forever()
        except anyio.get_cancelled_exc_class():
            cancelled.append(clock.now())
            raise

    async def main() -> None:
        with clock.move_on_after(1):
            await Finishing(work, lambda: 2.0).run()
        assert clock.now() == pytest.approx(3, abs=0.1)

    clock.run(main, backend=backend)
    assert cancelled == [pytest.approx(3, abs=0.1)]
