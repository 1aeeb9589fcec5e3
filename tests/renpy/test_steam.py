"""Specifies the Steam port over Ren'Py's own Steam, on stand-ins of Ren'Py's binding and callbacks."""

from __future__ import annotations

import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from sudomimus_bridge import Bridge, BridgeError, ConfigurationError, SteamUnavailable
from sudomimus_bridge._renpy.host import hosting_achievement
from sudomimus_bridge._renpy.steam import RenpySteam, steam_port
from sudomimus_bridge._runs.running import Running
from sudomimus_bridge._settings import Settings
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.steam._stub_ticket import StubTicket
from sudomimus_bridge.steam._ticket import web_api_ticket
from sudomimus_bridge.testing._compiled_stub import open_tickets
from sudomimus_bridge.testing._scripted_browser import AutoBrowser
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..conftest import StubLog
from ..helpers import renpy_achievement
from ..helpers.patience import PATIENCE
from ..helpers.renpy_achievement import CompiledAchievement, Scripted, ScriptedAchievement
from ..helpers.steam_helpers import run_program

ROBIN = 76561197960287930
KINDS = ("GetTicketForWebApiResponse_t", "SteamShutdown_t", "SteamServersDisconnected_t", "SteamServerConnectFailure_t")


def ours(achievement: Any) -> int:
    return sum(len(handlers) for handlers in achievement.steam.callback_handlers.values())


def one_ticket(achievement: ScriptedAchievement, backend: str = "asyncio", *, drain: bool = True) -> str:
    """One ticket in hex. The main thread drains in virtual time."""
    clock = VirtualClock(grace=0.02)
    steam = RenpySteam(achievement, clock)

    async def main_thread() -> None:
        while drain:
            achievement.steam.periodic()
            await anyio.sleep(1)  # virtual seconds

    async def main() -> str:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(main_thread)
            try:
                assert await steam.open() == 480
                async with web_api_ticket(steam, clock) as ticket_hex:
                    return ticket_hex.reveal()
            finally:
                await steam.aclose()
                tasks.cancel_scope.cancel()
        raise AssertionError

    try:
        return clock.run(main, backend=backend)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None


class TestWhichSteam:
    def test_renpys_steam_is_used_if_renpy_runs_steam(self) -> None:
        assert isinstance(steam_port(ScriptedAchievement()), RenpySteam)

    def test_own_steam_is_used_if_renpy_runs_none(self) -> None:
        assert steam_port(SimpleNamespace(steam=None, steamapi=None)) is None

    def test_own_steam_is_used_if_renpy_has_no_binding(self) -> None:
        assert steam_port(SimpleNamespace(steam=object())) is None

    def test_door_makes_the_same_choice(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "store.achievement", SimpleNamespace(steam=object(), steamapi=None))
        assert hosting_achievement() is None
        monkeypatch.setitem(sys.modules, "store.achievement", achievement := ScriptedAchievement())
        assert hosting_achievement() is achievement

    def test_store_module_is_looked_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert steam_port() is None
        monkeypatch.setitem(sys.modules, "store.achievement", ScriptedAchievement())
        assert isinstance(steam_port(), RenpySteam)


class TestTicket:
    @pytest.mark.parametrize("drains", [1, 7, 0], ids=["next", "later", "before the request returned"])
    def test_ticket_is_read_matched_and_cancelled_once(self, backend: str, drains: int) -> None:
        achievement = ScriptedAchievement([Scripted(drains=drains)])
        assert bytes.fromhex(one_ticket(achievement, backend)) == b"ticket for sudomimus"
        assert achievement.calls == [("request", 1), ("cancel", 1)]

    @pytest.mark.parametrize(
        ("meets", "reason"),
        [
            (Scripted(no_handle=True), "NoTicketHandle"),
            (Scripted(result=21), "TicketFailed"),
            (Scripted(size=0), "TicketUnreadable"),
            (Scripted(size=-1), "TicketUnreadable"),
            (Scripted(size=4000), "TicketUnreadable"),
            (Scripted(callback="SteamShutdown_t"), "SteamShutdown"),
            (Scripted(callback="SteamServersDisconnected_t"), "SteamDisconnected"),
            (Scripted(callback="SteamServerConnectFailure_t"), "SteamDisconnected"),
            (Scripted(silent=True), "NoCallback"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_each_failure_has_its_reason_and_leaves_no_ticket(self, backend: str, meets: Scripted, reason: str) -> None:
        achievement = ScriptedAchievement([meets])
        with pytest.raises(SteamUnavailable) as failed:
            one_ticket(achievement, backend)
        assert failed.value.reason == reason
        assert achievement.calls == ([] if meets.no_handle else [("request", 1), ("cancel", 1)])

    def test_wait_times_out_if_the_main_thread_does_not_drain(self, backend: str) -> None:
        achievement = ScriptedAchievement()
        with pytest.raises(SteamUnavailable) as failed:
            one_ticket(achievement, backend, drain=False)
        assert failed.value.reason == "NoCallback"
        assert achievement.calls == [("request", 1), ("cancel", 1)]

    def test_cancelled_request_cancels_its_ticket(self, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
        achievement, asked, go_on = ScriptedAchievement(), threading.Event(), threading.Event()
        request = achievement.GetAuthTicketForWebApi

        def slow(identity: bytes) -> Any:
            asked.set()
            go_on.wait(PATIENCE)
            return request(identity)

        monkeypatch.setattr(achievement, "GetAuthTicketForWebApi", slow)
        steam = RenpySteam(achievement, SystemClock())

        async def main() -> None:
            await steam.open()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(steam.get_auth_ticket_for_web_api, "sudomimus")
                while not asked.is_set():
                    await anyio.sleep(0.001)
                tasks.cancel_scope.cancel()
                go_on.set()

        anyio.run(main, backend=backend)
        assert achievement.calls == [("request", 1), ("cancel", 1)]

    def test_binding_without_web_tickets_is_reported(self) -> None:
        achievement = ScriptedAchievement()
        achievement.steamapi.SteamUser = lambda: object()
        with pytest.raises(SteamUnavailable) as failed:
            one_ticket(achievement)
        assert "Ren'Py 8.4 or later" in (failed.value.detail or "")
        assert "GetAuthTicketForWebApi" in (failed.value.detail or "")

    def test_steam_that_renpy_no_longer_runs_is_reported(self) -> None:
        achievement = ScriptedAchievement()
        steam = RenpySteam(achievement, SystemClock())
        achievement.steamapi = None
        with pytest.raises(SteamUnavailable) as failed:
            anyio.run(steam.open)
        assert failed.value.reason == "HostHasNotInitialised"


class TestListeners:
    def test_listeners_never_raise(self) -> None:
        achievement = ScriptedAchievement()
        anyio.run(RenpySteam(achievement, SystemClock()).open)
        for name in KINDS:
            for nonsense in (None, object(), SimpleNamespace(m_hAuthTicket="x", m_eResult=None, m_cubTicket=[])):
                for handler in achievement.steam.callback_handlers[name]:
                    handler(nonsense)

    def test_listeners_leave_with_drop_and_return_with_the_next_use(self) -> None:
        achievement = ScriptedAchievement()
        games = [lambda _callback: None]
        achievement.steam.callback_handlers[KINDS[0]] += games
        steam = RenpySteam(achievement, SystemClock())
        anyio.run(steam.open)
        anyio.run(steam.open)
        assert ours(achievement) == len(KINDS) + 1
        steam.drop(5)
        assert ours(achievement) == 1
        assert achievement.steam.callback_handlers[KINDS[0]] == games
        anyio.run(steam.open)
        assert ours(achievement) == len(KINDS) + 1

    def test_leaving_amid_a_drain_skips_no_listener_of_the_game(self) -> None:
        achievement = ScriptedAchievement()
        steam = RenpySteam(achievement, SystemClock())
        told = []
        achievement.steam.callback_handlers[KINDS[0]].append(lambda _callback: steam.drop())
        anyio.run(steam.open)
        achievement.steam.callback_handlers[KINDS[0]].append(lambda _callback: told.append(True))
        achievement.GetAuthTicketForWebApi(b"the game's own")
        achievement.steam.periodic()
        assert told == [True]

    def test_another_thread_does_not_change_the_lists(self) -> None:
        achievement = ScriptedAchievement()
        steam = RenpySteam(achievement, SystemClock())
        anyio.run(steam.open)
        thread = threading.Thread(target=steam.drop, args=[5])
        thread.start()
        thread.join()
        assert ours(achievement) == len(KINDS)

    def test_new_lists_after_a_reload_are_joined(self) -> None:
        achievement = ScriptedAchievement()
        steam = RenpySteam(achievement, SystemClock())
        anyio.run(steam.open)
        achievement.steam = ScriptedAchievement().steam
        anyio.run(steam.open)
        assert ours(achievement) == len(KINDS)

    def test_reload_amid_a_ticket_loses_neither_callback_nor_cancel(self) -> None:
        achievement = ScriptedAchievement([Scripted(drains=1)])
        steam = RenpySteam(achievement, SystemClock())
        lists = achievement.steam

        async def reloaded() -> None:
            assert await steam.open() == 480
            first = await steam.get_auth_ticket_for_web_api("sudomimus")
            api = achievement.steamapi
            del achievement.steam, achievement.steamapi  # the store module is empty while the script is parsed
            steam.listen_again()
            second = await steam.get_auth_ticket_for_web_api("sudomimus")
            await steam.cancel_auth_ticket(second)
            assert achievement.calls == [("request", 1), ("request", 2), ("cancel", 2)]
            achievement.steam, achievement.steamapi = type(lists)(achievement._callbacks), api
            steam.listen_again()
            achievement.steam.periodic()
            assert bytes.fromhex((await steam.ticket_response(first)).reveal()) == b"ticket for sudomimus"
            await steam.cancel_auth_ticket(first)

        with anyio.from_thread.start_blocking_portal() as portal:
            portal.start_task_soon(reloaded).result(PATIENCE)
        assert achievement.calls[3:] == [("cancel", 1)]
        steam.drop()
        steam.listen_again()
        assert ours(achievement) == 0

    def test_forgotten_port_cancels_its_tickets_and_ends_its_thread(self) -> None:
        achievement = ScriptedAchievement([Scripted(silent=True)])
        before = set(threading.enumerate())
        steam = RenpySteam(achievement, SystemClock())
        gone = weakref.ref(steam)

        async def leave_a_ticket_open(steam: RenpySteam) -> None:
            await steam.open()
            await steam.get_auth_ticket_for_web_api("sudomimus")

        anyio.run(leave_a_ticket_open, steam)
        (thread,) = [one for one in set(threading.enumerate()) - before if one.name == "sudomimus-bridge steam"]
        del steam
        gc.collect()
        assert gone() is None
        thread.join(PATIENCE)
        assert not thread.is_alive()
        assert achievement.calls == [("request", 1), ("cancel", 1)]


# --- whole logins; this thread acts as Ren'Py's main thread -----------------------------------------------------------


def over(login: Running[Any]) -> Callable[[], bool]:
    def is_over() -> bool:
        try:
            return login.poll() is not None
        except BridgeError:
            return True

    return is_over


@pytest.fixture
def compiled(stub_library: Path, stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[CompiledAchievement]:
    """Ren'Py, which has started Steam."""
    monkeypatch.setenv("SteamAppId", "480")
    achievement = CompiledAchievement(stub_library)
    yield achievement
    achievement.shut_down()
    story = stub_log.story()
    assert open_tickets(stub_log.calls) == []
    assert "misuse" not in story
    assert story.count("shutdown") == 1


def bridge_on(achievement: Any, settings: Settings, **ports: Any) -> Bridge:
    given = {
        name: getattr(settings, name)
        for name in ("application", "steam_app_id", "native_url", "via_url", "steam_library")
    }
    return Bridge(steam=steam_port(achievement), **ports, **given)


@pytest.fixture
def asking_emulator(emulator: Emulator) -> Iterator[Emulator]:
    """The local service, for a game that requires an email address."""
    emulator.update({"claims.email": "REQUIRED"})
    yield emulator
    emulator.reset(settings=True)


class TestLogin:
    @pytest.mark.usefixtures("hurried")
    def test_login_with_an_errand_on_the_compiled_stub(
        self,
        compiled: CompiledAchievement,
        stub_log: StubLog,
        asking_emulator: Emulator,
        settings_for: Callable[..., Settings],
    ) -> None:
        with bridge_on(compiled, settings_for(), browser=AutoBrowser()) as bridge:
            login = bridge.start_login()
            compiled.run(over(login))
            result = login.poll()
        assert result is not None
        assert result.application_anchor == "demo-game"
        assert stub_log.story()[:3] == ["request", "callback", "cancel"]
        assert stub_log.story().count("request") == 2
        # Only the game's loop pumps, on its own thread.
        frames = [call for call in stub_log.calls if call.call == "SteamAPI_ManualDispatch_RunFrame"]
        assert {call.tid for call in frames} <= {threading.get_native_id()}

    def test_login_on_a_scripted_binding(self, settings_for: Callable[..., Settings]) -> None:
        def ticket(identity: str) -> bytes:
            return StubTicket(ROBIN, 480, bytes(range(16)), identity).to_bytes()

        achievement = ScriptedAchievement(ticket=ticket)
        with bridge_on(achievement, settings_for()) as bridge:
            login = bridge.start_login()
            achievement.run(over(login))
            assert login.poll() is not None
        assert achievement.calls == [("request", 1), ("cancel", 1)]
        assert ours(achievement) == 0

    def test_login_cancelled_while_the_ticket_is_on_its_way(
        self,
        compiled: CompiledAchievement,
        stub_log: StubLog,
        settings_for: Callable[..., Settings],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("STEAM_STUB_TICKET_CALLBACK", "never")
        with bridge_on(compiled, settings_for()) as bridge:
            login = bridge.start_login()
            compiled.run(lambda: "request" in stub_log.story())
            login.cancel()
            compiled.run(over(login))
        assert stub_log.story()[:2] == ["request", "cancel"]

    def test_other_app_id_is_a_configuration_error(
        self, compiled: CompiledAchievement, settings_for: Callable[..., Settings]
    ) -> None:
        with bridge_on(compiled, settings_for(steam_app_id=481)) as bridge:
            login = bridge.start_login()
            compiled.run(over(login))
            with pytest.raises(ConfigurationError) as other:
                login.poll()
            assert "Steam runs as app 480" in str(other.value.detail)

    def test_game_that_quits_amid_a_login_leaves_no_ticket_open(self, stub_library: Path, stub_log: StubLog) -> None:
        ended = run_program(
            """
            import os, sys
            os.environ |= {"SteamAppId": "480", "STEAM_STUB_TICKET_CALLBACK": "never"}
            from sudomimus_bridge import Bridge
            from sudomimus_bridge._renpy.steam import steam_port
            from sudomimus_bridge.testing._compiled_stub import open_tickets, read_stub_log
            sys.path.insert(0, sys.argv[3])
            from renpy_achievement import CompiledAchievement

            achievement = CompiledAchievement(sys.argv[1])
            bridge = Bridge(steam=steam_port(achievement), application="demo-game", native_url="http://127.0.0.1:9")
            login = bridge.start_login()
            achievement.run(lambda: bool(open_tickets(read_stub_log(sys.argv[2]))))
            """,
            str(stub_library),
            str(stub_log.path),
            str(Path(renpy_achievement.__file__).parent),
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert open_tickets(stub_log.calls) == []
        assert stub_log.story() == ["request", "cancel"]
