"""Specifies that a blocking call is refused on a thread whose event loop runs, in every kind of callback of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from sudomimus_bridge import Bridge, ConfigurationError

Call = Callable[[], object]


@pytest.fixture(params=["login", "share", "access_token", "logout"])
def refused(request: pytest.FixtureRequest) -> Iterator[tuple[Call, list[BaseException]]]:
    """A blocking call, and the errors that it has raised."""
    raised: list[BaseException] = []
    bridge = Bridge(application="my-game", steam_app_id=480)
    calls: dict[str, Call] = {
        "login": bridge.login,
        "share": lambda: bridge.share("a.b.c"),
        "access_token": lambda: bridge.session().access_token(),
        "logout": lambda: bridge.session().logout(),
    }

    def call() -> None:
        try:
            calls[request.param]()
        except BaseException as error:
            raised.append(error)

    yield call, raised
    bridge.close()
    assert [type(error) for error in raised] == [ConfigurationError]


async def in_task(call: Call) -> None:
    call()


async def in_callback(call: Call) -> None:
    asyncio.get_running_loop().call_soon(call)
    await asyncio.sleep(0.01)


async def in_timer(call: Call) -> None:
    asyncio.get_running_loop().call_later(0, call)
    await asyncio.sleep(0.05)


async def in_protocol(call: Call) -> None:
    class Connected(asyncio.Protocol):
        def connection_made(self, transport: Any) -> None:
            call()
            transport.close()

    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    await asyncio.get_running_loop().create_connection(Connected, *server.sockets[0].getsockname())
    server.close()


async def in_exception_handler(call: Call) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: call())
    loop.call_soon(lambda: 1 / 0)
    await asyncio.sleep(0.01)


@pytest.mark.parametrize("where", [in_task, in_callback, in_timer, in_protocol, in_exception_handler])
def test_blocking_call_is_refused_in_each_callback_of_asyncio(
    where: Callable[[Call], Any], refused: tuple[Call, list[BaseException]]
) -> None:
    asyncio.run(where(refused[0]))


def test_blocking_call_is_refused_in_a_task_of_trio(refused: tuple[Call, list[BaseException]]) -> None:
    trio.run(in_task, refused[0])


def test_blocking_call_is_refused_in_an_instrument_of_trio(refused: tuple[Call, list[BaseException]]) -> None:
    class Once(trio.abc.Instrument):
        def before_io_wait(self, _timeout: float) -> None:
            if not refused[1]:
                refused[0]()

    trio.run(trio.sleep, 0.01, instruments=[Once()])


def test_blocking_call_is_refused_in_an_abort_function_of_trio(refused: tuple[Call, list[BaseException]]) -> None:
    def abort(_raise_cancel: object) -> trio.lowlevel.Abort:
        refused[0]()
        return trio.lowlevel.Abort.SUCCEEDED

    async def main() -> None:
        with trio.move_on_after(0):
            await trio.lowlevel.wait_task_rescheduled(abort)

    trio.run(main)


def test_blocking_call_is_refused_in_a_function_that_another_thread_gives_to_trio(
    refused: tuple[Call, list[BaseException]],
) -> None:
    async def main() -> None:
        trio.lowlevel.current_trio_token().run_sync_soon(refused[0])
        await trio.sleep(0.01)

    trio.run(main)
