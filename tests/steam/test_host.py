"""Specifies the bridge in a program that runs Steam itself: it listens, and never initialises, pumps or shuts down.

Each host is a separate process, because Steam is initialised for a whole process.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

import pytest

from sudomimus_bridge._values.errors import SteamUnavailable
from sudomimus_bridge.steam import _abi as abi
from sudomimus_bridge.steam._dispatch import CallbackObject
from sudomimus_bridge.steam._ledger import Ledger, handle_of
from sudomimus_bridge.steam._ticket import web_api_ticket
from sudomimus_bridge.steam._worker import Worker
from sudomimus_bridge.testing import StubBehaviour, StubSteam, VirtualClock

from ..conftest import StubLog
from ..helpers.patience import PATIENCE
from ..helpers.steam_helpers import balanced, run_program

pytestmark = pytest.mark.usefixtures("stub_log")

HOST = """
    import anyio, ctypes, os, pathlib, sys, threading, time
    from sudomimus_bridge._values.clock import SystemClock
    from sudomimus_bridge._values.errors import BridgeError
    from sudomimus_bridge.steam._connection import FlatApiSteam
    from sudomimus_bridge.steam._ticket import web_api_ticket

    os.environ["SteamAppId"] = "480"
    game = ctypes.CDLL(sys.argv[1])
    assert game.SteamAPI_InitFlat(ctypes.create_string_buffer(1024)) == 0
    stop, shut_down = threading.Event(), sys.argv[2] == "shut down"

    asking = threading.Event()

    def frames():
        while not stop.is_set():
            game.SteamAPI_RunCallbacks()
            if shut_down and asking.wait(5):
                time.sleep(0.1)
                game.SteamAPI_Shutdown()
                return
            time.sleep(0.005)

    async def login(tickets):
        steam = FlatApiSteam(None, lambda: 480, SystemClock())
        try:
            for _ in range(tickets):
                await steam.open()
                asking.set()
                async with web_api_ticket(steam, SystemClock()) as ticket_hex:
                    print("ticket", len(ticket_hex))
        except BridgeError as error:
            print("error", error.reason)
        finally:
            await steam.aclose()

    thread = threading.Thread(target=frames)
    thread.start()
    anyio.run(login, 3, backend=sys.argv[3])
    stop.set()
    thread.join()
    if not shut_down:
        game.SteamAPI_Shutdown()
"""


@pytest.mark.parametrize("callback", ["normal", "early", "twice", "other-handle-first"])
def test_beside_a_host_the_bridge_only_listens(
    callback: str, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", callback)
    done = run_program(HOST, str(stub_library), "stay", backend)
    assert done.stdout.splitlines() == ["ticket 480"] * 3, done.stderr
    calls = [call.call for call in stub_log.calls]
    assert calls.count("SteamAPI_InitFlat") == calls.count("SteamAPI_Shutdown") == 1
    assert not [call for call in calls if "ManualDispatch" in call]
    assert calls.count("SteamAPI_RegisterCallback") == calls.count("SteamAPI_UnregisterCallback") > 0
    assert calls.index("SteamAPI_UnregisterCallback") < calls.index("SteamAPI_Shutdown")
    balanced(stub_log)


def test_host_that_shuts_steam_down_during_a_login(
    stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    monkeypatch.setenv("STEAM_STUB_LENIENT", "1")  # the host shuts down while a ticket is open
    done = run_program(HOST, str(stub_library), "shut down", backend)
    assert done.stdout.splitlines() == ["error SteamShutdown"], done.stderr
    misuse = [call.details["what"] for call in stub_log.calls if call.call == "misuse"]
    assert len(misuse) <= 1, misuse
    calls = [call.call for call in stub_log.calls]
    assert calls.count("SteamAPI_RegisterCallback") == calls.count("SteamAPI_UnregisterCallback")


LATE_HOST = """
    import anyio, ctypes, os, sys, threading, time
    from sudomimus_bridge import Bridge, BridgeError, Phase

    os.environ["SteamAppId"] = "480"
    game = ctypes.CDLL(sys.argv[1])
    bridge = Bridge(application="my-game", steam_hosted=True, native_url="http://127.0.0.1:9")

    def told():
        try:
            bridge.login()
        except BridgeError as error:
            return error.reason or error.kind

    print(told())
    assert game.SteamAPI_InitFlat(ctypes.create_string_buffer(1024)) == 0
    stop = threading.Event()

    def frames():
        while not stop.is_set():
            game.SteamAPI_RunCallbacks()
            time.sleep(0.005)

    thread = threading.Thread(target=frames)
    thread.start()
    phases = []
    running = bridge.start_login(on_progress=lambda event: phases.append(event.phase))
    while Phase.ISSUING not in phases:
        running.poll()
        time.sleep(0.005)
    running.cancel()
    running.join(5)
    bridge.close()
    stop.set()
    thread.join()
    game.SteamAPI_Shutdown()
"""


def test_steam_hosted_before_the_host_initialises_steam(stub_library: Path, stub_log: StubLog) -> None:
    done = run_program(LATE_HOST, str(stub_library))
    assert done.stdout.splitlines() == ["HostHasNotInitialised"], done.stderr
    calls = [call.call for call in stub_log.calls]
    assert calls.count("SteamAPI_InitFlat") == calls.count("SteamAPI_Shutdown") == 1
    balanced(stub_log)


TWO_COPIES = """
    import anyio, ctypes, logging, os, pathlib, sys, threading, time
    from sudomimus_bridge._values.clock import SystemClock
    from sudomimus_bridge._values.errors import SteamUnavailable
    from sudomimus_bridge.steam._connection import FlatApiSteam
    from sudomimus_bridge.steam._ticket import web_api_ticket

    logging.basicConfig(format="%(message)s")
    games, chosen, way = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
    os.environ["SteamAppId"] = "480"
    game = ctypes.CDLL(str(games)) if way != "loads later" else None

    def starts():
        global game
        game = game or ctypes.CDLL(str(games))
        assert game.SteamAPI_InitFlat(ctypes.create_string_buffer(1024)) == 0

    if way == "updated":
        games.unlink()
    if way in ("runs", "updated"):
        starts()
    stop = threading.Event()

    def frames():
        while not stop.is_set():
            game.SteamAPI_RunCallbacks()
            time.sleep(0.005)

    async def login():
        steam = FlatApiSteam(chosen, lambda: 480, SystemClock(), hosted=way in ("starts later", "loads later"))
        if way in ("starts later", "loads later"):
            try:
                await steam.open()
            except SteamUnavailable as error:
                print(error.reason)
            starts()
        thread = threading.Thread(target=frames)
        thread.start()
        try:
            await steam.open()
            async with web_api_ticket(steam, SystemClock()) as ticket_hex:
                print("ticket", len(ticket_hex))
        finally:
            await steam.aclose()
            stop.set()
            thread.join()

    anyio.run(login)
    game.SteamAPI_Shutdown()
"""


@pytest.mark.parametrize("chosen", ["file", "folder", "nothing there"])
@pytest.mark.parametrize("way", ["runs", "starts later", "loads later", "updated"])
def test_running_copy_is_used_instead_of_the_configured_one(
    stub_library: Path, stub_log: StubLog, tmp_path: Path, chosen: str, way: str
) -> None:
    if way == "updated" and sys.platform == "win32":
        pytest.skip("needs a system that lets a loaded library be removed: not Windows")
    if way == "loads later" and chosen == "nothing there":
        pytest.skip("then no library can be opened before the host has loaded its own")
    games, other = tmp_path / "game" / stub_library.name, tmp_path / "other" / stub_library.name
    for copy in (games, other):
        copy.parent.mkdir()
        shutil.copy(stub_library, copy)
    named = {"file": other, "folder": other.parent, "nothing there": tmp_path / "nothing"}[chosen]
    done = run_program(TWO_COPIES, str(games), str(named), way)
    late = ["HostHasNotInitialised"] if way in ("starts later", "loads later") else []
    assert done.stdout.splitlines() == [*late, "ticket 480"], done.stderr
    assert f"{named} is ignored" in done.stderr and str(games) in done.stderr
    calls = [call.call for call in stub_log.calls]
    assert calls.count("SteamAPI_InitFlat") == calls.count("SteamAPI_Shutdown") == 1
    assert not [call for call in calls if "ManualDispatch" in call]
    balanced(stub_log)


@pytest.mark.parametrize("way", ["runs", "starts later"])
def test_no_warning_if_the_running_copy_is_configured(
    stub_library: Path, stub_log: StubLog, tmp_path: Path, way: str
) -> None:
    copies = [stub_library, stub_library.parent]
    if os.name != "nt":  # Windows needs a privilege to create a link, and Wine does not follow links
        copies.append(tmp_path / stub_library.name)
        copies[-1].symlink_to(stub_library)
    for named in copies:
        done = run_program(TWO_COPIES, str(stub_library), str(named), way)
        assert "ticket 480" in done.stdout, done.stderr
        assert "is ignored" not in done.stderr


def test_loaded_copy_without_steam_does_not_replace_the_configured_one(stub_library: Path, tmp_path: Path) -> None:
    copy = tmp_path / stub_library.name
    shutil.copy(stub_library, copy)
    done = run_program(
        """
        import ctypes, pathlib, sys
        from sudomimus_bridge.steam._library import find_library
        loaded = ctypes.CDLL(sys.argv[1])
        print(find_library(pathlib.Path(sys.argv[2])))
        """,
        str(stub_library),
        str(copy),
    )
    assert done.stdout.strip() == str(copy.resolve()), done.stderr


def test_error_for_a_host_that_does_not_pump() -> None:
    """A blocking login on the thread that calls SteamAPI_RunCallbacks never gets its callback."""
    clock = VirtualClock()
    steam = StubSteam(clock, behaviours=[StubBehaviour(silent=True)])

    async def login() -> None:
        async with web_api_ticket(steam, clock):
            pytest.fail("there is no ticket")

    with pytest.raises(SteamUnavailable) as told:
        clock.run(login)
    assert told.value.reason == "NoCallback"
    assert "SteamAPI_RunCallbacks" in str(told.value.detail) and "start_login" in str(told.value.detail)
    assert "SteamAPI" not in told.value.sentence  # the sentence is for the player
    assert steam.open_tickets == []


def test_ticket_number_from_before_a_shutdown_is_void() -> None:
    """Steam counts from 1 again after Init. An earlier login must not cancel a later ticket with the same handle."""
    ledger = Ledger()
    before = ledger.enter(1)
    ledger.forget_all()
    now = ledger.enter(1)
    assert handle_of(before) == handle_of(now) == 1
    assert not ledger.strike(before)
    with pytest.raises(SteamUnavailable):
        ledger.watch(before, lambda: None).taken()
    ledger.deliver(bytes(abi.TicketResponseHead(1, 1, 2)) + b"\xab\xcd")
    assert ledger.watch(now, lambda: None).taken().reveal() == "abcd"
    assert ledger.strike(now)
    assert not ledger.strike(now)


def test_call_is_undone_if_its_event_loop_has_ended() -> None:
    """A program may stop its loop without cancelling the login. Its ticket is cancelled all the same."""
    import asyncio
    import threading

    go_on, given_back = threading.Event(), threading.Event()
    worker = Worker("test", lambda: None, lambda: None)

    def ticket() -> int:
        go_on.wait(PATIENCE)
        return 7

    loop = asyncio.new_event_loop()
    task = loop.create_task(worker.call(ticket, undo=lambda number: given_back.set() if number == 7 else None))
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    loop.close()
    go_on.set()
    assert given_back.wait(PATIENCE)
    worker.stop(10)
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio need not warn: the test does this on purpose


def test_the_microsoft_order_of_virtual_functions() -> None:
    """The compiler lays out overloads in reverse: `Run(void*, bool, uint64)` comes first (docs/contracts/steam.md)."""
    itanium, microsoft = (CallbackObject(168, 2572, lambda _param: None, microsoft=order) for order in (False, True))

    def kinds(listener: CallbackObject) -> list[int]:
        functions = [ctypes.cast(function, ctypes.c_void_p).value for function in listener._functions]
        return [functions.index(address) for address in listener.vtable]

    assert kinds(itanium) == [0, 1, 2]
    assert kinds(microsoft) == [1, 0, 2]
    assert microsoft.base.id == 168
