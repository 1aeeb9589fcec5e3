"""Specifies `Bridge`: its blocking, async and polled calls, errors and clean-up, on the compiled stub and the local service."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import (
    Bridge,
    ConfigurationError,
    ErrandResult,
    LoginCancelled,
    LoginDenied,
    LoginResult,
    Phase,
    ProgressEvent,
    SteamUnavailable,
)
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit_errand
from sudomimus_bridge.testing._compiled_stub import open_tickets
from sudomimus_bridge.testing._scripted_browser import AutoBrowser

from ..conftest import StubLog
from ..helpers.patience import PATIENCE, finish, until

MakeBridge = Callable[..., Bridge]


@pytest.fixture
def make_bridge(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[MakeBridge]:
    made: list[Bridge] = []

    def make(**more: Any) -> Bridge:
        settings = {**emulator.settings, "steam_library": stub_library, "no_browser": True}
        made.append(Bridge(**{**settings, **more}))
        return made[-1]

    yield make
    for bridge in made:
        bridge.close()
    emulator.reset(settings=True)


def test_login_blocks_its_thread(make_bridge: MakeBridge, stub_log: StubLog) -> None:
    threads: set[int] = set()
    with make_bridge() as bridge:
        results = [bridge.login(on_progress=lambda _event: threads.add(threading.get_ident())) for _ in range(2)]
    assert all(isinstance(result, LoginResult) for result in results)
    assert threads == {threading.get_ident()}
    assert stub_log.story() == ["request", "callback", "cancel"] * 2 + ["shutdown"]


def test_login_async_on_both_event_loops(make_bridge: MakeBridge, backend: str) -> None:
    bridge = make_bridge()
    assert anyio.run(bridge.login_async, backend=backend).access_token


def test_start_login_is_polled_each_frame(make_bridge: MakeBridge) -> None:
    events: list[tuple[Phase, int]] = []
    running = make_bridge().start_login(on_progress=lambda event: events.append((event.phase, threading.get_ident())))
    result = finish(running)
    assert result.refresh_token
    assert running.poll() == result
    assert events == [
        (phase, threading.get_ident()) for phase in (Phase.REQUESTING_TICKET, Phase.ISSUING, Phase.SUCCEEDED)
    ]


def test_done_ends_the_wait_for_an_errand(make_bridge: MakeBridge, emulator: Emulator) -> None:
    emulator.update(claims={"email": "REQUIRED"})
    emulator.fault("GET /errand/* 503")  # only "I'm done" can end the wait
    events: list[ProgressEvent] = []
    running = make_bridge().start_login(on_progress=events.append)
    until(lambda: running.poll() or any(event.phase is Phase.WAITING_FOR_BROWSER for event in events))
    errand = events[-1].errand
    assert errand is not None
    assert visit_errand(errand.url) == "done"
    running.done()
    assert finish(running).claims["email"]["state"] == "GRANTED"


def test_cancel_from_another_thread(
    make_bridge: MakeBridge, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    running = make_bridge().start_login()
    until(lambda: "request" in stub_log.story())
    threading.Thread(target=running.cancel).start()
    with pytest.raises(LoginCancelled):
        finish(running)
    with pytest.raises(LoginCancelled):
        running.poll()
    assert open_tickets(stub_log.calls) == []


def test_cancel_before_the_login_begins(make_bridge: MakeBridge) -> None:
    running = make_bridge().start_login()
    running.cancel()
    running.cancel()
    with pytest.raises(LoginCancelled):
        finish(running)


def test_cancelling_the_task_cancels_the_ticket(
    make_bridge: MakeBridge, stub_log: StubLog, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "5000")
    bridge = make_bridge()

    async def give_up() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bridge.login_async)
            while "request" not in stub_log.story():
                await anyio.sleep(0.002)
            tasks.cancel_scope.cancel()

    anyio.run(give_up, backend=backend)
    assert stub_log.story() == ["request", "cancel"]


def test_blocking_async_and_polled_share(make_bridge: MakeBridge, emulator: Emulator) -> None:
    bridge = make_bridge()
    token = bridge.login().access_token
    events: list[ProgressEvent] = []
    running = bridge.start_share(token, events.append)
    until(lambda: running.poll() or any(event.phase is Phase.WAITING_FOR_BROWSER for event in events))
    assert events[-1].errand is not None
    visit_errand(events[-1].errand.url, share={"email", "firstName"})
    running.done()
    assert finish(running).completed
    assert isinstance(bridge.share(bridge.login().access_token), ErrandResult)


def test_empty_access_token_is_refused(make_bridge: MakeBridge) -> None:
    """If the game's own variable is empty, the session of another player must not be used instead."""
    bridge = make_bridge()
    bridge.login()
    with pytest.raises(LoginDenied):
        bridge.share("")


def test_refused_access_token_is_in_no_frame(make_bridge: MakeBridge) -> None:
    """A crash reporter keeps the local variables of every frame."""
    with pytest.raises(LoginDenied) as refused:
        make_bridge().share("a-token-" + "of-somebody")
    frames = traceback.StackSummary.extract(traceback.walk_tb(refused.tb), capture_locals=True)
    assert len(frames) > 3
    assert "a-token-of-somebody" not in repr([frame.locals for frame in frames])


def test_blocking_async_and_polled_calls_raise_the_error(make_bridge: MakeBridge, emulator: Emulator) -> None:
    emulator.update({"application.disabled": True})
    bridge = make_bridge()
    with pytest.raises(LoginDenied):
        bridge.login()
    with pytest.raises(LoginDenied):
        anyio.run(bridge.login_async)
    with pytest.raises(LoginDenied) as denied:
        finish(bridge.start_login())
    assert denied.value.reason == "ApplicationNotActive"


def test_access_key_signs_in(make_bridge: MakeBridge, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    urls, bridge = emulator.urls, make_bridge()
    key = {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}
    assert bridge.login("access-key", **key)
    with pytest.raises(ConfigurationError, match="identifier"):
        bridge.login("access-key")
    for name, value in key.items():
        monkeypatch.setenv(f"SUDOMIMUS_{name.upper()}", value)
    assert bridge.login("access-key")


def test_wrong_call_raises(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    with pytest.raises(ConfigurationError, match="method"):
        bridge.login("telepathy")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="no such credential for steam: password"):
        bridge.login(password="x")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="no such setting"):
        Bridge(aplication="my-game")  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="No application is set"):
        Bridge().login()

    async def blocking() -> None:
        bridge.login()

    with pytest.raises(ConfigurationError, match="login_async"):
        anyio.run(blocking)


def test_close_during_logins_then_login_again(
    make_bridge: MakeBridge, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "5000")
    bridge = make_bridge()
    running = [bridge.start_login() for _ in range(3)]
    until(lambda: stub_log.story().count("request") == 3)
    bridge.close()
    bridge.close()
    for login in running:
        with pytest.raises(LoginCancelled):
            finish(login)
    assert open_tickets(stub_log.calls) == []
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "5")
    assert bridge.login()


def test_two_bridges_in_many_threads(make_bridge: MakeBridge, stub_log: StubLog) -> None:
    bridges, results = [make_bridge(), make_bridge()], []
    threads = [threading.Thread(target=lambda b=bridge: results.append(b.login())) for bridge in bridges * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({result.access_token for result in results}) == 8
    for bridge in bridges:
        bridge.close()
    calls = [call.call for call in stub_log.calls]
    assert calls.count("SteamAPI_InitFlat") == calls.count("SteamAPI_Shutdown") == 1


def test_bridge_is_dropped_without_close(make_bridge: MakeBridge, stub_log: StubLog, emulator: Emulator) -> None:
    urls = emulator.urls
    bridge = Bridge(
        application=urls["application"],
        steam_app_id=480,
        native_url=urls["native"],
        steam_library=next(iter([make_bridge()]))._runner.settings.steam_library,
    )
    bridge.login()
    del bridge
    gc.collect()
    until(lambda: stub_log.story()[-1] == "shutdown")


def test_login_after_steam_was_restarted(make_bridge: MakeBridge, monkeypatch: pytest.MonkeyPatch) -> None:
    bridge = make_bridge()
    assert bridge.login()
    monkeypatch.setenv("STEAM_STUB_RUNNING", "0")
    with pytest.raises(SteamUnavailable):
        bridge.login()
    monkeypatch.setenv("STEAM_STUB_RUNNING", "1")
    assert bridge.login()


def run_program(source: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(source), *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_interpreter_ends_during_a_login(
    make_bridge: MakeBridge, emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "60000")
    done = run_program(
        """
        import os, sys, time
        from sudomimus_bridge import Bridge
        bridge = Bridge(application="demo-game", steam_app_id=480, native_url=sys.argv[1], steam_library=sys.argv[2])
        login = bridge.start_login()
        while "GetAuthTicketForWebApi" not in open(os.environ["STEAM_STUB_LOG"], "a+").read() and not login.poll():
            with open(os.environ["STEAM_STUB_LOG"]) as log:
                if "GetAuthTicketForWebApi" in log.read():
                    break
            time.sleep(0.01)
        """,
        emulator.urls["native"],
        str(stub_library),
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert open_tickets(stub_log.calls) == []
    assert stub_log.story()[-1] == "shutdown"


def test_nothing_heavy_is_imported_before_a_login() -> None:
    done = run_program(
        """
        import sys
        before = set(sys.modules)
        from sudomimus_bridge import Bridge
        Bridge(application="my-game", steam_app_id=480)
        loaded = set(sys.modules) - before
        heavy = {"httpx", "httpcore", "anyio", "asyncio", "trio", "ssl", "ctypes", "pydantic", "segno", "webbrowser"}
        print(sorted(heavy & loaded))
        """
    )
    assert done.stdout == "[]\n", done.stderr


# --- an access token whose session has ended -------------------------------------------------------------------------------


@pytest.mark.usefixtures("hurried")
def test_share_renews_a_refused_token_once(make_bridge: MakeBridge, emulator: Emulator) -> None:
    bridge = make_bridge(browser=AutoBrowser(), no_browser=False)
    bridge.login()
    emulator.fault("POST /errand 401 times=1")
    assert bridge.share().completed is True
    assert [request.status for request in emulator.requests if request.path == "/errand"] == [401, 200, 200]


def test_share_ends_if_the_renewed_token_is_refused_too(make_bridge: MakeBridge, emulator: Emulator) -> None:
    bridge = make_bridge()
    bridge.login()
    emulator.fault("POST /errand 401")
    with pytest.raises(LoginDenied, match=r"Your sign-in has ended\. Sign in again\."):
        bridge.share()
    asked = [(request.path, request.status) for request in emulator.requests]
    assert asked == [("/direct-issue/steam-ticket", 200), ("/errand", 401)] * 2
