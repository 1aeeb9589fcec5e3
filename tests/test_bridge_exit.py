"""The interpreter ends, or is forked, with a `Bridge` in any state: no hang, no crash, no open ticket."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing.compiled_stub import open_tickets

from .conftest import StubLog
from .steam_helpers import balanced, run_program

LEAVING = """
    import sys, time
    from sudomimus_bridge import Bridge, Phase

    bridge = Bridge(application="demo-game", steam_app_id=480, native_url=sys.argv[1], via_url=sys.argv[2],
                    steam_library=sys.argv[3], no_browser=True)
    seen = []
    login = bridge.start_login(on_progress=lambda event: seen.append(event.phase.value))
"""


ONCE_IT_IS_OVER = """
    while login.poll() is None:
        time.sleep(0.005)
    import os, warnings
    warnings.simplefilter("ignore")
    # A thread that ends gives OpenSSL's memory back, under a lock that a child forked meanwhile waits for in its own exit.
    while os.path.isdir("/proc/self/task") and len(os.listdir("/proc/self/task")) > 2:
        time.sleep(0.005)
"""


def left(emulator: Emulator, library: Path, ending: str) -> Any:
    urls = emulator.urls
    return run_program(LEAVING + ending, urls["native"], urls["via"], str(library))


@pytest.mark.parametrize("milliseconds", [0, 5, 15, 30, 60, 100, 150, 250])
def test_the_interpreter_ends_at_any_moment_of_a_login(
    milliseconds: int, emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within its imports, while Steam is initialised, while the ticket is on its way, after the end."""
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "40")
    done = left(emulator, stub_library, f"    time.sleep({milliseconds / 1000})\n")
    assert (done.returncode, done.stderr) == (0, "")
    balanced(stub_log)


def test_the_interpreter_ends_while_the_player_is_in_the_browser(
    emulator: Emulator, stub_library: Path, stub_log: StubLog
) -> None:
    emulator.update(claims={"email": "REQUIRED"})
    ending = """
    while "waiting-for-browser" not in seen:
        login.poll()
        time.sleep(0.005)
    print("left")
    """
    done = left(emulator, stub_library, ending)
    assert (done.returncode, done.stdout, done.stderr) == (0, "left\n", "")
    balanced(stub_log)


def test_the_interpreter_ends_by_an_exception(
    emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    ending = """
    while "issuing" not in seen and "requesting-ticket" not in seen:
        login.poll()
        time.sleep(0.005)
    time.sleep(0.1)
    sys.exit("game over")
    """
    done = left(emulator, stub_library, ending)
    assert (done.returncode, done.stderr) == (1, "game over\n")
    balanced(stub_log)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which Windows has not")
def test_a_forked_child_leaves_the_parents_steam_alone(
    emulator: Emulator, stub_library: Path, stub_log: StubLog
) -> None:
    """A child has none of the parent's threads, and none of its tickets to cancel."""
    ending = """
    child = os.fork()
    if child == 0:
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), bool(bridge.login()))
    """
    done = left(emulator, stub_library, ONCE_IT_IS_OVER + ending)
    assert (done.returncode, done.stdout, done.stderr) == (0, "7 True\n", "")
    assert len({call.pid for call in stub_log.calls}) == 1
    balanced(stub_log)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork, which Windows has not")
def test_a_forked_child_that_signs_in_all_the_same_is_told_at_once(
    emulator: Emulator, stub_library: Path, stub_log: StubLog
) -> None:
    """The thread that talks to Steam is the parent's, and so is Steam."""
    ending = """
    from sudomimus_bridge import SteamUnavailable
    child = os.fork()
    if child == 0:
        began = time.monotonic()
        try:
            bridge.login()
        except SteamUnavailable as error:
            print(error.reason, flush=True)
        bridge.close()
        sys.exit(7 if time.monotonic() - began < 15 else 8)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), bool(bridge.login()))
    """
    done = left(emulator, stub_library, ONCE_IT_IS_OVER + ending)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ProgramEndsOrForked\n7 True\n", "")
    balanced(stub_log)


@pytest.mark.parametrize("how", ["bridge.login()", "step(bridge.start_login())"])
@pytest.mark.parametrize("moment", ["atexit", "__del__"])
def test_a_login_that_begins_when_the_interpreter_ends(
    how: str, moment: str, emulator: Emulator, stub_library: Path, stub_log: StubLog
) -> None:
    """It signs in where this Python can still start threads, and says so where it cannot."""
    ending = f"""
    from sudomimus_bridge import BridgeError

    login.cancel()
    login.join(10)  # a thread that runs would keep this module's objects from their end

    def step(running):
        while (result := running.poll()) is None:
            time.sleep(0.005)
        return result

    class Game:
        def end(self, bridge=bridge, step=step, print=print, BridgeError=BridgeError):
            try:
                print(bool({how}), flush=True)
            except BridgeError as error:
                print(error.sentence, flush=True)

    game = Game()
    if "{moment}" == "atexit":
        import atexit
        atexit.register(game.end)
    else:
        Game.__del__ = Game.end
    """
    done = left(emulator, stub_library, ending)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "True\n" or "the program is about to end" in done.stdout
    assert done.stdout != "True\n" or moment == "atexit"
    assert open_tickets(stub_log.calls) == []
