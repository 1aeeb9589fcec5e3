"""Specifies the number of the bridge's own frames from each door to the HTTP client. A short path makes tracebacks short and
the code easy to follow.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import anyio
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._cli.main import main
from sudomimus_bridge._service.transport import Connections
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._sidecar.dispatcher import Call
from sudomimus_bridge._sidecar.handlers import Handlers
from sudomimus_bridge._sidecar.messages import LoginParams
from sudomimus_bridge._sidecar.shutdown import Shutdown
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge.emulator import Emulator

from ..helpers.patience import finish

PACKAGE = str(Path(sys.modules["sudomimus_bridge"].__file__ or "").parent) + os.sep

MOST = 11
"""The most frames from `Bridge.login` to the HTTP client, both included."""

Counted = list[list[str]]


def way_here() -> list[str]:
    """The bridge's own functions on this thread's stack, outermost first."""
    names = ["Connections.handle_async_request"]
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(PACKAGE):
            names.append(getattr(frame.f_code, "co_qualname", frame.f_code.co_name))
        frame = frame.f_back
    return names[::-1]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """The path to each request from now on."""
    found: Counted = []
    send = Connections.handle_async_request

    async def seen(self: Connections, request: object) -> object:
        found.append(way_here())
        return await send(self, request)  # type: ignore[arg-type]

    monkeypatch.setattr(Connections, "handle_async_request", seen)
    return found


@pytest.fixture
def bridge(emulator: Emulator, stub_library: Path) -> Iterator[Bridge]:
    with Bridge(**emulator.settings, steam_library=stub_library, no_browser=True) as made:
        yield made


def from_there(way: list[str], door: str) -> list[str]:
    """The rest of the path, from this function on."""
    return way[next(number for number, name in enumerate(way) if name.endswith(door)) :]


@pytest.mark.parametrize(
    ("door", "login"),
    [
        ("Bridge.login", lambda bridge: bridge.login()),
        ("Bridge.login_async", lambda bridge: anyio.run(bridge.login_async)),
        ("Running._work", lambda bridge: finish(bridge.start_login())),
    ],
    ids=["login", "login_async", "start_login"],
)
def test_way_from_a_bridge_is_short(
    bridge: Bridge, stub_log: object, ways: Counted, door: str, login: Callable[[Bridge], object]
) -> None:
    assert login(bridge)
    (way,) = ways
    name = door.rpartition(".")[2]  # Python 3.11 has no qualified names in frames
    way = from_there(way, name)
    print(f"{len(way)} frames from {door}:", *way, sep="\n  ")
    assert len(way) <= MOST


def test_way_from_the_command_line(
    emulator: Emulator, stub_library: Path, stub_log: object, ways: Counted, capfd: pytest.CaptureFixture[str]
) -> None:
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in emulator.settings.items()]
    assert main(["login", "steam", "--json", *flags, f"--steam-library={stub_library}", "--no-browser"]) == 0
    capfd.readouterr()
    (way,) = ways
    print(f"{len(way)} frames from the command line:", *way, sep="\n  ")
    assert len(way) <= MOST + 5  # five more for signals, arguments and errors


def test_way_from_a_request_to_the_sidecar(
    emulator: Emulator, stub_library: Path, stub_log: object, ways: Counted
) -> None:
    async def flow() -> None:
        settings = read_settings({**emulator.settings, "steam_library": stub_library}, {})
        handlers = Handlers(settings, SystemClock(), Shutdown())
        await handlers.login(Call(1, LoginParams(method="steam"), lambda _method, _params: None))
        await handlers.close_steam()

    anyio.run(flow)
    (way,) = ways
    print(f"{len(way)} frames from the sidecar's handler:", *way, sep="\n  ")
    assert len(way) <= MOST
