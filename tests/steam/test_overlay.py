"""Specifies pages in Steam's overlay: through the bridge's own Steam, a game's SteamworksPy and Ren'Py's binding.

The stub's log holds the pages that were opened. The rules of the setting `page` are in tests/login/test_rules.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge, Phase, ProgressEvent
from sudomimus_bridge._renpy.steam import RenpySteam
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.steam._library import load_library
from sudomimus_bridge.steam._on_thread import OVERLAY_SECONDS
from sudomimus_bridge.testing import VirtualClock

from ..conftest import StubLog
from ..helpers.renpy_achievement import CompiledAchievement, ScriptedAchievement
from ..helpers.steam_helpers import balanced, steam_on
from ..helpers.steamworkspy_helpers import Player, all_in_order, needs_steamworkspy

pytestmark = pytest.mark.usefixtures("stub_log")

PAGE = Secret("https://via.sudomimus.com/errand?key=ernd_1")


def pages(log: StubLog) -> list[object]:
    """The pages that the stub's overlay opened."""
    return [call.details["url"] for call in log.calls if call.call.endswith("ActivateGameOverlayToWebPage")]


def asked(log: StubLog) -> int:
    """The number of calls of IsOverlayEnabled."""
    return [call.call for call in log.calls].count("SteamAPI_ISteamUtils_IsOverlayEnabled")


def opened(library: Path, backend: str, clock: SystemClock | None = None) -> bool:
    async def flow() -> bool:
        steam = steam_on(library, clock)
        await steam.open()
        try:
            return await steam.activate_game_overlay_to_web_page(PAGE)
        finally:
            await steam.aclose()

    return clock.run(flow, backend=backend) if isinstance(clock, VirtualClock) else anyio.run(flow, backend=backend)


def test_overlay_opens_the_page(stub_library: Path, stub_log: StubLog, backend: str) -> None:
    assert opened(stub_library, backend)
    assert pages(stub_log) == [PAGE.reveal()]
    balanced(stub_log)


def test_overlay_that_starts_late_is_waited_for(
    stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_OVERLAY", "4")  # on from the fourth call on
    assert opened(stub_library, "asyncio", VirtualClock(grace=0.02))
    assert (asked(stub_log), pages(stub_log)) == (4, [PAGE.reveal()])


def test_overlay_that_is_off_opens_no_page(
    stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setenv("STEAM_STUB_OVERLAY", "0")
    clock = VirtualClock(grace=0.02)
    assert not opened(stub_library, backend, clock)
    assert OVERLAY_SECONDS <= clock.elapsed < 2 * OVERLAY_SECONDS
    assert asked(stub_log) > 2
    assert pages(stub_log) == []


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ("OPTIONAL_ACCESSORS", {"SteamAPI_SteamFriends_v": 98}),
        ("OPTIONAL_FUNCTIONS", {"SteamAPI_ISteamUtils_OfAnOlderSdk": (None,)}),
    ],
)
def test_library_without_the_overlay_functions_is_usable(
    stub_library: Path, monkeypatch: pytest.MonkeyPatch, table: str, names: dict[str, object]
) -> None:
    assert load_library(stub_library).overlay_exported
    monkeypatch.setattr(f"sudomimus_bridge.steam._abi.{table}", names)
    library = load_library(stub_library)
    assert not library.overlay_exported
    assert not library.has_overlay()


def test_overlay_shows_the_errand_of_a_login(
    stub_library: Path, stub_log: StubLog, emulator: Emulator, hurried: None
) -> None:
    emulator.update(claims={"email": "REQUIRED"})
    waiting: list[ProgressEvent] = []

    def follow(event: ProgressEvent) -> None:
        if event.phase is Phase.WAITING_FOR_BROWSER:
            waiting.append(event)
            visit(str(pages(stub_log)[-1]))

    with Bridge(**emulator.settings, steam_library=stub_library, page="overlay") as bridge:
        assert bridge.login(on_progress=follow).claims["email"]["state"] == "GRANTED"
    assert [event.browser_opened for event in waiting] == [True]
    assert len(pages(stub_log)) == 1
    balanced(stub_log)


@needs_steamworkspy
def test_overlay_of_a_steamworkspy_game(emulator: Emulator, stub_log: StubLog, tmp_path: Path) -> None:
    emulator.update(claims={"email": "REQUIRED"})
    play = Player(tmp_path, emulator.urls["native"])
    state, host = play("""
        from sudomimus_bridge.emulator import visit

        def follow(event):
            if event.phase is Phase.WAITING_FOR_BROWSER:
                visit(event.errand.url)

        steamworks.initialize()
        with bridge_on(steamworks, page="overlay") as bridge:
            print(play(bridge.start_login(on_progress=follow)).claims["email"]["state"])
        steamworks.unload()
    """)
    assert state == "GRANTED"
    assert len(pages(stub_log)) == 1
    all_in_order(stub_log, host)


@pytest.fixture
def renpy_game(stub_library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CompiledAchievement]:
    monkeypatch.setenv("SteamAppId", "480")
    achievement = CompiledAchievement(stub_library)
    yield achievement
    achievement.shut_down()


def opened_in_renpy(achievement: Any, clock: SystemClock) -> bool:
    async def flow() -> bool:
        steam = RenpySteam(achievement, clock)
        await steam.open()
        try:
            return await steam.activate_game_overlay_to_web_page(PAGE)
        finally:
            await steam.aclose()

    return clock.run(flow) if isinstance(clock, VirtualClock) else anyio.run(flow)


def test_overlay_through_the_binding_of_renpy(renpy_game: CompiledAchievement, stub_log: StubLog) -> None:
    assert opened_in_renpy(renpy_game, SystemClock())
    assert pages(stub_log) == [PAGE.reveal()]


def test_overlay_that_is_off_in_renpy(
    renpy_game: CompiledAchievement, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_OVERLAY", "0")
    assert not opened_in_renpy(renpy_game, VirtualClock(grace=0.02))
    assert pages(stub_log) == []


def test_a_binding_without_the_overlay_opens_no_page() -> None:
    assert not opened_in_renpy(ScriptedAchievement(), VirtualClock(grace=0.02))
