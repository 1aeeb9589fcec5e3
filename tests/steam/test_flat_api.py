"""Specifies the Steam port on the flat API, with the compiled stub: SDKs, callbacks, and a Steam that stops and starts.

The stub aborts the process on any misuse, so a passing test has also used the API correctly.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge._service.policy import ERRAND_POLL
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.errors import BridgeError, ConfigurationError, SteamUnavailable
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.steam import _ticket as ticket_module
from sudomimus_bridge.steam._connection import FlatApiSteam
from sudomimus_bridge.steam._library import find_library, library_name, load_library
from sudomimus_bridge.steam._stub_ticket import StubTicket, read_stub_ticket
from sudomimus_bridge.testing._compiled_stub import compiled_stub
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..conftest import StubLog
from ..helpers.patience import kept
from ..helpers.steam_helpers import balanced, one_ticket, run_program, steam_on

pytestmark = pytest.mark.usefixtures("stub_log")


def in_steam(
    library: Path,
    use: Callable[[FlatApiSteam], Awaitable[Any]],
    backend: str = "asyncio",
    clock: SystemClock | None = None,
) -> Any:
    async def flow() -> Any:
        steam = steam_on(library, clock)
        try:
            return await use(steam)
        finally:
            await steam.aclose()

    return clock.run(flow, backend=backend) if isinstance(clock, VirtualClock) else anyio.run(flow, backend=backend)


def refused(
    library: Path, use: Callable[[FlatApiSteam], Awaitable[Any]] = one_ticket, backend: str = "asyncio"
) -> BridgeError:
    with pytest.raises(BridgeError) as caught:
        in_steam(library, use, backend)
    assert_for_the_player(caught.value.sentence)
    return caught.value


def assert_for_the_player(sentence: str) -> None:
    """Assert that the sentence names no path, flag, variable or function."""
    assert sentence.endswith(".")
    assert not re.search(r"[/\\_]|--|SDK|librar|ticket|SteamAPI|EResult", sentence), sentence


# --- the library -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sdk", [157, 158, 159, 165, 999])
def test_library_of_each_sdk_gives_a_ticket(sdk: int, stub_log: StubLog, backend: str) -> None:
    given = read_stub_ticket(in_steam(compiled_stub(sdk), one_ticket, backend))
    assert isinstance(given, StubTicket)
    assert (given.app_id, given.identity) == (480, "sudomimus")
    assert stub_log.story() == ["request", "callback", "cancel", "shutdown"]
    names = {157: "SteamAPI_Init", 158: "SteamInternal_SteamAPI_Init"}
    assert names.get(sdk, "SteamAPI_InitFlat") in [call.call for call in stub_log.calls]


def test_library_before_sdk_157_is_too_old() -> None:
    error = refused(compiled_stub(156))
    assert isinstance(error, SteamUnavailable)
    assert error.reason == "LibraryTooOld"
    assert error.detail and "SteamAPI_ISteamUser_GetAuthTicketForWebApi" in error.detail
    assert "1.57" in error.detail


def test_client_older_than_the_library(stub_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_INIT", "3")
    assert refused(stub_library).reason == "SteamVersionMismatch"


def patched(library: Path, folder: Path, at: int, value: bytes) -> Path:
    copy = folder / library_name()
    data = bytearray(library.read_bytes())
    data[at : at + len(value)] = value
    copy.write_bytes(data)
    return copy


@pytest.mark.skipif(sys.platform != "linux", reason="patches an ELF header")
def test_a_library_for_another_processor(stub_library: Path, tmp_path: Path) -> None:
    error = refused(patched(stub_library, tmp_path, 18, b"\xb7\x00"))
    assert error.reason == "LibraryNotLoaded"
    assert error.detail and "for Linux on arm64" in error.detail


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"#!/bin/sh\n", "no program library"),
        (b"", "no program library"),
        (b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01", "macOS on arm64"),
    ],
)
def test_file_that_does_not_load_names_its_platform(content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / library_name()
    path.write_bytes(content)
    assert word in str(refused(path).detail)


def test_other_library_with_the_name_of_steams(tmp_path: Path) -> None:
    import _ctypes

    other = tmp_path / library_name()
    source = getattr(_ctypes, "__file__", None)
    if source is None:
        pytest.skip("this Python has _ctypes built in, so there is no other library to try")
    other.write_bytes(Path(source).read_bytes())
    assert refused(other).reason == "NotASteamLibrary"


def test_library_is_searched_in_these_folders(
    stub_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sudomimus_bridge.steam._library.loaded_paths", lambda: iter(()))
    program, executable, here = (tmp_path / name for name in ("program", "python", "here"))
    for folder in (program, executable, here):
        folder.mkdir()
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(program / "game.py"), raising=False)
    monkeypatch.setattr(sys, "executable", str(executable / "python"))
    monkeypatch.chdir(here)
    with pytest.raises(SteamUnavailable) as nowhere:
        find_library(None)
    for folder in (program, executable, here):
        assert str(folder) in str(nowhere.value.detail)
    for folder in (here, executable, program):  # each place is found before the earlier ones of this list
        (folder / library_name()).write_bytes(b"")
        assert find_library(None) == folder / library_name()
    assert find_library(stub_library.parent) == stub_library.resolve()
    layout = tmp_path / "redistributable_bin" / "linux64"
    layout.mkdir(parents=True)
    (layout / library_name()).write_bytes(b"")
    if sys.platform == "linux" and sys.maxsize > 2**32 and os.uname().machine == "x86_64":
        assert find_library(tmp_path / "redistributable_bin") == layout / library_name()
    with pytest.raises(SteamUnavailable) as nothing:
        find_library(tmp_path / "nothing")
    assert str(nothing.value.detail).startswith("There is no Steam library at")


def test_library_is_searched_without_a_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> Path:
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr("sudomimus_bridge.steam._library.loaded_paths", lambda: iter(()))
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(tmp_path / "game.py"), raising=False)
    monkeypatch.setattr(Path, "cwd", gone)
    with pytest.raises(SteamUnavailable) as nowhere:
        find_library(None)
    assert "was not found" in str(nowhere.value.detail)


def test_unreadable_folder_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shut, here = tmp_path / "shut", tmp_path / "here"
    here.mkdir()
    look = Path.stat

    def stat(path: Path, **how: Any) -> os.stat_result:
        if path.is_relative_to(shut):  # also if root runs the tests
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return look(path, **how)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr("sudomimus_bridge.steam._library.loaded_paths", lambda: iter(()))
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(shut / "game.py"), raising=False)
    monkeypatch.chdir(here)
    (here / library_name()).write_bytes(b"")
    assert find_library(None) == here / library_name()
    for chosen in (shut, shut / library_name(), Path("x" * 5000)):
        with pytest.raises(SteamUnavailable) as refused:
            find_library(chosen)
        assert refused.value.reason == "LibraryNotFound"


@pytest.mark.skipif(sys.platform != "linux", reason="counts the copies in /proc/self/maps")
def test_loaded_copy_is_used(stub_library: Path) -> None:
    done = run_program(
        """
        import ctypes, pathlib, sys
        from sudomimus_bridge.steam._library import load_library
        game = ctypes.CDLL(sys.argv[1])
        found = load_library(None)
        assert found.path == pathlib.Path(sys.argv[1]).resolve(), found.path
        maps = {line.split(maxsplit=5)[5] for line in open("/proc/self/maps") if "libsteam_api" in line}
        assert len(maps) == 1, maps
        print("one copy")
        """,
        str(stub_library),
    )
    assert done.stdout == "one copy\n", done.stderr


def test_declarations_of_the_host_stay_unchanged(stub_library: Path) -> None:
    import ctypes

    host = ctypes.CDLL(str(stub_library))
    host.SteamAPI_IsSteamRunning.restype = ctypes.c_int
    load_library(stub_library)
    assert host.SteamAPI_IsSteamRunning.restype is ctypes.c_int


# --- init ------------------------------------------------------------------------------------------------------------------


def test_steam_is_not_running(stub_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_RUNNING", "0")
    assert refused(stub_library).reason == "SteamNotRunning"


def test_steam_that_stops_and_starts_between_logins(
    stub_library: Path, monkeypatch: pytest.MonkeyPatch, stub_log: StubLog, backend: str
) -> None:
    async def use(steam: FlatApiSteam) -> list[str]:
        outcomes = []
        for running in ("1", "0", "0", "1", "1"):
            monkeypatch.setenv("STEAM_STUB_RUNNING", running)
            try:
                await one_ticket(steam)
                outcomes.append("ticket")
            except SteamUnavailable as error:
                outcomes.append(str(error.reason))
        return outcomes

    gone = "SteamNotRunning"
    assert in_steam(stub_library, use, backend) == ["ticket", gone, gone, "ticket", "ticket"]
    balanced(stub_log)


def test_environment_is_restored_after_init(stub_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SteamAppId", "480")
    in_steam(stub_library, one_ticket)
    assert os.environ["SteamAppId"] == "480"
    monkeypatch.delenv("SteamAppId")
    in_steam(stub_library, one_ticket)
    assert "SteamAppId" not in os.environ


def test_two_users_share_one_init(stub_library: Path, stub_log: StubLog) -> None:
    async def use(first: FlatApiSteam) -> None:
        second = steam_on(stub_library)
        await one_ticket(first)
        await one_ticket(second)
        await second.aclose()
        await one_ticket(first)

    in_steam(stub_library, use)
    calls = [call.call for call in stub_log.calls]
    assert calls.count("SteamAPI_InitFlat") == calls.count("SteamAPI_Shutdown") == 1
    balanced(stub_log)


def test_a_second_user_with_another_app_id(stub_library: Path) -> None:
    async def use(first: FlatApiSteam) -> None:
        await first.open()
        second = FlatApiSteam(stub_library, lambda: 481, SystemClock())
        try:
            with pytest.raises(ConfigurationError) as other:
                await second.open()
            assert "480 in this process, and the setting says 481" in str(other.value.detail)
        finally:
            await second.aclose()

    in_steam(stub_library, use)


# --- callbacks -------------------------------------------------------------------------------------------------------------

WITH_A_TICKET = [
    {"TICKET_CALLBACK": "early"},
    {"TICKET_CALLBACK": "twice"},
    {"TICKET_CALLBACK": "other-handle-first"},
    {"NOISE": "20"},
    {"TICKET_DELAY_MS": "0"},
    {"TICKET_SIZE": "2560"},
    {"HANG": "request:20", "TICKET_DELAY_MS": "0"},
]


@pytest.mark.parametrize("variables", WITH_A_TICKET, ids=str)
def test_callback_scripts_that_deliver_the_ticket(
    variables: dict[str, str], stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"STEAM_STUB_{name}", value)

    async def use(steam: FlatApiSteam) -> list[bytes]:
        return [await one_ticket(steam) for _ in range(3)]

    tickets = in_steam(stub_library, use, backend)
    nonces = [call.nonce for call in stub_log.calls if call.call.endswith("GetAuthTicketForWebApi")]
    for ticket, nonce in zip(tickets, nonces, strict=True):
        given = read_stub_ticket(ticket)
        assert given is not None
        assert given.nonce.hex() == nonce
        assert ticket == given.to_bytes(len(ticket))  # no byte of poison or filler
        assert len(ticket) == int(variables.get("TICKET_SIZE", 240))
    balanced(stub_log)


WITHOUT_A_TICKET = [
    ({"TICKET_RESULT": "2"}, "TicketFailed"),
    ({"TICKET_RESULT": "3"}, "TicketFailed"),
    ({"TICKET_RESULT": "25"}, "TicketFailed"),
    ({"TICKET_RESULT": "12345"}, "TicketFailed"),
    ({"TICKET_SIZE": "0"}, "TicketUnreadable"),
    ({"TICKET_STATED_SIZE": "2561"}, "TicketUnreadable"),
    ({"TICKET_STATED_SIZE": "-1"}, "TicketUnreadable"),
    ({"PARAM_SIZE": "100"}, "TicketUnreadable"),
    ({"PARAM_SIZE": "2600", "TICKET_STATED_SIZE": "2580"}, "TicketUnreadable"),
    ({"TICKET_HANDLE": "0"}, "NoTicketHandle"),
    ({"SHUTDOWN_AFTER_MS": "20", "TICKET_CALLBACK": "never"}, "SteamShutdown"),
    ({"DISCONNECT_AFTER_MS": "20", "TICKET_CALLBACK": "never"}, "SteamDisconnected"),
    ({"CONNECT_FAILURE_AFTER_MS": "20", "TICKET_CALLBACK": "never"}, "SteamDisconnected"),
]


@pytest.mark.parametrize(("variables", "reason"), WITHOUT_A_TICKET, ids=str)
def test_callback_scripts_without_a_ticket_end_the_wait_at_once(
    variables: dict[str, str],
    reason: str,
    stub_library: Path,
    stub_log: StubLog,
    monkeypatch: pytest.MonkeyPatch,
    backend: str,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"STEAM_STUB_{name}", value)
    error = refused(stub_library, backend=backend)
    assert isinstance(error, SteamUnavailable)
    assert error.reason == reason
    balanced(stub_log)


@pytest.mark.parametrize(
    "variables", [{"TICKET_CALLBACK": "never"}, {"TICKET_CALLBACK": "other-handle"}, {"PARAM_SIZE": "8"}], ids=str
)
def test_missing_callback_ends_the_wait_after_twenty_seconds(
    variables: dict[str, str], stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"STEAM_STUB_{name}", value)
    clock = VirtualClock(grace=0.05)

    async def use(steam: FlatApiSteam) -> float:
        began = clock.now()
        with pytest.raises(SteamUnavailable, match="within 20 seconds"):
            await one_ticket(steam, clock)
        return clock.now() - began

    assert 19.9 <= in_steam(stub_library, use, backend, clock) <= 20.5
    balanced(stub_log)


def test_callback_after_the_end_of_the_wait_is_ignored(
    stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first login times out. Its callback arrives while the second one waits, and is ignored."""
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "100,160")

    async def use(steam: FlatApiSteam) -> bytes:
        async with anyio.create_task_group() as first:
            first.start_soon(one_ticket, steam)
            while not any(call.handle for call in stub_log.calls):
                await anyio.sleep(0.002)
            first.cancel_scope.cancel()
        return await one_ticket(steam)

    given = read_stub_ticket(in_steam(stub_library, use))
    nonces = [call.nonce for call in stub_log.calls if call.call.endswith("GetAuthTicketForWebApi")]
    assert given is not None
    assert [given.nonce.hex()] == nonces[1:]
    balanced(stub_log)


def test_login_after_a_shutdown_initialises_steam_again(
    stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_SHUTDOWN_AFTER_MS", "10")
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never,normal")

    async def use(steam: FlatApiSteam) -> bytes:
        with pytest.raises(SteamUnavailable, match="Steam is closing"):
            await one_ticket(steam)
        monkeypatch.delenv("STEAM_STUB_SHUTDOWN_AFTER_MS")
        return await one_ticket(steam)

    assert in_steam(stub_library, use)
    assert [call.call for call in stub_log.calls].count("SteamAPI_InitFlat") == 2
    balanced(stub_log)


# --- the thread --------------------------------------------------------------------------------------------------------------


def test_pauses_of_the_pump_grow_with_the_wait(
    stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of frames grows with the logarithm of the wait, and the callback is read within a tenth of the wait."""
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "300")
    in_steam(stub_library, one_ticket)
    frames = stub_log.calls[-1].details["frames"]
    assert isinstance(frames, int)
    assert 10 < frames < 150
    requested, called = (
        next(call.ms for call in stub_log.calls if word in call.call) for word in ("GetAuthTicket", "callback")
    )
    assert kept((called - requested) / 1000, 0.3 * 1.5)


@pytest.mark.parametrize("call", ["init", "request", "cancel", "shutdown", "frame"])
def test_library_that_hangs_does_not_block_the_event_loop(
    call: str, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    hangs = 0.5
    monkeypatch.setenv("STEAM_STUB_HANG", f"{call}:{hangs * 1000:.0f}")
    longest = 0.0

    async def use(steam: FlatApiSteam) -> None:
        async def tick() -> None:
            nonlocal longest
            while True:
                began = anyio.current_time()
                await anyio.sleep(0.002)
                longest = max(longest, anyio.current_time() - began)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(tick)
            await one_ticket(steam)
            await steam.aclose()
            tasks.cancel_scope.cancel()

    in_steam(stub_library, use, backend)
    assert longest > 0 and kept(longest, hangs)
    monkeypatch.delenv("STEAM_STUB_HANG")
    in_steam(stub_library, one_ticket, backend)  # waits until the hanging call has returned
    balanced(stub_log)


@pytest.mark.parametrize("call", ["init", "request"])
def test_ticket_that_arrives_after_a_cancelled_login_is_cancelled(
    call: str, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    hangs = 0.6
    monkeypatch.setenv("STEAM_STUB_HANG", f"{call}:{hangs * 1000:.0f}")

    async def use(steam: FlatApiSteam) -> float:
        began = anyio.current_time()
        with anyio.move_on_after(0.05):
            await one_ticket(steam)
        return anyio.current_time() - began  # `aclose` would wait for the library

    assert kept(in_steam(stub_library, use, backend), hangs)
    monkeypatch.delenv("STEAM_STUB_HANG")
    in_steam(stub_library, one_ticket, backend)
    balanced(stub_log)


def test_steam_thread_sleeps_longer_than_a_status_poll_while_no_ticket_is_awaited(
    stub_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "1000")  # time for the test to look before the ticket arrives

    async def login(steam: FlatApiSteam) -> tuple[float, float]:
        await steam.open()
        pause = steam._thread()._pause  # how long the thread sleeps from now on
        handle = await steam.get_auth_ticket_for_web_api("sudomimus")
        awaited = pause()
        await steam.ticket_response(handle)
        await steam.cancel_auth_ticket(handle)
        return awaited or 0, pause() or 0

    awaited, idle = in_steam(stub_library, login)
    assert 0 < awaited < 0.1
    assert idle > 5 * ERRAND_POLL.least


def test_three_hundred_connections_leave_nothing_behind(stub_library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "0")
    in_steam(stub_library, one_ticket)
    threads, handles = threading.active_count(), len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0
    for _ in range(300):
        in_steam(stub_library, one_ticket)
    assert threading.active_count() <= threads
    if sys.platform == "linux":
        assert len(os.listdir("/proc/self/fd")) <= handles


def test_interpreter_that_ends_during_a_login_cancels_the_ticket(stub_library: Path, stub_log: StubLog) -> None:
    done = run_program(
        """
        import asyncio, pathlib, sys, threading
        from sudomimus_bridge._values.clock import SystemClock
        from sudomimus_bridge.steam._connection import FlatApiSteam

        given = threading.Event()

        async def login():
            steam = FlatApiSteam(pathlib.Path(sys.argv[1]), lambda: 480, SystemClock())
            await steam.open()
            await steam.get_auth_ticket_for_web_api("sudomimus")
            given.set()
            await asyncio.sleep(3600)

        threading.Thread(target=lambda: asyncio.run(login()), daemon=True).start()
        assert given.wait(10)
        """,
        str(stub_library),
    )
    assert done.returncode == 0, done.stderr
    balanced(stub_log)


def test_the_wait_is_twenty_seconds_long() -> None:
    assert ticket_module.CALLBACK_SECONDS == 20
    assert ticket_module.IDENTITY == "sudomimus"
    assert repr(Secret("ticket")) == "Secret(***)"
