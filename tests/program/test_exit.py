"""The interpreter ends, or forks, with a `Bridge` in any state: it does not hang or crash, and leaves no ticket open."""

from __future__ import annotations

import os
import signal
import textwrap
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import open_tickets

from ..conftest import StubLog
from ..helpers.steam_helpers import balanced, run_program

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
    # An ending thread frees OpenSSL's memory under a lock. A child that is forked meanwhile would wait for it at its exit.
    while os.path.isdir("/proc/self/task") and len(os.listdir("/proc/self/task")) > 2:
        time.sleep(0.005)
"""


def left(emulator: Emulator, library: Path, ending: str, *, cold: bool = False) -> Any:
    urls = emulator.urls
    return run_program(LEAVING + ending, urls["native"], urls["via"], str(library), cold=cold)


@pytest.mark.parametrize("milliseconds", [0, 5, 15, 30, 60, 100, 150, 250])
def test_interpreter_ends_at_any_moment_of_a_login(
    milliseconds: int, emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """During the imports, while Steam is initialised, while Steam makes the ticket, and after the login."""
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "40")
    ending = f"    time.sleep({milliseconds / 1000})\n"
    done = left(emulator, stub_library, ending, cold=True)  # so that some moments fall into the imports
    assert (done.returncode, done.stderr) == (0, "")
    balanced(stub_log)


def test_interpreter_ends_while_the_player_is_in_the_browser(
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


def test_exception_ends_the_interpreter_during_a_login(
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
def test_forked_child_leaves_its_parents_steam_alone(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> None:
    """A child has none of its parent's threads, and must not cancel its parent's tickets."""
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
def test_sign_in_from_a_forked_child_raises_at_once(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> None:
    """Steam, and the thread that talks to it, belong to the parent."""
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
def test_login_starts_while_the_interpreter_ends(
    how: str, moment: str, emulator: Emulator, stub_library: Path, stub_log: StubLog
) -> None:
    """The login succeeds if this Python can still start threads; otherwise it raises the error for that."""
    ending = f"""
    from sudomimus_bridge import BridgeError

    login.cancel()
    login.join(10)  # a running thread would keep this module's objects alive

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


@pytest.mark.parametrize("moment", ["at once", "in Steam", "in the browser"])
def test_game_stops_its_event_loop_during_a_login(
    moment: str, emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No loop finishes the login's task then, and no thread of the login may delay the interpreter's end."""
    if moment == "in Steam":
        monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    emulator.update(claims={"email": "REQUIRED"})
    ending = f"""
    import asyncio

    login.cancel()
    login.join(10)
    awaited = {{"at once": "requesting-ticket", "in Steam": "requesting-ticket", "in the browser": "waiting-for-browser"}}
    loop = asyncio.new_event_loop()

    def heard(event):
        if event.phase.value == awaited[{moment!r}]:
            loop.call_later(0 if {moment!r} == "at once" else 0.1, loop.stop)

    task = loop.create_task(bridge.login_async(on_progress=heard))
    loop.run_forever()
    print("left", task.done())
    """
    done = left(emulator, stub_library, ending)
    assert (done.returncode, done.stdout) == (0, "left False\n")
    balanced(stub_log)


GUIDE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "frame-loop.md"


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows ends a program without any signal")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
@pytest.mark.parametrize("how", ["start_login", "login", "login_async"])
def test_documented_way_to_end_by_a_signal(
    how: str,
    number: str,
    emulator: Emulator,
    stub_library: Path,
    stub_log: StubLog,
) -> None:
    section = GUIDE.read_text("utf-8").partition("## End by a signal")[2]
    recipe = textwrap.indent(section.partition("```python\n")[2].partition("```")[0], "    ")
    emulator.update(claims={"email": "REQUIRED"})
    ending = f"""
    import asyncio, os

    login.cancel()
    login.join(10)

    def heard(event):
        if event.phase.value == "waiting-for-browser":
            os.kill(os.getpid(), signal.{number})

    if {how!r} == "login_async":
        asyncio.run(bridge.login_async(on_progress=heard))
    elif {how!r} == "login":
        bridge.login(on_progress=heard)
    else:
        login = bridge.start_login(on_progress=heard)
        while login.poll() is None:
            time.sleep(0.005)
    print("not here")
    """
    done = left(emulator, stub_library, recipe + ending)
    assert (done.returncode, done.stdout, done.stderr) == (128 + getattr(signal, number), "", "")
    balanced(stub_log)
