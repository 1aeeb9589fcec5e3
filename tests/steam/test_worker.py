"""Specifies the thread that makes the library's calls, and how long a port waits for it, in virtual time."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest

from sudomimus_bridge import SteamUnavailable
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.steam._ledger import Ledger
from sudomimus_bridge.steam._on_thread import SteamOnThread
from sudomimus_bridge.steam._worker import Job, Worker
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.patience import PATIENCE, until


@contextmanager
def working(pump: Callable[[], None] = lambda: None, pause: float | None = None) -> Iterator[Worker]:
    worker = Worker("test", pump, lambda: pause)
    try:
        yield worker
    finally:
        worker.stop(PATIENCE)


# --- one call ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("abandoned", "wakes", "fails", "undone"),
    [
        ("never", True, False, False),
        ("before", True, False, True),
        ("after", True, False, True),
        ("never", False, False, True),
        ("before", True, True, False),
        ("after", True, True, False),
        ("never", False, True, False),
    ],
)
def test_call_is_undone_if_nobody_takes_its_outcome(abandoned: str, wakes: bool, fails: bool, undone: bool) -> None:
    given_back: list[int] = []

    def call() -> int:
        if fails:
            raise KeyError
        return 7

    job = Job(call, given_back.append, lambda: wakes)
    if abandoned == "before":
        assert job.abandon() is False  # the thread will see it
    job.run()
    if abandoned == "after":
        assert given_back == []
        assert job.abandon() is True  # the caller has to queue this:
        job.take_back()
    assert given_back == ([7] if undone else [])


def test_call_without_undo() -> None:
    job = Job(lambda: 7, None, lambda: True)
    job.abandon()
    job.run()
    assert job.outcome() == 7


def test_error_of_a_call_is_raised_and_let_go() -> None:
    def fail() -> None:
        raise KeyError("as it is")

    job = Job(fail, None, lambda: True)
    job.run()
    with pytest.raises(KeyError, match="as it is"):
        job.outcome()
    assert job._error is None


# --- the thread ----------------------------------------------------------------------------------------------------------


def test_cancelled_caller_gets_no_outcome_and_the_call_is_undone(backend: str) -> None:
    go_on, given_back = threading.Event(), list[tuple[int, bool]]()

    def call() -> int:
        go_on.wait(PATIENCE)
        return 7

    with working() as worker:

        async def flow() -> None:
            with anyio.CancelScope() as scope:
                scope.cancel()
                await worker.call(call, lambda value: given_back.append((value, thread() is worker._thread)))
                pytest.fail("the caller was cancelled")
            go_on.set()
            assert await worker.call(lambda: 8) == 8

        anyio.run(flow, backend=backend)
    assert given_back == [(7, True)]


thread = threading.current_thread


def test_caller_that_is_cancelled_after_the_call_has_it_undone() -> None:
    """The call ends, and the caller's task is cancelled before it runs again."""
    given_back: list[int] = []
    with working() as worker:

        async def flow() -> None:
            ended = threading.Event()
            with anyio.CancelScope() as scope:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(worker.call, lambda: 7, given_back.append)
                    await anyio.sleep(0)
                    worker.post(ended.set)
                    assert ended.wait(PATIENCE)  # the event loop stands still meanwhile
                    scope.cancel()
            assert await worker.call(lambda: 8) == 8

        anyio.run(flow)
    assert given_back == [7]


def test_thread_pumps_after_each_job_and_survives_every_error() -> None:
    pumped: list[None] = []

    def pump() -> None:
        pumped.append(None)
        raise KeyError

    def fail() -> None:
        raise KeyError

    with working(pump) as worker:
        worker.finish(fail, PATIENCE)  # one job, and the one that tells its end
        worker.finish(fail, PATIENCE)
        until(lambda: len(pumped) == 4)
        assert worker.alive
    assert not worker.alive


def test_thread_pumps_while_it_has_no_job() -> None:
    pumped = threading.Semaphore(0)
    with working(lambda: pumped.release(), 0.001):
        assert all(pumped.acquire(timeout=PATIENCE) for _ in range(3))


def test_finish_waits_for_its_job_only_if_the_thread_can_do_it() -> None:
    done: list[str] = []
    with working() as worker:

        def slow() -> None:
            time.sleep(0.01)
            done.append("slow")

        worker.finish(slow, PATIENCE)
        assert done == ["slow"]
        worker.finish(lambda: worker.finish(lambda: done.append("nested"), PATIENCE), PATIENCE)
        worker.finish(lambda: None, PATIENCE)
        assert done == ["slow", "nested"]
        worker.post(lambda: worker.stop(PATIENCE))
        until(lambda: not worker.alive)
    worker.finish(lambda: done.append("never"), PATIENCE)
    assert done == ["slow", "nested"]


# --- the waits of a port -------------------------------------------------------------------------------------------------


class Port(SteamOnThread):
    """A port, and its own thread object. A call in `hangs` waits until `go_on` is set."""

    def __init__(self, clock: VirtualClock, *hangs: str) -> None:
        super().__init__(clock)
        self.worker, self.ledger = Worker("test", lambda: None, lambda: None), Ledger()
        self.hangs, self.go_on = hangs, threading.Event()
        self.calls: list[str] = []
        self.overlay_after = 0

    def _thread(self) -> Any:
        return self

    def _called(self, name: str) -> None:
        if name in self.hangs:
            self.go_on.wait(PATIENCE)
        self.calls.append(name)

    def request(self, identity: str) -> int:
        self._called(f"request {identity}")
        return self.ledger.enter(7)

    def cancel(self, number: int) -> None:
        self._called(f"cancel {number}")

    def show_in_overlay(self, page: Secret) -> bool:
        self._called("show")
        return len(self.calls) > self.overlay_after

    async def open(self) -> str:
        await self._within_open_seconds(self.worker, lambda: self._called("open"))
        return "opened"


def seconds(port: Port, use: Callable[[], Awaitable[Any]], clock: VirtualClock) -> tuple[Any, float]:
    """What a call returned or raised, and how long it took."""

    async def flow() -> tuple[Any, float]:
        began = clock.now()
        try:
            result = await use()
        except SteamUnavailable as error:
            result = error.reason
        took = clock.now() - began
        port.go_on.set()
        return result, round(took, 1)

    try:
        return clock.run(flow)
    finally:
        port.go_on.set()
        port.worker.stop(PATIENCE)


def on_virtual_time(*hangs: str) -> tuple[Port, VirtualClock]:
    clock = VirtualClock(grace=0.03)
    return Port(clock, *hangs), clock


def test_port_asks_for_a_ticket_and_cancels_it() -> None:
    port, clock = on_virtual_time()

    async def use() -> int:
        handle = await port.get_auth_ticket_for_web_api("me")
        await port.cancel_auth_ticket(handle)
        return handle

    assert seconds(port, use, clock) == (7, 0)
    assert port.calls == ["request me", "cancel 7"]


def test_opening_takes_twenty_seconds_at_most() -> None:
    port, clock = on_virtual_time()
    assert seconds(port, port.open, clock) == ("opened", 0)
    port, clock = on_virtual_time("open")
    assert seconds(port, port.open, clock) == ("InitTimeout", 20)


def test_opening_without_a_thread_fails_at_once() -> None:
    port, clock = on_virtual_time()
    port.worker.stop(PATIENCE)
    assert seconds(port, port.open, clock) == ("ProgramEndsOrForked", 0)


def test_cancelling_a_ticket_takes_a_second_at_most() -> None:
    port, clock = on_virtual_time("cancel 7")
    assert seconds(port, lambda: port.cancel_auth_ticket(7), clock) == (None, 1)


@pytest.mark.parametrize(("hangs", "took"), [((), 0), (("request me",), 0.2)])  # 0.25 in binary, rounded to even
def test_cancelled_request_waits_a_moment_for_its_ticket_to_be_cancelled(hangs: tuple[str, ...], took: float) -> None:
    port, clock = on_virtual_time(*hangs)

    async def use() -> list[str]:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await port.get_auth_ticket_for_web_api("me")
            pytest.fail("the caller was cancelled")
        return list(port.calls)

    assert seconds(port, use, clock) == ([] if hangs else ["request me", "cancel 7"], took)
    assert port.calls == ["request me", "cancel 7"]


@pytest.mark.parametrize(("after", "shown", "took"), [(0, True, 0), (1, True, 0.5), (9, True, 4.5), (99, False, 5)])
def test_overlay_is_waited_for(after: int, shown: bool, took: float) -> None:
    port, clock = on_virtual_time()
    port.overlay_after = after
    page = Secret("https://via.sudomimus.com/errand")
    assert seconds(port, lambda: port.activate_game_overlay_to_web_page(page), clock) == (shown, took)


@pytest.mark.parametrize("early", [True, False])
def test_ticket_is_waited_for(early: bool) -> None:
    port, clock = on_virtual_time()

    async def close_after(delay: float) -> None:
        await clock.sleep(delay)
        port.ledger.fail_all("Steam is closing.", "SteamShutdown")

    async def use() -> str | None:
        number = port.ledger.enter(7)
        if early:
            await close_after(0)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(close_after, 3)
            try:
                await port.ticket_response(number)
            except SteamUnavailable as error:
                tasks.cancel_scope.cancel()
                return error.reason
        return "waited in vain"

    assert seconds(port, use, clock) == ("SteamShutdown", 0 if early else 3)
