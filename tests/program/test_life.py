"""Specifies a game that closes or drops its `Bridge` in any state: nothing hangs or crashes, and no ticket stays open."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge, BridgeError, LoginCancelled, Phase, ProgressEvent, SteamUnavailable
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.steam import _connection as connection
from sudomimus_bridge.steam import _library as library
from sudomimus_bridge.testing._compiled_stub import open_tickets

from ..conftest import StubLog
from ..helpers.patience import PATIENCE, finish, until
from ..helpers.steam_helpers import balanced
from .test_bridge import MakeBridge, make_bridge

__all__ = ["make_bridge"]  # the fixture


def test_close_before_the_first_use(make_bridge: MakeBridge) -> None:
    bridge = make_bridge()
    bridge.close()
    bridge.close()
    assert bridge.login().access_token


def test_on_progress_closes_the_bridge(
    make_bridge: MakeBridge, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    bridge = make_bridge()
    running = bridge.start_login(on_progress=lambda _event: bridge.close())
    with pytest.raises(LoginCancelled):
        finish(running)
    assert open_tickets(stub_log.calls) == []


def test_close_during_a_blocking_login_of_another_thread(
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
    thread.join(PATIENCE)
    assert [type(error) for error in ended] == [LoginCancelled]
    balanced(stub_log)
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "normal")
    assert bridge.login()


@pytest.mark.parametrize("asked", ["a login", "a token"])
def test_close_while_another_thread_waits_for_the_player(
    make_bridge: MakeBridge, emulator: Emulator, stub_log: StubLog, asked: str
) -> None:
    """A login that would wait for an hour does not delay a player who quits the game."""
    emulator.update(claims={"email": "REQUIRED"})
    bridge, waiting, ended = make_bridge(), threading.Event(), []

    def listen(event: ProgressEvent) -> None:
        if event.phase is Phase.WAITING_FOR_BROWSER:
            waiting.set()

    def login() -> None:
        try:
            if asked == "a login":
                bridge.login(on_progress=listen)
            else:
                bridge.session(stay_signed_in=False).access_token(on_progress=listen)
        except BridgeError as error:
            ended.append(error)

    thread = threading.Thread(target=login, daemon=True)
    thread.start()
    assert waiting.wait(PATIENCE)
    bridge.close()
    thread.join(PATIENCE)
    assert [type(error) for error in ended] == [LoginCancelled]
    balanced(stub_log)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_close_while_a_task_waits_for_the_player(
    make_bridge: MakeBridge, emulator: Emulator, stub_log: StubLog, backend: str
) -> None:
    if backend == "trio":
        pytest.importorskip("trio")
    emulator.update(claims={"email": "REQUIRED"})
    bridge = make_bridge()

    def close(event: ProgressEvent) -> None:
        if event.phase is Phase.WAITING_FOR_BROWSER:
            bridge.close()  # on the event loop's own thread, which cannot wait for its own task

    async def main() -> None:
        with anyio.fail_after(PATIENCE), pytest.raises(LoginCancelled):
            await bridge.login_async(on_progress=close)

    anyio.run(main, backend=backend)
    balanced(stub_log)


def test_close_before_a_task_begins(make_bridge: MakeBridge, stub_log: StubLog) -> None:
    bridge = make_bridge()

    async def main() -> None:
        running = bridge._runner.running(bridge._login("steam", {}, None, None))
        bridge.close()
        with pytest.raises(LoginCancelled):
            await running.wait()

    anyio.run(main)
    assert stub_log.story() == []
    assert bridge.login()


def test_one_of_two_bridges_closes_while_the_other_signs_in(
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


def test_bridge_is_dropped_during_a_login(
    emulator: Emulator, stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login ends, its ticket is cancelled, and Steam is shut down."""
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


def test_ended_login_does_not_keep_its_bridge_alive(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> None:
    urls = emulator.urls
    bridge = Bridge(application="demo-game", steam_app_id=480, native_url=urls["native"], steam_library=stub_library)
    running, alive = bridge.start_login(), weakref.ref(bridge)
    finish(running)
    running.join(PATIENCE)
    del bridge
    gc.collect()
    assert alive() is None
    until(lambda: stub_log.story()[-1] == "shutdown")
    assert running.poll() is not None


def test_poll_raises_the_error_of_on_progress_and_the_login_goes_on(make_bridge: MakeBridge) -> None:
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


def test_error_of_on_progress_ends_a_blocking_login(make_bridge: MakeBridge, stub_log: StubLog) -> None:
    def stumble(event: ProgressEvent) -> None:
        if event.phase is Phase.ISSUING:
            raise ZeroDivisionError

    bridge = make_bridge()
    with pytest.raises(ZeroDivisionError):
        bridge.login(on_progress=stumble)
    assert open_tickets(stub_log.calls) == []
    assert bridge.login()


def test_done_and_cancel_without_effect(make_bridge: MakeBridge) -> None:
    running = make_bridge().start_login()
    running.done()
    result = finish(running)
    running.done()
    running.cancel()
    assert running.poll() == result


def test_frame_thread_never_waits_for_another_logins_imports(
    make_bridge: MakeBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    import builtins

    importing, go_on = threading.Event(), threading.Event()
    plain_import = builtins.__import__

    def slow_import(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name == "_session.player_session" and threading.current_thread() is not threading.main_thread():
            importing.set()
            go_on.wait(PATIENCE)
        return plain_import(name, *arguments, **keywords)

    bridge = make_bridge()
    monkeypatch.setattr(builtins, "__import__", slow_import)
    first = bridge.start_login()
    assert importing.wait(PATIENCE)
    second = bridge.start_login()  # the bridge's lock is free
    second.cancel()
    go_on.set()
    assert finish(first)
    with pytest.raises(LoginCancelled):
        finish(second)


def test_close_without_waiting(make_bridge: MakeBridge, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a frame loop: the ticket is cancelled and Steam is shut down in the background."""
    monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
    bridge = make_bridge()
    running = bridge.start_login()
    until(lambda: "request" in stub_log.story())
    bridge.close(0)
    with pytest.raises((LoginCancelled, SteamUnavailable)):
        finish(running)
    until(lambda: stub_log.story()[-1] == "shutdown")
    balanced(stub_log)


def test_finalizer_runs_on_a_thread_that_holds_the_locks(make_bridge: MakeBridge) -> None:
    """The garbage collector may run a finalizer on a thread that holds the bridge's locks."""
    bridge = make_bridge()
    running = bridge.start_login()
    with bridge._runner._lock, running._lock, connection._connections_lock:
        running.cancel()
        bridge.close(0)
    with pytest.raises((LoginCancelled, SteamUnavailable)):  # the order of the two threads is not known
        finish(running)


def test_finalizer_closes_a_bridge_while_another_thread_opens_steam(
    make_bridge: MakeBridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finalizer runs on a thread that holds the lock for which the other thread waits."""
    bridge, opening, find = make_bridge(), threading.Event(), library.find_library

    def find_library(chosen: Path | None, *, hosted: bool = False) -> Path:
        opening.set()
        return find(chosen, hosted=hosted)

    monkeypatch.setattr(connection, "find_library", find_library)

    def finalizer() -> None:
        with connection._connections_lock:
            bridge.start_login()
            opening.wait(PATIENCE)
            time.sleep(0.05)  # the thread waits for the lock by now
            bridge.close(0)

    thread = threading.Thread(target=finalizer, daemon=True)
    bridge.login()
    bridge.close()
    opening.clear()
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive()
    assert bridge.login()
