"""Specifies games on SteamworksPy that end during a login: orderly, abruptly, or because Steam closes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import open_tickets

from ..conftest import StubLog
from ..helpers.steamworkspy_helpers import Player, all_in_order, listened_only, needs_steamworkspy

pytestmark = [pytest.mark.usefixtures("stub_log"), needs_steamworkspy]

STILL_OPEN = "SteamAPI_Shutdown with 1 ticket still open"


@pytest.fixture
def play(emulator: Emulator, tmp_path: Path) -> Iterator[Player]:
    yield Player(tmp_path, emulator.urls["native"])
    emulator.reset(settings=True)


def test_host_closes_the_bridge_and_steam_during_a_login(
    play: Player, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "60000")
    ended, host = play("""
        steamworks.initialize()
        bridge = bridge_on(steamworks)
        login = bridge.start_login()
        play(login, until=has_requested)
        bridge.close()
        steamworks.unload()
        print(play(login))
    """)
    assert ended == "cancelled"
    all_in_order(stub_log, host)


def test_host_restarts_steam_during_a_login(play: Player, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "60000,5")
    monkeypatch.setenv("STEAM_STUB_LENIENT", "1")  # a ticket is open at Shutdown
    ended, not_started, signed_in, host = play(
        """
        steamworks.initialize()
        bridge = bridge_on(steamworks)
        login = bridge.start_login()
        play(login, until=has_requested)
        steamworks.unload()
        print(play(login))
        print(play(bridge.start_login()))
        steamworks = STEAMWORKS()
        steamworks.initialize()
        with bridge_on(steamworks) as again:
            print(bool(play(again.start_login())))
        bridge.close()
        steamworks.unload()
        """,
        complaint=f"steam_api_stub: misuse: {STILL_OPEN}\n",
    )
    assert ended == "SteamShutdown"
    assert (not_started, signed_in) == ("HostHasNotInitialised", "True")
    calls = listened_only(stub_log, host)
    assert [call.details["what"] for call in calls if call.call == "misuse"] == [STILL_OPEN]
    # The first ticket ended with its pipe, and the first login did not cancel the second ticket.
    assert stub_log.story() == ["request", "shutdown", "misuse", "request", "callback", "cancel", "shutdown"]


@pytest.mark.parametrize("at_the_end", ["", "steamworks.unload()"])
def test_host_exits_during_a_login(
    play: Player, stub_log: StubLog, at_the_end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "60000")
    (host,) = play(
        f"""
        import atexit
        atexit.register(lambda: {at_the_end or None})  # after the bridge's own, which registers later
        steamworks.initialize()
        bridge = bridge_on(steamworks)
        login = bridge.start_login()
        play(login, until=has_requested)
        """,
        cold=True,  # so that the bridge registers later
    )
    calls = stub_log.calls
    assert open_tickets(calls) == []
    assert stub_log.story() == ["request", "cancel"] + ["shutdown"] * bool(at_the_end)
    assert {call.tid for call in calls if call.call == "SteamAPI_Shutdown"} <= {int(host.split()[1])}


def test_steam_closes_during_a_login(play: Player, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    monkeypatch.setenv("STEAM_STUB_SHUTDOWN_AFTER_MS", "20")
    ended, host = play("""
        steamworks.initialize()
        bridge = bridge_on(steamworks)
        print(play(bridge.start_login()))
        bridge.close()
        steamworks.unload()
    """)
    assert ended == "SteamShutdown"
    all_in_order(stub_log, host)
