"""A game on SteamworksPy in its own process: the real package, on stubs of its library and of Steam's.

The game's main thread pumps, as a frame loop does. At the end, Steam's log must show that only the game initialised Steam,
pumped it and shut it down.
"""

from __future__ import annotations

import importlib.util
import textwrap
from pathlib import Path

import pytest

from sudomimus_bridge.testing._compiled_stub import StubCall, StubNotCompiled, open_tickets

from ..conftest import StubLog
from .steam_helpers import run_program
from .steamworkspy_stub import lay_out_game

needs_steamworkspy = pytest.mark.skipif(
    importlib.util.find_spec("steamworkspy") is None,
    reason="the package steamworkspy is needed: pip install 'sudomimus-bridge[steamworkspy]'",
)

GAME = """
    import os, sys, threading, time
    from sudomimus_bridge import Bridge, BridgeError, Phase
    from sudomimus_bridge.steam.steamworkspy import SteamworksPySteam, import_steamworks
    from sudomimus_bridge.testing._scripted_browser import AutoBrowser

    STEAMWORKS = import_steamworks(os.getcwd())
    steamworks, frames, phases = STEAMWORKS(), 0, []

    def bridge_on(steamworks, browser=None, page=None):
        page = page or ("show" if browser is None else "browser")
        url = {"native_url": sys.argv[1], "via_url": sys.argv[1], "page": page}
        return Bridge(application="demo-game", steam=SteamworksPySteam(steamworks), browser=browser, **url)

    def told(event):
        phases.append(event.phase)

    def frame():
        global frames
        if steamworks.loaded():
            steamworks.run_callbacks()
            frames += 1
        time.sleep(0.002)

    def play(login, until=lambda: False):
        try:
            while (result := login.poll()) is None and not until():
                frame()
        except BridgeError as error:
            return error.reason or error.kind
        return result

    def has_requested():
        with open(os.environ["STEAM_STUB_LOG"]) as log:
            return "GetAuthTicketForWebApi" in log.read()
"""


class Player:
    """Plays games. Each is a script that continues after `GAME`."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self._url = url

    def __call__(self, story: str, *, sdk: int | None = None, complaint: str = "", cold: bool = False) -> list[str]:
        """Play one to its end, on stubs of the newest SDK or of `sdk`. Return its output lines; the last one is the host's."""
        game_folder(self.folder, sdk)
        ending = '\nprint("host", threading.get_native_id(), frames)'
        done = run_program(textwrap.dedent(GAME) + textwrap.dedent(story) + ending, self._url, cold=cold)
        assert (done.returncode, done.stderr) == (0, complaint), done.stderr
        return done.stdout.splitlines()


def game_folder(folder: Path, sdk: int | None = None) -> None:
    try:
        lay_out_game(folder, sdk=sdk)
    except StubNotCompiled as error:
        pytest.skip(f"the compiled stubs of Steam and SteamworksPy are needed: {error}")


def listened_only(log: StubLog, host: str) -> list[StubCall]:
    """Assert that the bridge made none of the host's calls, and return the log."""
    _, thread, frames = host.split()
    calls = log.calls
    own = [call for call in calls if call.call.endswith(("_Init", "InitFlat", "_Shutdown"))]
    assert {call.tid for call in own} == {int(thread)}
    assert sum(int(str(call.details["frames"])) for call in own if "frames" in call.details) == int(frames)
    names = [call.call for call in calls]
    assert not [name for name in names if "ManualDispatch" in name]
    assert names.count("SteamAPI_RegisterCallback") == names.count("SteamAPI_UnregisterCallback")
    return calls


def all_in_order(log: StubLog, host: str) -> None:
    """Assert the same, and that every ticket was cancelled before the host shut Steam down."""
    calls = listened_only(log, host)
    assert open_tickets(calls) == []
    assert log.story().count("misuse") == 0
    assert log.story().count("request") == log.story().count("cancel") > 0
    assert calls[-1].call == "SteamAPI_Shutdown"
