"""Specifies the connection to one library on a fake of it: when it initialises, asks, cancels, pumps and shuts down."""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import BridgeError, ConfigurationError, SteamUnavailable
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.steam import _abi as abi
from sudomimus_bridge.steam import _connection as module
from sudomimus_bridge.steam._connection import Connection, FlatApiSteam
from sudomimus_bridge.steam._dispatch import CallbackObject, HostDispatch, ManualDispatch, _retired
from sudomimus_bridge.steam._ledger import Ledger, handle_of
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.fake_steam import FakeSteam, connection_on, ticket_callback
from ..helpers.patience import PATIENCE


@contextmanager
def steam(*, hosted: bool = False, opened: bool = True) -> Iterator[tuple[FakeSteam, Connection]]:
    fake = FakeSteam()
    if hosted:
        fake.host_starts()
    connection = connection_on(fake)
    try:
        if opened:
            connection.open(lambda: 480)
            fake.calls.clear()
        yield fake, connection
    finally:
        connection.worker.stop(10)


def no_app_id() -> int:
    raise ConfigurationError(detail="none is set")


# --- open ----------------------------------------------------------------------------------------------------------------


def test_library_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[Path | None] = []
    fake = FakeSteam()

    def load(path: Path | None) -> Any:
        loaded.append(path)
        return fake

    monkeypatch.setattr(module, "load_library", load)
    connection = Connection(Path("here"))
    with pytest.raises(BridgeError, match="before it was opened"):
        _ = connection.library
    try:
        assert [connection.open(lambda: 480) for _ in range(2)] == [480, 480]
    finally:
        connection.worker.stop(10)
    assert loaded == [Path("here")]
    assert fake.names() == ["init", "manual", *["frame"] * fake.names().count("frame")]


@pytest.mark.parametrize("before", [None, "7"])
def test_steam_is_initialised_with_the_app_id_of_the_settings(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str | None] = []
    if before is not None:
        monkeypatch.setenv("SteamAppId", before)
    with steam(opened=False) as (fake, connection):
        initialise = fake.initialise

        def watched() -> tuple[int, str]:
            seen.append(os.environ.get("SteamAppId"))
            return initialise()

        fake.initialise = watched  # type: ignore[method-assign]
        connection.open(lambda: 480)
    assert seen == ["480"] and os.environ.get("SteamAppId") == before


@pytest.mark.parametrize(
    ("result", "running", "reason"),
    [
        (abi.INIT_FAILED, True, "SteamInitFailed"),
        (abi.INIT_FAILED, False, "SteamNotRunning"),
        (abi.INIT_NO_STEAM_CLIENT, True, "SteamNotRunning"),
        (abi.INIT_VERSION_MISMATCH, True, "SteamVersionMismatch"),
    ],
)
def test_failed_init(result: int, running: bool, reason: str) -> None:
    with steam(opened=False) as (fake, connection):
        fake.init, fake.running = (result, "why"), running
        with pytest.raises(SteamUnavailable, match=f"ESteamAPIInitResult {result}: why") as failed:
            connection.open(lambda: 480)
        assert failed.value.reason == reason
        assert connection._pause() is None and fake.names() == ["init"]


@pytest.mark.parametrize("hosted", [False, True])
def test_steam_that_runs_as_another_app(hosted: bool) -> None:
    with steam(hosted=hosted, opened=False) as (fake, connection):
        fake.app_id = 999
        with pytest.raises(ConfigurationError, match="runs as app 999 in this process, and the setting says 480"):
            connection.open(lambda: 480)


@pytest.mark.parametrize("hosted", [False, True])
def test_app_id_is_the_settings_if_steam_names_none(hosted: bool) -> None:
    with steam(hosted=hosted, opened=False) as (fake, connection):
        fake.utils_pointer = 0
        assert connection.open(lambda: 480) == 480


def test_game_that_runs_steam_needs_no_app_id() -> None:
    with steam(hosted=True, opened=False) as (_, connection):
        assert connection.open(no_app_id) == 480
    with steam(opened=False) as (_, connection), pytest.raises(ConfigurationError, match="none is set"):
        connection.open(no_app_id)
    with steam() as (_, connection), pytest.raises(ConfigurationError, match="none is set"):
        connection.open(no_app_id)


def test_only_the_game_may_initialise_steam_if_it_runs_steam() -> None:
    with steam(opened=False) as (fake, connection):
        with pytest.raises(SteamUnavailable) as refused:
            connection.open(lambda: 480, by_host=True)
        assert refused.value.reason == "HostHasNotInitialised" and fake.calls == []
        fake.host_starts()
        assert connection.open(lambda: 480, by_host=True) == 480
        assert "init" not in fake.names()


@pytest.mark.parametrize("hosted", [False, True])
def test_dispatch_is_that_of_the_side_that_initialised_steam(hosted: bool) -> None:
    with steam(hosted=hosted) as (_, connection):
        assert isinstance(connection._dispatch, HostDispatch if hosted else ManualDispatch)


@pytest.mark.parametrize("how", ["stopped", "restarted"])
def test_steam_that_has_shut_down_since_is_initialised_again(how: str) -> None:
    with steam() as (fake, connection):
        if how == "stopped":
            fake.running = False
        else:
            fake.pipe += 1
        connection.open(lambda: 480)
        assert [name for name in fake.names() if name != "frame"] == ["shutdown", "init", "manual"]
        fake.running = True
        fake.calls.clear()
        connection.open(lambda: 480)
        assert "init" not in fake.names()


def test_dispatch_that_fails_to_start_is_ended_all_the_same() -> None:
    with steam(opened=False) as (fake, connection):

        def fail() -> None:
            raise OSError

        fake.ManualDispatch_Init = fail  # type: ignore[method-assign]
        with pytest.raises(OSError):
            connection.open(lambda: 480)
        connection.shut_down()
        assert fake.names() == ["init", "shutdown"]


# --- tickets -------------------------------------------------------------------------------------------------------------


def test_ticket_is_requested_after_older_callbacks_and_cancelled_once() -> None:
    with steam() as (fake, connection):
        fake.queue.append((abi.GET_TICKET_FOR_WEB_API_RESPONSE, ticket_callback(9), 2572))
        number = connection.request("sudomimus")
        assert (number, fake.queue) == (1, [])
        connection.cancel(number)
        connection.cancel(number)
        assert [call for call in fake.calls if call[0] != "frame"] == [("request", b"sudomimus"), ("cancel", 1)]


@pytest.mark.parametrize("hosted", [False, True])
def test_request_that_fails_is_repeated_once_after_a_new_init(hosted: bool) -> None:
    with steam(hosted=hosted) as (fake, connection):
        fake.handles = [0, 5]
        assert handle_of(connection.request("sudomimus")) == 5
        again = ["request"] if hosted else ["shutdown", "init", "manual", "request"]
        assert [name for name in fake.names() if name != "frame"] == ["request", *again]
        fake.handles = [0, 0, 6]
        with pytest.raises(SteamUnavailable) as failed:
            connection.request("sudomimus")
        assert failed.value.reason == "NoTicketHandle"


def test_request_without_a_user() -> None:
    with steam() as (fake, connection):
        fake.user_pointer = 0
        with pytest.raises(SteamUnavailable) as failed:
            connection.request("sudomimus")
        assert failed.value.reason == "NoTicketHandle" and "request" not in fake.names()
        assert fake.names().count("init") == 1


def test_request_after_a_hosts_steam_was_released() -> None:
    with steam(hosted=True) as (fake, connection):
        connection.shut_down()
        with pytest.raises(SteamUnavailable) as failed:
            connection.request("sudomimus")
        assert failed.value.reason == "NoTicketHandle" and "request" not in fake.names()


@pytest.mark.parametrize("gone", ["pipe", "user"])
def test_ticket_of_a_steam_that_has_gone_is_not_cancelled(gone: str) -> None:
    with steam() as (fake, connection):
        number = connection.request("sudomimus")
        if gone == "pipe":
            fake.pipe += 1
        else:
            fake.user_pointer = 0
        connection.cancel(number)
        assert "cancel" not in fake.names()


@pytest.mark.parametrize("hosted", [False, True])
def test_shutdown_cancels_the_open_tickets_and_ends_their_waits(hosted: bool) -> None:
    with steam(hosted=hosted) as (fake, connection):
        numbers = [connection.request("sudomimus") for _ in range(2)]
        woken: list[None] = []
        waits = [connection.ledger.watch(number, lambda: woken.append(None)) for number in numbers]
        connection.shut_down()
        assert len(woken) == 2
        names = [name for name in fake.names() if name not in ("frame", "request", "unregister")]
        assert names == ["cancel", "cancel", *([] if hosted else ["shutdown"])]
        for wait in waits:
            with pytest.raises(SteamUnavailable) as ended:
                wait.taken()
            assert ended.value.reason == "SteamShutdown"
        assert fake.names().count("unregister") == (4 if hosted else 0)
        connection.shut_down()
        connection._pump()
        connection.cancel(numbers[0])
        assert fake.names().count("shutdown") == (0 if hosted else 1)
        connection.open(lambda: 480)
        assert connection.request("sudomimus") >> 32 == 2


def test_logged_on() -> None:
    with steam() as (fake, connection):
        assert connection.logged_on() is True
        fake.logged_on = False
        assert connection.logged_on() is False
        fake.logged_on, fake.user_pointer = True, 0
        assert connection.logged_on() is False
        fake.user_pointer = 11
        connection.shut_down()
        fake.pipe = 9
        assert connection.logged_on() is False


def test_overlay() -> None:
    page = Secret("https://via.sudomimus.com/errand")
    with steam() as (fake, connection):
        assert connection.show_in_overlay(page) is True
        assert fake.calls == [("overlay", page.reveal())]
        fake.overlay = False
        assert connection.show_in_overlay(page) is False
        fake.overlay = True
        connection.shut_down()
        assert connection.show_in_overlay(page) is False
        assert fake.names().count("overlay") == 1


# --- the pump ------------------------------------------------------------------------------------------------------------


def callbacks(connection: Connection, fake: FakeSteam, *queue: tuple[int, bytes, int]) -> str:
    """Pump these callbacks while a ticket is awaited, and return its hex or the reason why there is none."""
    number = connection.request("sudomimus")
    wait = connection.ledger.watch(number, lambda: None)
    fake.queue.extend(queue)
    connection._pump()
    if wait.answer is None:
        return "waiting"
    try:
        return wait.taken().reveal()
    except SteamUnavailable as error:
        return str(error.reason)


TICKET = abi.GET_TICKET_FOR_WEB_API_RESPONSE
WHOLE = abi.TICKET_RESPONSE_SIZE


@pytest.mark.parametrize(
    ("queue", "outcome"),
    [
        ([(TICKET, ticket_callback(1), WHOLE)], "abcd"),
        ([(999, ticket_callback(1), WHOLE)], "waiting"),
        ([(999, b"x", 1), (TICKET, ticket_callback(1), WHOLE)], "abcd"),
        ([(TICKET, ticket_callback(2), WHOLE)], "waiting"),
        ([(TICKET, ticket_callback(1), WHOLE), (TICKET, ticket_callback(1, b"\xff"), WHOLE)], "abcd"),
        ([(TICKET, ticket_callback(1), WHOLE + 100)], "abcd"),
        ([(TICKET, ticket_callback(1), 14)], "abcd"),
        ([(TICKET, ticket_callback(1), 13)], "TicketUnreadable"),
        ([(TICKET, ticket_callback(1), 0)], "waiting"),
        ([(TICKET, b"\1\1\1\1\2\2\2\2\3\3\3\3\0", -1)], "waiting"),
        ([(TICKET, b"", WHOLE)], "waiting"),
        ([(103, b"x", 1)], "SteamDisconnected"),
        ([(102, b"x", 1)], "SteamDisconnected"),
        ([(704, b"x", 1)], "SteamShutdown"),
    ],
)
def test_callbacks(queue: list[tuple[int, bytes, int]], outcome: str) -> None:
    with steam() as (fake, connection):
        assert callbacks(connection, fake, *queue) == outcome
        if queue[-1][2] <= 0 or not queue[-1][1]:
            assert connection.ledger._strays == {}, "something else was read"
        assert ("shutdown" in fake.names()) == (outcome == "SteamShutdown")


def test_library_that_fails_in_the_pump_is_shut_down() -> None:
    with steam() as (fake, connection):
        number = connection.request("sudomimus")
        wait = connection.ledger.watch(number, lambda: None)

        def fail(pipe: int) -> None:
            raise OSError

        fake.ManualDispatch_RunFrame = fail  # type: ignore[method-assign]
        connection._pump()
        with pytest.raises(SteamUnavailable) as ended:
            wait.taken()
        assert ended.value.reason == "OSError" and "shutdown" in fake.names()
        connection._pump()
        assert fake.names().count("shutdown") == 1


def test_host_that_shuts_steam_down_is_noticed() -> None:
    with steam(hosted=True) as (fake, connection):
        connection._pump()
        assert "unregister" not in fake.names()
        fake.pipe = 0
        connection._pump()
        assert fake.names().count("unregister") == 4 and "shutdown" not in fake.names()


def test_callback_objects_of_a_host() -> None:
    with steam(hosted=True) as (fake, connection):
        assert fake.registered == {168: 2572, 704: 1, 103: 4, 102: 8}
        assert isinstance(connection._dispatch, HostDispatch)
        callback_ids = {listener.base.id: listener for listener in connection._dispatch._objects}
        assert all(listener.base.flags == 0 for listener in callback_ids.values())
        for callback_id, reason in ((704, "SteamShutdown"), (103, "SteamDisconnected"), (102, "SteamDisconnected")):
            wait = connection.ledger.watch(connection.request("sudomimus"), lambda: None)
            callback_ids[callback_id]._run(0)
            assert isinstance(wait.answer, SteamUnavailable) and wait.answer.reason == reason


@pytest.mark.parametrize("call_result", [False, True])
@pytest.mark.parametrize(
    ("callback", "outcome"),
    [
        (ticket_callback(1), "abcd"),
        (ticket_callback(1, b"\xab" * 2560), "ab" * 2560),
        (ticket_callback(1, size=-5), "TicketUnreadable"),
        (ticket_callback(1, size=10**9), "TicketUnreadable"),
        (ticket_callback(1, size=0), "TicketUnreadable"),
    ],
)
def test_host_calls_the_object_for_tickets(callback: bytes, outcome: str, call_result: bool) -> None:
    with steam(hosted=True) as (_, connection):
        wait = connection.ledger.watch(connection.request("sudomimus"), lambda: None)
        assert isinstance(connection._dispatch, HostDispatch)
        listener = connection._dispatch._objects[0]
        data = ctypes.create_string_buffer(callback)
        arguments = (listener.pointer(), ctypes.addressof(data))
        if call_result:
            listener._functions[1](*arguments, False, 0)
        else:
            listener._functions[0](*arguments)
        assert wait.answer is not None
        if outcome == "TicketUnreadable":
            with pytest.raises(SteamUnavailable, match="m_cubTicket"):
                wait.taken()
        else:
            assert wait.taken().reveal() == outcome


def test_callback_objects_are_unregistered_once_and_never_freed() -> None:
    fake = FakeSteam()
    fake.host_starts()
    dispatch = HostDispatch(fake, Ledger())  # type: ignore[arg-type]
    dispatch.start()
    objects = list(dispatch._objects)
    dispatch.stop()
    dispatch.stop()
    assert fake.names().count("unregister") == 4
    assert _retired[-4:] == objects


def test_virtual_functions_are_in_the_order_of_this_platform() -> None:
    orders = [
        [function and ctypes.cast(function, ctypes.c_void_p).value for function in listener._functions]
        == list(listener.vtable)
        for listener in (CallbackObject(1, 1, print), CallbackObject(1, 1, print, microsoft=sys.platform == "win32"))
    ]
    assert orders == [sys.platform != "win32"] * 2


@pytest.mark.parametrize(
    ("platform", "pointer", "refused"), [("win32", 4, True), ("win32", 8, False), ("linux", 4, False)]
)
def test_host_on_32_bit_windows(platform: str, pointer: int, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSteam()
    fake.host_starts()
    dispatch = HostDispatch(fake, Ledger())  # type: ignore[arg-type]
    with monkeypatch.context() as patched:
        patched.setattr("sudomimus_bridge.steam._dispatch.sys.platform", platform)
        patched.setattr("sudomimus_bridge.steam._dispatch.struct.calcsize", lambda _: pointer)
        try:
            dispatch.start()
            reason = None
        except SteamUnavailable as error:
            reason = error.reason
    assert reason == ("ThisCallNotSupported" if refused else None)
    dispatch.stop()


@pytest.mark.parametrize(("waited", "pause"), [(0.0, 0.001), (0.02, 0.001), (0.1, 0.005), (0.2, 0.01), (9.0, 0.01)])
def test_pause_between_frames_is_a_twentieth_of_the_wait(
    waited: float, pause: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [5000.0]
    with steam() as (_, connection):
        monkeypatch.setattr("sudomimus_bridge.steam._connection.time.monotonic", lambda: now[0])
        connection.request("sudomimus")
        now[0] += waited
        paused = connection._pause()
        monkeypatch.undo()
        assert paused == pytest.approx(pause)


def test_pauses_while_no_ticket_is_awaited_and_beside_a_host() -> None:
    with steam() as (_, connection):
        assert connection._pause() == 15.0
        connection.shut_down()
        assert connection._pause() is None
    with steam(hosted=True) as (_, connection):
        assert connection._pause() is None
        connection.request("sudomimus")
        assert connection._pause() == 0.25


# --- the table of connections --------------------------------------------------------------------------------------------


def test_connections_are_shared_by_path_and_shut_down_after_the_last_user(tmp_path: Path) -> None:
    one, two = module._acquire(tmp_path / "a"), module._acquire(tmp_path / "a")
    other = module._acquire(tmp_path / "b")
    try:
        assert one is two and one is not other
        fake = FakeSteam()
        one._library = fake  # type: ignore[assignment]
        one.open(lambda: 480)
        module._release(one)
        module._shut_down_if_unused(one)
        assert "shutdown" not in fake.names()
        module._release(two)
        module._shut_down_if_unused(one)
        assert "shutdown" in fake.names()
        assert module._acquire(tmp_path / "a") is one
    finally:
        for path in ("a", "b"):
            module._connections.pop(tmp_path / path).worker.stop(10)


def test_end_of_the_interpreter_cancels_and_shuts_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fakes = [FakeSteam(), FakeSteam()]
    connections = [connection_on(fake) for fake in fakes]
    monkeypatch.setattr(module, "_connections", dict(enumerate(connections)))
    for connection in connections:
        connection.open(lambda: 480)
        connection.request("sudomimus")
    module._close_all()
    for fake, connection in zip(fakes, connections, strict=True):
        assert [name for name in fake.names() if name in ("cancel", "shutdown")] == ["cancel", "shutdown"]
        assert not connection.worker.alive


# --- the port ------------------------------------------------------------------------------------------------------------


@contextmanager
def port(
    monkeypatch: pytest.MonkeyPatch, fake: FakeSteam, *, hosted: bool | None = None
) -> Iterator[tuple[FlatApiSteam, list[tuple[Path | None, bool]]]]:
    """A port whose library is the fake one, and the searches for the library: the setting, and whether a game runs Steam."""
    searched: list[tuple[Path | None, bool]] = []

    def find(chosen: Path | None, *, hosted: bool) -> Path:
        searched.append((chosen, hosted))
        return Path("found")

    connections: dict[Path, Connection] = {}
    monkeypatch.setattr(module, "find_library", find)
    monkeypatch.setattr(module, "load_library", lambda path: fake)
    monkeypatch.setattr(module, "_connections", connections)
    more = {} if hosted is None else {"hosted": hosted}
    try:
        yield FlatApiSteam(Path("chosen"), lambda: 480, SystemClock(), **more), searched
    finally:
        for connection in connections.values():
            connection.worker.stop(10)


def test_port_opens_one_connection_and_shuts_it_down(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    fake = FakeSteam()

    async def flow() -> None:
        with port(monkeypatch, fake) as (steam, searched):
            assert [await steam.open() for _ in range(2)] == [480, 480]
            assert searched == [(Path("chosen"), False)]
            (connection,) = module._connections.values()
            assert connection.users == 1 and connection.path == Path("found")
            assert await steam.logged_on() is True
            await steam.aclose()
            assert connection.users == 0 and fake.names().count("shutdown") == 1
            await steam.aclose()
            assert connection.users == 0
            await steam.open()
            assert connection.users == 1 and len(searched) == 2 and fake.names().count("init") == 2
            steam.drop(10)
            assert connection.users == 0 and fake.names().count("shutdown") == 2
            steam.drop(10)
            assert connection.users == 0

    anyio.run(flow, backend=backend)


def test_port_of_a_game_that_has_not_started_steam_searches_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSteam()

    async def flow() -> None:
        with port(monkeypatch, fake, hosted=True) as (steam, searched):
            for tries in (1, 2):
                with pytest.raises(SteamUnavailable) as refused:
                    await steam.open()
                assert refused.value.reason == "HostHasNotInitialised"
                assert searched == [(Path("chosen"), True)] * tries
            fake.host_starts()
            assert await steam.open() == 480
            await steam.aclose()
            assert "init" not in fake.names() and "shutdown" not in fake.names()

    anyio.run(flow)


def test_port_keeps_its_connection_after_another_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeSteam()
    fake.init = abi.INIT_FAILED, ""

    async def flow() -> None:
        with port(monkeypatch, fake) as (steam, searched):
            for _ in range(2):
                with pytest.raises(SteamUnavailable):
                    await steam.open()
            assert len(searched) == 1

    anyio.run(flow)


def test_ticket_is_cancelled_through_a_port_that_is_closed_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another login of the process still uses the connection, so the ticket is still open."""
    fake = FakeSteam()

    async def flow() -> None:
        with port(monkeypatch, fake) as (steam, _):
            await steam.open()
            module._acquire(Path("found"))
            handle = await steam.get_auth_ticket_for_web_api("sudomimus")
            await steam.aclose()
            assert "shutdown" not in fake.names()
            await steam.cancel_auth_ticket(handle)
            assert ("cancel", handle) in fake.calls

    anyio.run(flow)


def test_closing_a_library_that_hangs_takes_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, go_on = VirtualClock(grace=0.05), threading.Event()
    fake = FakeSteam()
    shutdown = fake.Shutdown

    def hang() -> None:
        go_on.wait(PATIENCE)
        shutdown()

    fake.Shutdown = hang  # type: ignore[method-assign]

    async def flow() -> None:
        with port(monkeypatch, fake) as (steam, _):
            steam._clock = clock
            await steam.open()
            began = clock.now()
            with anyio.CancelScope() as cancelled:
                cancelled.cancel()
                await steam.aclose()
            assert clock.now() - began == pytest.approx(1, abs=0.2)
            go_on.set()

    clock.run(flow)
    assert "shutdown" in fake.names()


def test_port_before_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    async def flow() -> None:
        with port(monkeypatch, FakeSteam()) as (steam, _):
            with pytest.raises(BridgeError, match="before it was opened"):
                await steam.logged_on()
            await steam.aclose()
            steam.drop()

    anyio.run(flow)
