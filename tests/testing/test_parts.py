"""Specifies the parts of the kit: the changes that each makes and restores, and the events that virtual time waits for."""

from __future__ import annotations

import os
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time
import types
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge import Bridge, BridgeError, LoginResult, ServiceUnavailable, SteamUnavailable
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge.testing import (
    LocalService,
    ScriptedBrowser,
    ScriptedPlayer,
    StubBehaviour,
    StubLibrary,
    StubSteam,
    TicketLeftOpen,
    VirtualClock,
    using_environment,
    using_service,
    using_stub_steam,
)
from sudomimus_bridge.testing import _using as using

from ..helpers.patience import PATIENCE, with_time

bridge = Bridge()


def test_environment_hides_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"SUDOMIMUS_NATIVE_URL": "https://native-api.sudomimus.com", "SteamAppId": "7", "STEAM_STUB_RUNNING": "0"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    before = dict(os.environ)
    with using_environment("lighthouse", 481):
        assert "SteamAppId" not in os.environ
        with pytest.raises(SteamUnavailable) as no_steam:
            bridge.login()
        assert no_steam.value.reason == "LibraryNotFound"
        with using_stub_steam() as steam:
            error, _ = with_time(_error_within, lambda error: isinstance(error, ServiceUnavailable), 0.2)
        assert isinstance(error, ServiceUnavailable)
        assert steam.app_id == 481
    assert dict(os.environ) == before


def _error_within(seconds: float) -> BridgeError:
    """The error of a login with this timeout."""
    with pytest.raises(BridgeError) as failed:
        Bridge(timeout=seconds).login()
    return failed.value


@pytest.mark.parametrize("time_of_day", ["first", "second"])
def test_service_is_reset_for_each_test(
    sudomimus_bridge: Bridge, sudomimus_service: LocalService, sudomimus_virtual_time: VirtualClock, time_of_day: str
) -> None:
    service = sudomimus_service
    assert service.requests == []
    assert service.config.claims.email == "OPTIONAL"
    assert abs(service._state.clock.now() - time.time()) < 60
    service.requires("email")
    service.drops(times=None)
    service.advance(7200)
    with pytest.raises(ServiceUnavailable):
        sudomimus_bridge.login()
    assert {request.fault for request in service.requests} == {"reset"}


def test_sessions_of_this_machine_are_not_touched(sudomimus_environment: None) -> None:
    yours = types.ModuleType("keyring")
    used: list[object] = ["yours"]
    vars(yours).update(get_keyring=lambda: used[-1], set_keyring=used.append)
    fail = types.ModuleType("keyring.backends.fail")
    vars(fail).update(Keyring=lambda: "none")
    modules = {"keyring": yours, "keyring.backends": types.ModuleType("keyring.backends"), fail.__name__: fail}
    with pytest.MonkeyPatch.context() as changed:
        for name, module in modules.items():
            changed.setitem(sys.modules, name, module)
        with using._no_keyring():
            assert used == ["yours", "none"]
        assert used == ["yours", "none", "yours"]

    folder = Path(os.environ["SUDOMIMUS_SESSION_FOLDER"])
    assert not folder.exists() and folder.parent.is_dir()
    assert os.environ["PYTHON_KEYRING_BACKEND"] == "keyring.backends.fail.Keyring"


def test_stored_session_lasts_for_one_test() -> None:
    folders = []
    for _ in range(2):
        with using_service(), using_stub_steam(), Bridge() as here:
            folders.append(Path(os.environ["SUDOMIMUS_SESSION_FOLDER"]))
            assert here.session(stay_signed_in=True).claims() is None
            assert here.login()
            assert list(folders[-1].iterdir())
    assert folders[0] != folders[1]
    assert not any(folder.parent.exists() for folder in folders)


def test_the_process_has_one_service() -> None:
    with using_service() as one:
        first = one.url
    with using_service("lighthouse", 7) as other:
        assert (other, other.url, other.urls["application"]) == (one, first, "lighthouse")


def test_bridge_created_before_the_test_uses_the_kit(
    sudomimus_steam: StubSteam, sudomimus_service: LocalService
) -> None:
    assert bridge.login()
    with using_stub_steam() as other:
        assert bridge.login()
    assert bridge.login()
    whole = ["open", "request", "cancel", "shutdown"]
    assert [call for call, _ in other.calls] == whole
    assert [call for call, _ in sudomimus_steam.calls] == whole + whole[:-1]


def test_ports_given_to_a_bridge_stay(sudomimus_steam: StubSteam, sudomimus_service: LocalService) -> None:
    own = StubSteam(SystemClock(), app_id=480)
    with Bridge(steam=own, application="lighthouse") as mine:
        sudomimus_service.update({"application.anchor": "lighthouse"})
        assert mine.login().application_anchor == "lighthouse"
    assert [call for call, _ in own.calls] == ["open", "request", "cancel", "shutdown"]
    assert sudomimus_steam.calls == []


def test_a_players_account(
    sudomimus_bridge: Bridge, sudomimus_service: LocalService, sudomimus_player: ScriptedPlayer
) -> None:
    sudomimus_player.shares(email="robin@example.com")
    sudomimus_player.withholds("firstName")
    assert sudomimus_player.shared == {"email": "robin@example.com"}
    claims = sudomimus_bridge.login().claims
    assert (claims["email"]["state"], claims["firstName"]["state"]) == ("GRANTED", "DENIED")
    assert sudomimus_player.account.first_name == "Robin"
    for wrong in (sudomimus_service.requires, sudomimus_service.offers, sudomimus_player.withholds):
        with pytest.raises(TypeError, match="no such claim: emial; the claims are email, firstName, lastName"):
            wrong("emial")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="no such claim: shoeSize"):
        sudomimus_player.shares(shoeSize="42")


def test_sharing_more(
    sudomimus_bridge: Bridge,
    sudomimus_service: LocalService,
    sudomimus_browser: ScriptedBrowser,
    sudomimus_player: ScriptedPlayer,
    sudomimus_virtual_time: VirtualClock,
) -> None:
    sudomimus_service.offers("email", "lastName")
    sudomimus_browser.completes(share=["email", "lastName"])
    assert sudomimus_bridge.share(sudomimus_bridge.login().access_token).completed
    assert sudomimus_player.shared == {"email": "robin@example.com", "lastName": "Marsh"}
    assert sudomimus_browser.ends == ["done"]


def test_script_of_the_library_ends_with_the_test(
    sudomimus_steam_library: StubLibrary, sudomimus_bridge: Bridge
) -> None:
    sudomimus_steam_library.script(ticket_result=[2, 1])
    with pytest.raises(SteamUnavailable):
        sudomimus_bridge.login()
    assert sudomimus_bridge.login()
    sudomimus_steam_library.script(ticket_result=None, running=False)
    with pytest.raises(SteamUnavailable):
        sudomimus_bridge.login()
    with pytest.raises(TypeError, match="the stub has no option ticket_color; its options are"):
        sudomimus_steam_library.script(ticket_color="red")
    sudomimus_steam_library.stop()
    assert [name for name in os.environ if name.startswith("STEAM_STUB_")] == []


def test_error_of_the_test_hides_the_error_of_the_kit() -> None:
    with pytest.raises(ZeroDivisionError), using_stub_steam() as steam:
        anyio.run(steam.get_auth_ticket_for_web_api, "sudomimus")
        raise ZeroDivisionError
    with pytest.raises(TicketLeftOpen, match="handle 1"), using_stub_steam() as steam:
        anyio.run(steam.get_auth_ticket_for_web_api, "sudomimus")


def test_browser_survives_a_game_that_ends_during_a_page(sudomimus_browser: ScriptedBrowser) -> None:
    sudomimus_browser.never_comes()
    *program, port, _token, _page = shlex.split(os.environ["BROWSER"])
    for said in (b"", b"\xff\xfe\n"):
        with socket.create_connection(("127.0.0.1", int(port)), timeout=PATIENCE) as connection:
            connection.sendall(said)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes with a reset
    shown = subprocess.run([*program, port, _token, "http://127.0.0.1:9/page"], timeout=PATIENCE, check=False)
    assert shown.returncode == 0
    assert sudomimus_browser.pages == ["http://127.0.0.1:9/page"]


def test_empty_script_is_refused(sudomimus_steam: StubSteam) -> None:
    with pytest.raises(ValueError, match="at least one"):
        sudomimus_steam.script()


# --- virtual time ------------------------------------------------------------------------------------------------------------


def test_an_errand_in_virtual_time(
    sudomimus_bridge: Bridge,
    sudomimus_service: LocalService,
    sudomimus_browser: ScriptedBrowser,
    sudomimus_virtual_time: VirtualClock,
    backend: str,
) -> None:
    sudomimus_service.requires("email")
    sudomimus_browser.completes(after=600)
    began = sudomimus_service._state.clock.now()
    result: LoginResult = sudomimus_virtual_time.run(sudomimus_bridge.login_async, backend=backend)
    assert result.claims["email"]["state"] == "GRANTED"
    assert 600 <= sudomimus_virtual_time.elapsed < 620
    assert 600 <= sudomimus_service._state.clock.now() - began < 660
    assert sudomimus_virtual_time.run(sudomimus_bridge.login_async, backend=backend)
    assert sudomimus_virtual_time.elapsed < 620


def test_late_player_finds_an_expired_page(
    sudomimus_bridge: Bridge,
    sudomimus_service: LocalService,
    sudomimus_browser: ScriptedBrowser,
    sudomimus_virtual_time: VirtualClock,
) -> None:
    sudomimus_service.requires("email")
    sudomimus_service.update({"errands.lifetime_seconds": 300})
    sudomimus_browser.completes(after=400)
    sudomimus_virtual_time.call_later(250, sudomimus_browser.completes)
    assert sudomimus_bridge.login()
    assert (len(sudomimus_browser.pages), sudomimus_browser.ends) == (2, ["done"])
    sudomimus_virtual_time.run(anyio.sleep, 200)
    assert sudomimus_browser.ends == ["done", "expired"]


def test_a_game_of_frames_in_virtual_time(
    sudomimus_bridge: Bridge, sudomimus_service: LocalService, sudomimus_virtual_time: VirtualClock
) -> None:
    sudomimus_service.too_busy(retry_after=300)
    login = sudomimus_bridge.start_login()
    while login.poll() is None:
        time.sleep(0.001)
    assert sudomimus_virtual_time.elapsed >= 300


def test_a_slow_answer_is_waited_for(
    sudomimus_bridge: Bridge,
    sudomimus_service: LocalService,
    sudomimus_steam: StubSteam,
    sudomimus_virtual_time: VirtualClock,
) -> None:
    sudomimus_service.slow(0.3)
    began = time.monotonic()
    sudomimus_bridge.login()
    assert time.monotonic() - began >= 0.3
    assert [call for call, _ in sudomimus_steam.calls] == ["open", "request", "cancel"]
    # Virtual time counts the loop's waits and not its work. On a busy machine, some of the 0.3 seconds are work.
    assert 0 < sudomimus_virtual_time.elapsed < 10


def test_idle_connection_does_not_delay_virtual_time(
    sudomimus_bridge: Bridge,
    sudomimus_steam: StubSteam,
    sudomimus_virtual_time: VirtualClock,
) -> None:
    sudomimus_steam.script(StubBehaviour(delay=15))
    in_real_time = threading.Timer(14, lambda: None)
    in_real_time.start()
    assert sudomimus_bridge.login()
    assert in_real_time.is_alive()
    in_real_time.cancel()
    assert sudomimus_virtual_time.elapsed >= 15


def test_a_thread_is_waited_for(sudomimus_virtual_time: VirtualClock, backend: str) -> None:
    async def main() -> str:
        with anyio.fail_after(PATIENCE):
            return await anyio.to_thread.run_sync(slow_work)

    def slow_work() -> str:
        time.sleep(0.05)
        return "done"

    assert sudomimus_virtual_time.run(main, backend=backend) == "done"
    assert sudomimus_virtual_time.elapsed < 5


def test_call_later_in_virtual_time(sudomimus_virtual_time: VirtualClock, backend: str) -> None:
    order: list[str] = []
    sudomimus_virtual_time.call_later(20, lambda: order.append("second"))
    sudomimus_virtual_time.call_later(10, lambda: order.append("first"))
    sudomimus_virtual_time.call_later(30, lambda: order.append("never"))
    sudomimus_virtual_time.run(anyio.sleep, 25, backend=backend)
    assert order == ["first", "second"]
