"""A `Bridge` in every state that a game may leave it in: no hang, no crash, no open ticket. See also `test_bridge`."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge import Bridge, BridgeError, LoginCancelled, Phase, ProgressEvent, SteamUnavailable
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing.compiled_stub import open_tickets

from .conftest import StubLog
from .steam_helpers import balanced, run_program
from .test_bridge import MakeBridge, finish, make_bridge, until

__all__ = ["make_bridge"]  # the fixture


def test_closed_before_its_first_use_and_used_then(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.close()
    bridge.close()
    assert bridge.login().access_token


def test_closed_by_what_it_calls(make_bridge: MakeBridge, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    bridge = make_bridge()
    running = bridge.start_login(on_progress=lambda _event: bridge.close())
    with pytest.raises(LoginCancelled):
        finish(running)
    assert open_tickets(stub_log.calls) == []


def test_closed_under_another_threads_blocking_login(
    make_bridge: MakeBridge, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    bridge, ended = make_bridge(), []

    def login() -> None:
        try:
            bridge.login()
        except BridgeError as error:
            ended.append(error)

    thread = threading.Thread(target=login)
    thread.start()
    until(lambda: "request" in stub_log.story())
    bridge.close()
    thread.join(10)
    assert [type(error) for error in ended] == [SteamUnavailable]
    balanced(stub_log)
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "normal")
    assert bridge.login()


def test_one_of_two_is_closed_while_the_other_signs_in(
    make_bridge: MakeBridge, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "60")
    one, other = make_bridge(), make_bridge()
    one.login()
    running = other.start_login()
    until(lambda: stub_log.story().count("request") == 2)
    one.close()
    assert finish(running).access_token
    other.close()
    balanced(stub_log)


def test_dropped_with_a_login_running(
    emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is finished, its ticket cancelled, and Steam let go."""
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "60")
    urls = emulator.urls
    bridge = Bridge(application="demo-game", steam_app_id=480, native_url=urls["native"], steam_library=stub_library)
    bridge.start_login()
    until(lambda: "request" in stub_log.story())
    del bridge

    def let_go() -> bool:
        gc.collect()
        return stub_log.story()[-1] == "shutdown"

    until(let_go)
    balanced(stub_log)


def test_a_login_that_is_over_does_not_keep_its_bridge(
    emulator: Emulator, stub_library: Path, stub_log: StubLog
) -> None:
    urls = emulator.urls
    bridge = Bridge(application="demo-game", steam_app_id=480, native_url=urls["native"], steam_library=stub_library)
    running, alive = bridge.start_login(), weakref.ref(bridge)
    finish(running)
    running.join(10)
    del bridge
    gc.collect()
    assert alive() is None
    until(lambda: stub_log.story()[-1] == "shutdown")
    assert running.poll() is not None


def test_what_raises_in_on_progress_comes_out_of_poll_and_the_login_goes_on(make_bridge: MakeBridge) -> None:
    phases: list[Phase] = []

    def stumble(event: ProgressEvent) -> None:
        phases.append(event.phase)
        if event.phase is Phase.ISSUING:
            raise ZeroDivisionError

    running = make_bridge().start_login(on_progress=stumble)
    with pytest.raises(ZeroDivisionError):
        finish(running)
    assert finish(running).access_token
    assert phases == [Phase.REQUESTING_TICKET, Phase.ISSUING, Phase.SUCCEEDED]


def test_what_raises_in_on_progress_ends_a_blocking_login(make_bridge: MakeBridge, stub_log: StubLog) -> None:
    def stumble(event: ProgressEvent) -> None:
        if event.phase is Phase.ISSUING:
            raise ZeroDivisionError

    bridge = make_bridge()
    with pytest.raises(ZeroDivisionError):
        bridge.login(on_progress=stumble)
    assert open_tickets(stub_log.calls) == []
    assert bridge.login()


def test_done_and_cancel_when_there_is_nothing_to_say(make_bridge: MakeBridge) -> None:
    running = make_bridge().start_login()
    running.done()
    result = finish(running)
    running.done()
    running.cancel()
    assert running.poll() == result


# --- the interpreter ends ------------------------------------------------------------------------------------------------

LEAVING = """
    import sys, time
    from sudomimus_bridge import Bridge, Phase

    bridge = Bridge(application="demo-game", steam_app_id=480, native_url=sys.argv[1], via_url=sys.argv[2],
                    steam_library=sys.argv[3], no_browser=True)
    seen = []
    login = bridge.start_login(on_progress=lambda event: seen.append(event.phase.value))
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
    while login.poll() is None:
        time.sleep(0.005)
    import os, warnings
    warnings.simplefilter("ignore")
    child = os.fork()
    if child == 0:
        sys.exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), bool(bridge.login()))
    """
    done = left(emulator, stub_library, ending)
    assert (done.returncode, done.stdout, done.stderr) == (0, "7 True\n", "")
    assert len({call.pid for call in stub_log.calls}) == 1
    balanced(stub_log)
