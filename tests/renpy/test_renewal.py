"""Specifies the background work of a Ren'Py game's door: it renews the access token and ends sessions."""

from __future__ import annotations

import base64
import gc
import itertools
import json
import sys
import threading
import time
from typing import Any

import pytest

from sudomimus_bridge._renpy.background import AGAIN_SECONDS, BEFORE_SECONDS, Renewal
from sudomimus_bridge._values.clock import Uptime, uptime
from sudomimus_bridge._values.errors import BridgeError, LoginDenied
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import open_tickets
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser

from ..conftest import StubLog
from ..helpers.renpy_achievement import ScriptedAchievement
from .test_door import NewDoor, given, new_door, until

__all__ = ["given", "new_door"]  # fixtures


class Later:
    """The machine's uptime, which a test can advance."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        monkeypatch.setattr("sudomimus_bridge._renpy.background.uptime", self)
        monkeypatch.setattr("sudomimus_bridge._values.clock.uptime", self)

    def __call__(self) -> Uptime:
        return Uptime(uptime().boot, uptime().seconds + self.seconds)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(monkeypatch)


def failed(door: Any) -> int:
    """How many renewals in a row have failed."""
    due = door._renewal._due
    return due.failures if due is not None else 0


def test_token_is_renewed_before_its_end_without_a_page(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], later: Later
) -> None:
    door = new_door(browser=(browser := RecordingBrowser()))
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    first = door.access_token()
    later.seconds = 3600 - BEFORE_SECONDS + 1
    until(door, lambda: door.access_token() != first)
    second, player = door.access_token(), door.player
    assert player is not None and player.subject
    emulator.update({"claims.email": "REQUIRED"})
    later.seconds *= 2
    until(door, lambda: failed(door))
    assert emulator.requests[-1].status == 403
    assert (door.access_token(), door.status, browser.pages) == (second, "signed-in", [])


def test_failed_renewal_is_tried_again(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], later: Later
) -> None:
    door = new_door()
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    first = door.access_token()
    emulator.fault("POST /direct-issue/* 403 reason=Layer2Denied times=2")
    later.seconds = 3600 - BEFORE_SECONDS + 1
    for failures in (1, 2):
        until(door, lambda: failed(door) == failures)  # noqa: B023 - over before the next one
        assert door.access_token() == first
        later.seconds += AGAIN_SECONDS[0] * 2 ** (failures - 1) + 1
    until(door, lambda: door.access_token() != first)
    assert failed(door) == 0


def test_token_is_renewed_while_a_page_waits_for_the_player(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], later: Later
) -> None:
    door = new_door(browser=RecordingBrowser())
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    first = door.access_token()
    emulator.update({"claims.email": "OPTIONAL"})
    door.share()
    until(door, lambda: door.errand_url() is not None)
    later.seconds = 3600 - BEFORE_SECONDS + 1
    until(door, lambda: door.access_token() != first)
    assert (door.status, door.busy) == ("waiting-for-browser", True)


def test_late_renewal_does_not_replace_the_token_of_a_newer_login(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], later: Later
) -> None:
    door = new_door()
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    emulator.fault("POST /direct-issue/* delay=0.4 times=1")
    later.seconds = 3600 - BEFORE_SECONDS + 1
    door.tick()
    until(door, lambda: any(thread.name == "sudomimus-bridge login" for thread in threading.enumerate()))
    time.sleep(0.1)  # the renewal is running now
    door._share_ended(_Completed())  # type: ignore[arg-type]
    until(door, lambda: door.shared is True)
    newest = door.access_token()
    until(door, lambda: emulator.requests[-1].status and len(emulator.sessions) == 3)
    for _ in range(20):
        door.tick()
        time.sleep(0.005)
    assert door.access_token() == newest


class _Completed:
    completed = True


# --- the time of a renewal --------------------------------------------------------------------------------------------


def token(lifetime: float | None) -> Secret:
    body = {} if lifetime is None else {"iat": 1000, "exp": 1000 + lifetime}
    return Secret(f"e30.{base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip('=')}.x")


class _Asked:
    """A bridge whose session records each request, and gives the test's answer."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[float] = []
        self._answer = answer

    def session(self, *, stay_signed_in: bool) -> _Asked:
        assert stay_signed_in is False
        return self

    def start_access_token(self, valid_for: float, *, quietly: bool) -> _Asked:
        assert quietly
        self.asked.append(valid_for)
        return self

    def poll(self) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(("lifetime", "due", "valid_for"), [(3600, 3300, 300), (700, 400, 300), (400, 200, 200)])
def test_renewal_asks_for_longer_than_the_token_lasts(
    later: Later, lifetime: float, due: float, valid_for: float
) -> None:
    bridge: Any = _Asked(token(lifetime).reveal())
    renewal = Renewal()
    renewal.of(token(lifetime))
    later.seconds = due - 2
    assert renewal.step(bridge) is None and bridge.asked == []
    later.seconds = due + 1
    assert renewal.step(bridge) is None and bridge.asked == [valid_for]
    assert lifetime - due <= valid_for
    assert renewal.step(bridge) == token(lifetime)


def test_token_without_a_lifetime_is_not_renewed(later: Later) -> None:
    bridge: Any = _Asked("new")
    renewal = Renewal()
    renewal.of(token(None))
    later.seconds = 1e6
    assert renewal.step(bridge) is None and renewal.step(bridge) is None
    assert bridge.asked == []


@pytest.mark.parametrize("error", [LoginDenied("no"), ZeroDivisionError("eyJhbGciOiJSUzI1NiJ9.secret")])
def test_refused_renewals_become_rarer(later: Later, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    bridge: Any = _Asked(error)
    renewal = Renewal()
    renewal.of(token(3600))
    for hour in range(24):
        for _ in range(3600):
            later.seconds += 1
            renewal.step(bridge)
        assert hour or len(bridge.asked) <= 3
    assert 40 < len(bridge.asked) < 60
    assert "eyJ" not in caplog.text


# --- signing out ----------------------------------------------------------------------------------------------------------


def test_sessions_listeners_and_threads_end_with_each_sign_out(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The player signs in and out six times."""
    emulator.update({"budgets.attempts_per_application": 10**6})
    numbers = itertools.count()
    achievement = ScriptedAchievement(ticket=lambda _identity: f"ticket {next(numbers)}".encode())
    monkeypatch.setitem(sys.modules, "store.achievement", achievement)
    door, before = new_door(), len(_steam_threads())
    for _ in range(6):
        door.login(given)
        until(door, lambda: achievement.steam.periodic() or door.status == "signed-in")
        door.logout()
    until(door, lambda: all(session.revoked for session in emulator.sessions) and not door._signing_out)
    assert len(emulator.sessions) == 6
    assert {name: len(handlers) for name, handlers in achievement.steam.callback_handlers.items() if handlers} == {}
    door.close()
    until(door, lambda: gc.collect() is not None and len(_steam_threads()) <= before)
    assert [call for call, _ in achievement.calls] == ["request", "cancel"] * 6


def test_end_of_the_game_finishes_a_renewal_and_a_sign_out(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], later: Later, stub_log: StubLog
) -> None:
    door = new_door()
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    later.seconds = 3600 - BEFORE_SECONDS + 1
    door.tick()
    door.logout()
    door.login(given)
    door.close()
    assert open_tickets(stub_log.calls) == []
    _, renewed, *_ = emulator.sessions
    assert renewed.revoked


def test_game_goes_on_if_no_thread_can_be_started(
    new_door: NewDoor, given: dict[str, Any], later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The login fails with a sentence, and raises nothing in the game."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    door = new_door()
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    monkeypatch.setattr(threading.Thread, "start", refuse)
    later.seconds = 3600
    until(door, lambda: failed(door))
    assert door.status == "signed-in"
    door.logout()
    door.login(given)
    until(door, lambda: door.status == "failed")
    assert "too busy" in str(door.error)
    with pytest.raises(BridgeError, match="too busy"):
        door._bridge_for(given).login()


def _steam_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sudomimus-bridge steam"]
