"""Specifies logins in a game on SteamworksPy.

`test_steamworkspy_ends` covers games that end during a login, and `test_steamworkspy_import` the import of the package.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from ..helpers.steamworkspy_helpers import Player, all_in_order, game_folder, listened_only, needs_steamworkspy

pytestmark = [pytest.mark.usefixtures("stub_log"), needs_steamworkspy]


@pytest.fixture
def play(emulator: Emulator, tmp_path: Path) -> Iterator[Player]:
    yield Player(tmp_path, emulator.urls["native"])
    emulator.reset(settings=True)


@pytest.mark.parametrize("callback", ["normal", "early", "twice", "other-handle-first"])
def test_logins(play: Player, stub_log: StubLog, callback: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", callback)
    monkeypatch.setenv("STEAM_STUB_NOISE", "3")
    *signed_in, host = play("""
        steamworks.initialize()
        with bridge_on(steamworks) as bridge:
            for _ in range(3):
                print(bool(play(bridge.start_login()).access_token))
        steamworks.unload()
    """)
    assert signed_in == ["True"] * 3
    all_in_order(stub_log, host)
    assert stub_log.story().count("request") == 3


def test_several_logins_at_once(play: Player, stub_log: StubLog) -> None:
    signed_in, host = play("""
        steamworks.initialize()
        with bridge_on(steamworks) as bridge:
            logins = [bridge.start_login() for _ in range(8)]
            print(len({play(login).access_token for login in logins}))
        steamworks.unload()
    """)
    assert signed_in == "8"
    all_in_order(stub_log, host)


def test_an_errand(play: Player, stub_log: StubLog, emulator: Emulator) -> None:
    emulator.update(claims={"email": "REQUIRED"})
    state, phases, host = play("""
        steamworks.initialize()
        with bridge_on(steamworks, AutoBrowser()) as bridge:
            print(play(bridge.start_login(on_progress=told)).claims["email"]["state"])
        print(*(phase.value for phase in phases))
        steamworks.unload()
    """)
    assert state == "GRANTED"
    assert phases.split()[-1] == "succeeded"
    assert "errand-completed" in phases
    all_in_order(stub_log, host)
    assert stub_log.story().count("request") == 2


def test_proactive_errand_in_a_steamworkspy_game(play: Player, stub_log: StubLog) -> None:
    completed, host = play("""
        steamworks.initialize()
        with bridge_on(steamworks, AutoBrowser()) as bridge:
            token = play(bridge.start_login()).access_token
            share = bridge.start_share(token, told)
            play(share, until=lambda: Phase.WAITING_FOR_BROWSER in phases)
            share.done()
            print(play(share).completed)
        steamworks.unload()
    """)
    assert completed == "True"
    all_in_order(stub_log, host)


def test_login_cancelled_before_its_callback(play: Player, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    ended, host = play("""
        steamworks.initialize()
        bridge = bridge_on(steamworks)
        login = bridge.start_login()
        play(login, until=has_requested)
        login.cancel()
        print(play(login))
        bridge.close()
        steamworks.unload()
    """)
    assert ended == "cancelled"
    all_in_order(stub_log, host)


def test_login_cancelled_during_an_errand(play: Player, stub_log: StubLog, emulator: Emulator) -> None:
    emulator.update(claims={"email": "REQUIRED"})
    ended, host = play("""
        steamworks.initialize()
        bridge = bridge_on(steamworks)
        login = bridge.start_login(on_progress=told)
        play(login, until=lambda: Phase.WAITING_FOR_BROWSER in phases)
        login.cancel()
        print(play(login))
        bridge.close()
        steamworks.unload()
    """)
    assert ended == "cancelled"
    all_in_order(stub_log, host)


def test_error_for_an_old_library_names_the_replacement(play: Player, stub_log: StubLog, tmp_path: Path) -> None:
    detail, pumping, host = play(
        """
        steamworks.initialize()
        bridge = bridge_on(steamworks)
        try:
            bridge.login()
        except BridgeError as error:
            print(error.detail)
        print(steamworks.run_callbacks())
        frames += 1
        bridge.close()
        steamworks.unload()
        """,
        sdk=156,
    )
    library = next(path for path in tmp_path.resolve().iterdir() if "steam_api" in path.name)
    assert detail.startswith(f"{library} is too old")
    assert f"Replace it with {library.name} of Steamworks SDK 1.57, exactly" in detail
    assert pumping == "True"
    assert "SteamAPI_RegisterCallback" not in [call.call for call in listened_only(stub_log, host)]


def test_sdk_157_works_with_the_package_for_windows(play: Player, stub_log: StubLog) -> None:
    """SDK 1.57 has both SteamAPI_Init, which the package calls, and web API tickets."""
    signed_in, host = play(
        """
        steamworks.initialize()
        with bridge_on(steamworks) as bridge:
            print(bool(play(bridge.start_login())))
        steamworks.unload()
        """,
        sdk=157,
    )
    assert signed_in == "True"
    all_in_order(stub_log, host)
    assert "SteamAPI_Init" in [call.call for call in stub_log.calls]


def test_login_before_and_after_initialize(play: Player, stub_log: StubLog) -> None:
    detail, signed_in, host = play("""
        bridge = bridge_on(steamworks)
        try:
            play(bridge.start_login())
            bridge.login()
        except BridgeError as error:
            print(error.detail)
        frames = 0  # Steam counts from Init on
        steamworks.initialize()
        print(bool(play(bridge.start_login())))
        bridge.close()
        steamworks.unload()
    """)
    assert "initialize() of the game's STEAMWORKS object" in detail
    assert signed_in == "True"
    all_in_order(stub_log, host)


def test_library_that_steamworkspy_is_linked_with_is_used(play: Player, stub_log: StubLog, tmp_path: Path) -> None:
    """The process has loaded another copy, too. Nobody initialised that copy, so it is not used."""
    game_folder(tmp_path / "another")
    signed_in, host = play("""
        import ctypes, pathlib
        others = [ctypes.CDLL(str(file.resolve())) for file in pathlib.Path("another").glob("*steam_api*")]
        assert [other.SteamAPI_GetHSteamPipe() for other in others] == [0]
        steamworks.initialize()
        with bridge_on(steamworks) as bridge:
            print(bool(play(bridge.start_login())))
        steamworks.unload()
    """)
    assert signed_in == "True"
    all_in_order(stub_log, host)
