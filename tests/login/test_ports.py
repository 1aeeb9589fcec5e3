"""Specifies the ports that a flow uses: which are made if none is given, which stay if a setting changes, and their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge._browser.system import SystemBrowser
from sudomimus_bridge._login import ports as module
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._service.policy import draw
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import ScriptedTransport, scripted
from sudomimus_bridge.testing._stub_steam import StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

PAGE = Secret("https://via.sudomimus.com/errand")


def ports(**more: Any) -> Ports:
    given = {name: more.pop(name) for name in list(more) if name not in ("steam", "browser", "clock", "open_service")}
    return Ports(read_settings({"application": "my-game", **given}, {}), **more)


def test_port_that_is_not_given_is_real(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Any, ...]] = []

    class Flat:
        def __init__(self, library: Path | None, app_id: Any, clock: object, *, hosted: bool) -> None:
            made.append((library, app_id(), clock, hosted))

    monkeypatch.setattr(module, "FlatApiSteam", Flat)
    real = ports(steam_library="somewhere", steam_app_id=480, steam_hosted=True)
    assert type(real.clock) is SystemClock and type(real.browser) is SystemBrowser and real.chance is draw
    assert made == []  # Steam is touched only if a login needs it
    assert real.steam is real.steam
    assert made == [(Path("somewhere"), 480, real.clock, True)]
    ports(steam_app_id=480).steam  # noqa: B018 - it makes the port
    assert made[1][3] is False


def test_other_settings_keep_every_port() -> None:
    clock = VirtualClock()
    opener = scripted(ScriptedTransport(clock, [], []))
    before = Ports(
        read_settings({"application": "my-game"}, {}),
        steam=StubSteam(clock),
        browser=RecordingBrowser(),
        clock=clock,
        open_service=opener,
        chance=lambda: 0.5,
    )
    after = before.adjusted(quietly=True, patient=None)
    assert (after.settings.quietly, before.settings.quietly, after.settings.patient) == (True, False, False)
    for name in ("steam", "browser", "clock", "chance", "_open_service"):
        assert getattr(after, name) is getattr(before, name)


def test_same_settings_need_no_other_ports() -> None:
    same = ports(quietly=True)
    assert same.adjusted(quietly=True, patient=None) is same


@pytest.mark.parametrize(
    ("page", "browsers", "overlays", "shown"),
    [("browser", 1, 0, True), ("overlay", 0, 1, True), ("show", 0, 0, False)],
)
def test_page_opens_where_the_setting_says(page: str, browsers: int, overlays: int, shown: bool, backend: str) -> None:
    steam, browser = StubSteam(VirtualClock(), overlay=True), RecordingBrowser()
    assert anyio.run(ports(page=page, steam=steam, browser=browser).show, PAGE, backend=backend) is shown
    assert (len(browser.pages), len(steam.overlay_pages)) == (browsers, overlays)
    assert steam.calls == ([("open", 0)] if overlays else [])  # the overlay is Steam's, so Steam is opened first


class Closing(StubSteam):
    """A Steam that takes a moment to close."""

    closed = False
    waited: float | None = None

    async def aclose(self) -> None:
        await anyio.sleep(0)
        self.closed = True

    def drop(self, seconds: float = 60.0) -> None:
        self.waited = seconds


def test_steam_is_closed_also_for_a_cancelled_caller(backend: str) -> None:
    steam = Closing(VirtualClock())

    async def flow() -> None:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await ports(steam=steam).aclose()

    anyio.run(flow, backend=backend)
    assert steam.closed


def test_ports_are_dropped_without_a_wait() -> None:
    steam = Closing(VirtualClock())
    ports(steam=steam).drop()
    assert steam.waited == 0
    ports(steam=steam).drop(2.5)
    assert steam.waited == 2.5
    ports().drop()  # there is no Steam to drop
