"""Specifies the port of a SteamworksPy game on a connection that answers as a test says, without Steam or the package."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError, Thread
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from sudomimus_bridge._values.errors import ConfigurationError, SteamUnavailable
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.steam import steamworkspy as module
from sudomimus_bridge.steam._library import library_name
from sudomimus_bridge.steam.steamworkspy import SteamworksPySteam

LAYER = SimpleNamespace(_name="/game/SteamworksPy.so")
PAGE = Secret("https://via.sudomimus.com/errand")


class Connection:
    """Stands for `FlatApiSteam`. It records its calls, and raises `error` when it is opened."""

    made: list[Connection]
    error: SteamUnavailable | None = None

    def __init__(self, library: Path | None, app_id: Callable[[], int], _clock: object, *, hosted: bool) -> None:
        self.given = library, hosted
        self.app_id = app_id
        self.calls: list[tuple[Any, ...]] = []
        self.made.append(self)

    async def open(self) -> int:
        if self.error is not None:
            raise self.error
        return 480

    async def get_auth_ticket_for_web_api(self, identity: str) -> int:
        self.calls.append(("ask", identity))
        return 7

    async def ticket_response(self, handle: int) -> Secret:
        self.calls.append(("wait", handle))
        return PAGE

    async def cancel_auth_ticket(self, handle: int) -> None:
        self.calls.append(("cancel", handle))

    async def activate_game_overlay_to_web_page(self, page: Secret) -> bool:
        self.calls.append(("show", page))
        return True

    async def aclose(self) -> None:
        self.calls.append(("close",))

    def drop(self, seconds: float) -> None:
        self.calls.append(("drop", seconds))


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[Connection]:
    made: list[Connection] = []
    monkeypatch.setattr(Connection, "made", made, raising=False)
    monkeypatch.setattr("sudomimus_bridge.steam._connection.FlatApiSteam", Connection)
    monkeypatch.setattr(module, "_library_below", lambda layer: Path("below") if layer is LAYER else None)
    return made


def port(loaded: bool = True) -> SteamworksPySteam:
    return SteamworksPySteam(SimpleNamespace(run_callbacks=lambda: True, loaded=lambda: loaded, _cdll=LAYER))


def run(flow: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    return anyio.run(flow)


def refused(steam: SteamworksPySteam) -> SteamUnavailable:
    with pytest.raises(SteamUnavailable) as caught:
        run(steam.open)
    return caught.value


def test_port_uses_the_library_of_the_game(connections: list[Connection]) -> None:
    steam = port()

    async def flow() -> None:
        assert [await steam.open(), await steam.open()] == [480, 480]
        assert await steam.get_auth_ticket_for_web_api("me") == 7
        assert await steam.ticket_response(7) is PAGE
        await steam.cancel_auth_ticket(7)
        assert await steam.activate_game_overlay_to_web_page(PAGE)
        await steam.aclose()
        steam.drop()
        steam.drop(2.5)

    run(flow)
    (connection,) = connections  # all logins share it
    assert connection.given == (Path("below"), True)
    calls = [("ask", "me"), ("wait", 7), ("cancel", 7), ("show", PAGE), ("close",), ("drop", 0), ("drop", 2.5)]
    assert connection.calls == calls
    with pytest.raises(ConfigurationError, match="Initialise Steam first"):
        connection.app_id()


def test_logins_that_begin_together_share_the_connection(
    connections: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    steam, both = port(), Barrier(2)

    class Slow(Connection):
        def __init__(self, *given: Any, **more: Any) -> None:
            with suppress(BrokenBarrierError):
                both.wait(0.1)  # the second login comes while the first one makes the connection
            super().__init__(*given, **more)

    monkeypatch.setattr("sudomimus_bridge.steam._connection.FlatApiSteam", Slow)
    logins = [Thread(target=run, args=(steam.open,)) for _ in range(2)]
    for login in logins:
        login.start()
    for login in logins:
        login.join()
    assert len(connections) == 1


def test_port_waits_for_the_games_initialize(connections: list[Connection]) -> None:
    error = refused(port(loaded=False))
    assert error.reason == "HostHasNotInitialised"
    assert "initialize() of the game's STEAMWORKS object" in str(error.detail)
    assert connections == []


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("HostHasNotInitialised", "initialize() of the game's STEAMWORKS object"),
        ("LibraryTooOld", f"{library_name()} of Steamworks SDK 1.57, exactly: SteamworksPy.so calls SteamAPI_Init"),
        ("SteamNotRunning", "as it was"),
    ],
)
@pytest.mark.usefixtures("connections")
def test_error_of_the_connection_fits_steamworkspy(reason: str, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    error = SteamUnavailable("A sentence.", reason=reason, detail="as it was")
    monkeypatch.setattr(Connection, "error", error)
    monkeypatch.setattr("sudomimus_bridge.steam._library.find_library", lambda below: below / library_name())
    told = refused(port())
    assert told.reason == reason and words in str(told.detail)
    if reason == "LibraryTooOld":
        assert told.sentence == "A sentence."
        assert str(told.detail).startswith(f"{Path('below', library_name())} is too old")


# --- the library below ---------------------------------------------------------------------------------------------------

NO_FUNCTION: dict[str, Any] = {}
FUNCTION = {"SteamAPI_GetHSteamPipe": ctypes.c_void_p(2**40)}


class Layer:
    """SteamworksPy's library, with these functions."""

    def __init__(self, functions: dict[str, Any]) -> None:
        self._functions = functions

    def __getitem__(self, name: str) -> Any:
        if name not in self._functions:
            raise AttributeError(name)
        return self._functions[name]


def below(layer: Any, file: Path | None, monkeypatch: pytest.MonkeyPatch, platform: str = "linux") -> Path | None:
    """The path of the library, if `dladdr` finds this file."""

    def dladdr(address: ctypes.c_void_p, found: Any) -> int:
        assert address.value == 2**40
        if file is not None:
            found._obj.file = os.fsencode(file)
        return int(file is not None)

    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", platform)
        patched.setattr(ctypes, "CDLL", lambda _name: SimpleNamespace(dladdr=dladdr))
        return module._library_below(layer)


def test_library_below_is_the_file_of_one_of_its_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / library_name()
    file.write_bytes(b"")
    assert below(Layer(FUNCTION), file, monkeypatch) == file
    assert below(Layer(FUNCTION), file, monkeypatch, "darwin") == file
    assert below(Layer(FUNCTION), file, monkeypatch, "win32") is None
    assert below(Layer(NO_FUNCTION), file, monkeypatch) is None
    assert below(Layer(FUNCTION), None, monkeypatch) is None
    assert below(Layer(FUNCTION), tmp_path / "removed", monkeypatch) is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows finds a loaded module by its name")
def test_library_below_a_real_one(stub_library: Path) -> None:
    found = module._library_below(ctypes.CDLL(str(stub_library)))
    assert found is not None and found.samefile(stub_library)
