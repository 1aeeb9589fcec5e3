"""Specifies the door of a Ren'Py game, without Ren'Py: logins, shares and errors, and that a save holds nothing of them."""

from __future__ import annotations

import json
import pickle
import struct
import sys
import types
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._renpy.door import Door, the_door
from sudomimus_bridge._renpy.host import LateSteam, hosting_achievement, settings_of_game
from sudomimus_bridge._renpy.page import Thumbnails, plain_png, qr_code_png
from sudomimus_bridge._renpy.store import make_live
from sudomimus_bridge._renpy.texts import BUG, POSTPONED, SIGNED_IN_LATER, for_makers, for_player
from sudomimus_bridge._service.policy import Spacing
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.errors import ConfigurationError
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.steam._results import other_app
from sudomimus_bridge.testing._compiled_stub import open_tickets
from sudomimus_bridge.testing._scripted_browser import AutoBrowser, RecordingBrowser
from sudomimus_bridge.testing._scripted_service import TOKENS, ScriptedTransport, Step, scripted

from ..conftest import StubLog
from ..helpers import patience
from ..helpers.renpy_achievement import Scripted, ScriptedAchievement

NewDoor = Callable[..., Door]


@pytest.fixture
def new_door(stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> Iterator[NewDoor]:
    # On a busy machine the name may take long. Tests of a slow service set another time.
    monkeypatch.setattr("sudomimus_bridge._renpy.door.PROFILE_SECONDS", patience.PATIENCE)
    doors: list[Door] = []

    def make(**ports: Any) -> Door:
        doors.append(Door(**ports))
        return doors[-1]

    yield make
    for door in doors:
        door.close()
    assert open_tickets(stub_log.calls) == []


@pytest.fixture
def given(emulator: Emulator, stub_library: Any) -> dict[str, Any]:
    """The names in a game's store module, which include its settings."""
    return {
        **emulator.settings,
        "steam_library": stub_library,
        "renpy": "not a setting: the store module has other names, too",
    }


def until(door: Door, over: Callable[[], object]) -> None:
    """Tick as Ren'Py's main thread does, until the condition is true."""
    patience.until(over, door.tick)


def _told(door: Door) -> tuple[Any, ...]:
    return door.status, door.error, door.player


@pytest.mark.usefixtures("hurried")
def test_a_login_and_a_share(new_door: NewDoor, emulator: Emulator, given: dict[str, Any]) -> None:
    emulator.update({"claims.firstName": "REQUIRED", "claims.email": "OFF"})
    door = new_door(browser=AutoBrowser())
    assert (door.status, door.error, door.player, door.access_token()) == ("signed-out", None, None, None)
    door.login(given)
    assert door.status == "signing-in"
    door.login(given)  # does nothing while one runs
    until(door, lambda: door.status == "signed-in")
    assert door.player is not None and (door.player.name, door.player.email) == ("Robin", None)
    assert door.player.subject == emulator.player().subject
    assert (door.access_token() or "").count(".") == 2
    assert (door.errand_url(), door.seconds_left(), door.qr_code, door.busy) == (None, None, None, False)

    emulator.update({"claims.email": "OPTIONAL"})
    door.share()
    seen = set()

    def over() -> bool:
        seen.add(door.status)
        return door.shared is not None

    until(door, over)
    assert door.shared is True and "signing-in" not in seen
    assert door.player.email == "robin@example.com"
    before = door.player
    door.share()  # nothing is owed any more
    until(door, lambda: door.shared is not None)
    assert door.shared is True and door.player is before

    door.logout()
    assert _told(door) == ("signed-out", None, None)
    assert door.access_token() is None
    assert vars(door)["shared"] is None  # it was the previous player's


@pytest.mark.usefixtures("hurried")
def test_slow_profile_does_not_hold_up_the_sign_in(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The game goes on without the name, and has it once it comes."""
    monkeypatch.setattr("sudomimus_bridge._renpy.door.PROFILE_SECONDS", 0.01)
    emulator.update({"claims.firstName": "REQUIRED", "claims.email": "OFF"})
    emulator.fault(path="/session/userinfo", delay=2)
    door = new_door(browser=AutoBrowser())
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    assert not door.busy and door.player is not None and door.access_token()
    assert (door.player.subject, door.player.name) == (emulator.player().subject, None)
    until(door, lambda: door.player is not None and door.player.name == "Robin")
    assert door.status == "signed-in"


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("then", ["login", "logout", "close"])
def test_profile_that_nobody_waits_for_is_not_taken_for_another_player(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    monkeypatch.setattr("sudomimus_bridge._renpy.door.PROFILE_SECONDS", 0.01)
    emulator.update({"claims.firstName": "REQUIRED", "claims.email": "OFF"})
    emulator.fault(path="/session/userinfo", delay=30, times=1)
    door = new_door(browser=AutoBrowser())
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    until(door, lambda: emulator._faults.active[0].applied)
    late = door._late_profile
    assert late is not None
    getattr(door, then)(*([given] if then == "login" else []))
    assert door._late_profile is None
    until(door, lambda: late.ended)  # cancelled: the service would answer much later
    if then == "login":
        until(door, lambda: door.status == "signed-in" and door.player is not None and door.player.name == "Robin")


def test_game_prepares_once_and_a_wrong_setting_waits_for_the_login(
    new_door: NewDoor, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Bridge] = []
    monkeypatch.setattr(Bridge, "start_prepare", lambda bridge: started.append(bridge))
    door = new_door()
    for _ in range(2):
        door.prepare(given)
    assert (len(started), door.status, door.error) == (1, "signed-out", None)
    door = new_door()
    door.prepare({})
    assert (door.prepared, door.status, door.error) == (True, "signed-out", None)


def test_page_is_shown_while_the_login_waits_for_it(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any]
) -> None:
    emulator.update({"claims.firstName": "REQUIRED"})
    door = new_door(browser=RecordingBrowser(opens=False))
    changes = 0
    door.login(given)
    until(door, lambda: door.qr_code is not None)
    assert (door.status, door.browser_opened) == ("waiting-for-browser", False)
    assert door.errand_url() and "ernd_" in str(door.errand_url())
    left = door.seconds_left()
    assert left is not None and 1700 < left <= 1800
    door.tick()
    changes = sum(door.tick() for _ in range(20))
    assert changes == 0  # nothing has changed, so Ren'Py need not draw
    door.cancel()
    assert (door.status, door.errand_url(), door.qr_code, door.error) == ("signed-out", None, None, None)
    assert door.tick()

    door.login(given)
    until(door, lambda: door.errand_url() is not None)
    door.close()  # the game ends during the login
    assert door.status == "signed-out"


def test_failure_has_a_sentence_for_the_player(new_door: NewDoor, emulator: Emulator, given: dict[str, Any]) -> None:
    door, log = new_door(), list[str]()
    door.log = log.append
    for settings, missing in (({}, "define sudomimus.application"), ({"application": "my-game"}, "config.steam_appid")):
        door.login(settings)
        assert door.status == "failed" and "not set up correctly" in str(door.error)
        assert missing in log[-1] and missing not in str(door.error)
    emulator.update({"application.disabled": True})
    door.login(given)
    until(door, lambda: door.status == "failed")
    assert door.error and door.player is None
    door.share()
    assert (door.status, door.shared) == ("failed", False) and "Sign in first" in str(door.error)

    emulator.update({"application.disabled": False})
    door.login(given)
    assert _told(door) == ("signing-in", None, None)
    until(door, lambda: door.status == "signed-in")


def test_settings_and_files_are_named_in_the_log_only(
    new_door: NewDoor, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    door, log = new_door(), list[str]()
    door.log = log.append
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "libsteam_api.so").write_bytes(b"no library")
    monkeypatch.setattr("sudomimus_bridge.steam._library.loaded_paths", lambda: iter(()))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"steam_library": None}, "--steam-library"),
        ({"steam_library": "/nowhere/libsteam_api.so"}, "/nowhere/libsteam_api.so"),
        ({"steam_library": tmp_path / "elsewhere" / "libsteam_api.so"}, "LibraryNotLoaded"),
    ]
    for settings, known in wrong:
        door.login(given | settings)
        until(door, lambda: door.status == "failed")
        assert "Have Steam verify the game's files" in str(door.error)
        assert known in log[-1]
    monkeypatch.setenv("SUDOMIMUS_TIMEOUT", "soon")
    door.login(given)
    assert "not set up correctly" in str(door.error) and "SUDOMIMUS_TIMEOUT must be" in log[-1]
    error = other_app(480, 481)
    assert "not set up correctly" in for_player(error) and for_makers(error).startswith(error.sentence)
    assert len(log) == 4


def test_failed_share_keeps_the_player_signed_in(new_door: NewDoor, emulator: Emulator, given: dict[str, Any]) -> None:
    door = new_door()
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    emulator.fault("POST /errand 403 reason=AccountDisabled")
    door.share()
    until(door, lambda: door.shared is not None)
    assert (door.shared, door.status) == (False, "signed-in") and door.error and door.player is not None


@pytest.mark.usefixtures("hurried")
def test_share_renews_an_expired_token_first(new_door: NewDoor, emulator: Emulator, given: dict[str, Any]) -> None:
    door = new_door(browser=AutoBrowser())
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    emulator.advance(2 * 3600)
    door.share()
    until(door, lambda: door.shared is not None)
    assert (door.shared, door.error) == (True, None)


def test_bug_of_the_bridge_does_not_end_the_game(new_door: NewDoor, given: dict[str, Any]) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("eyJhbGciOiJSUzI1NiJ9.secret")

    door, log = new_door(service=broken), list[str]()
    door.log = log.append
    door.login(given)
    until(door, lambda: door.status == "failed")
    assert "Something went wrong" in str(door.error)
    assert "ZeroDivisionError" in log[-1] and "eyJ" not in log[-1]


@pytest.mark.parametrize(
    ("status", "body", "ends"),
    [
        (200, {**TOKENS, "claims": {}, "expiresIn": "@@"}, "signed-in"),
        (200, {**TOKENS, "claims": {"email": "@@"}}, "signed-in"),
        (403, {"reason": "@@"}, "failed"),
    ],
)
@pytest.mark.parametrize("value", ["9" * 400, "NaN", '"\\u001b[2J\\ud800"', "[" * 256 + "]" * 256])
def test_odd_answer_ends_in_a_player_or_a_sentence(
    status: int, body: dict[str, Any], ends: str, value: str, new_door: NewDoor, given: dict[str, Any]
) -> None:
    answer = json.dumps(body).replace('"@@"', value).encode()
    door = new_door(service=scripted(ScriptedTransport(SystemClock(), [Step(status, answer)])))
    log = list[str]()
    door.log = log.append
    door.login(given)
    until(door, lambda: not door.busy)
    assert door.status == ends
    assert bool(door.error) is (ends == "failed") and bool(door.player) is (ends == "signed-in")
    assert BUG not in (door.error, *log) and not any("\x1b" in text for text in (str(door.error), *log))


def test_environment_wins_over_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"application": "mine", "steam_app_id": 480, "timeout": None, "no_browser": True, "login": print}
    settings = settings_of_game(given)
    assert (settings.application, settings.steam_app_id, settings.no_browser) == ("mine", 480, True)
    monkeypatch.setenv("SUDOMIMUS_APPLICATION", "theirs")
    monkeypatch.setenv("SUDOMIMUS_NO_BROWSER", "0")
    settings = settings_of_game(given)
    assert (settings.application, settings.no_browser) == ("theirs", False)
    assert settings_of_game({}, hosted=True).steam_app_id is None  # Ren'Py's Steam knows it
    with pytest.raises(ConfigurationError, match=r"\nsudomimus\.steam_app_id must be a Steam app id"):
        settings_of_game({"steam_app_id": "many"})


def test_ticket_comes_through_ren_py_if_ren_py_runs_steam(
    new_door: NewDoor, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hosting_achievement() is None
    monkeypatch.setitem(sys.modules, "store.achievement", types.SimpleNamespace(steam=None, steamapi=None))
    assert hosting_achievement() is None
    achievement = ScriptedAchievement([Scripted(drains=2)])
    monkeypatch.setitem(sys.modules, "store.achievement", achievement)
    door = new_door()
    door.login(given)
    until(door, lambda: achievement.steam.periodic() or door.status == "signed-in")
    assert [call for call, _ in achievement.calls] == ["request", "cancel"]
    LateSteam(achievement).drop()  # does nothing before its first use


def test_save_holds_no_part_of_a_sign_in(new_door: NewDoor, given: dict[str, Any]) -> None:
    door = new_door()
    door.login(given)
    until(door, lambda: door.status == "signed-in")
    assert pickle.loads(pickle.dumps(door)) is the_door()
    assert (door.access_token() or "").encode()[:20] not in pickle.dumps([door, door.player, door.status])
    assert pickle.loads(pickle.dumps(door.player)) == door.player


def test_store_module_looks_its_live_names_up() -> None:
    class StoreModule:
        """Like Ren'Py's store module: setting an attribute writes into the dictionary that Ren'Py saves."""

        def __setattr__(self, key: str, value: Any) -> None:
            self.__dict__[key] = value

    module: Any = StoreModule()
    make_live(module)
    make_live(module)
    assert (module.status, module.error, module.player) == ("signed-out", None, None)
    assert vars(module) == {}
    module.application = "my-game"
    assert vars(module) == {"application": "my-game"}
    with pytest.raises(AttributeError, match="cannot be set"):
        module.status = "signed-in"


def test_thumbnail_never_shows_a_page(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator.update({"claims.firstName": "REQUIRED"})
    door = new_door(browser=RecordingBrowser())
    interface: Any = types.SimpleNamespace(screenshot=b"a scene")
    interface.lose_screenshot = lambda: setattr(interface, "screenshot", None)
    config = types.SimpleNamespace(thumbnail_width=256, thumbnail_height=144)
    game = types.SimpleNamespace(interface=interface)
    monkeypatch.setitem(sys.modules, "renpy", types.SimpleNamespace(game=game, config=config))
    thumbnails = Thumbnails(door.errand_url)
    thumbnails.look()
    assert interface.screenshot == b"a scene"
    door.login(given)
    until(door, lambda: door.errand_url() is not None)
    thumbnails.look()
    assert interface.screenshot == plain_png(256, 144)
    interface.screenshot = b"the page"  # the game menu was opened
    thumbnails.look()
    assert interface.screenshot == plain_png(256, 144)
    door.cancel()
    thumbnails.look()
    assert interface.screenshot is None
    interface.screenshot = b"another scene"
    thumbnails.look()
    assert interface.screenshot == b"another scene"


def test_pictures_are_png_of_the_right_size() -> None:
    for pixels in (10, 240, 360):
        png = qr_code_png(Secret("https://via.sudomimus.com/errand?key=ernd_" + "x" * 32), pixels)
        width, height = struct.unpack(">II", png[16:24])
        assert width == height and (width <= pixels or pixels == 10)
    png = plain_png(7, 3)
    assert struct.unpack(">II", png[16:24]) == (7, 3)
    start = png.index(b"IDAT") + 4
    assert zlib.decompress(png[start:-16]) == (b"\0" + bytes([24]) * 7) * 3


# --- playing offline while the service is busy ---


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a patient login try again within a second instead of a minute."""
    monkeypatch.setattr("sudomimus_bridge._login.attempts.PATIENT", Spacing(0.2, 0.4, certain=0.5))
    monkeypatch.setattr("sudomimus_bridge._login.attempts.MAX_ATTEMPTS", 2)


def told(door: Door) -> str:
    return door.status


def busy_door(new_door: NewDoor, emulator: Emulator, given: dict[str, Any]) -> Door:
    """A door whose login has failed, because the service is busy."""
    emulator.fault("POST /direct-issue/steam-ticket 503")
    door = new_door()
    door.login(given)
    until(door, lambda: door.status == "failed")
    return door


@pytest.mark.usefixtures("soon")
def test_player_who_plays_offline_after_a_busy_service_is_signed_in_later(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any]
) -> None:
    door = busy_door(new_door, emulator, given)
    door.play_offline(given)
    assert (door.status, door.error, door.busy) == ("postponed", None, False)
    assert door.take_notice() == POSTPONED and door.take_notice() is None
    asked = len(emulator.requests)
    until(door, lambda: len(emulator.requests) > asked + 3)
    assert door.status == "postponed"
    emulator.clear_faults()
    until(door, lambda: door.status == "signed-in")
    assert door.take_notice() == SIGNED_IN_LATER and door.player is not None and door.access_token()


@pytest.mark.usefixtures("soon")
def test_player_who_plays_offline_while_the_login_tries_again_is_signed_in_later(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any]
) -> None:
    emulator.fault("POST /direct-issue/steam-ticket 429 retry-after=3600")
    door = new_door()
    door.login({**given, "timeout": 7200})
    until(door, lambda: door._unusable)
    assert told(door) == "signing-in"
    emulator.clear_faults()
    door.play_offline({**given, "timeout": 7200})
    assert told(door) == "postponed"
    until(door, lambda: told(door) == "signed-in")


def test_player_who_plays_offline_for_another_reason_stays_signed_out(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any]
) -> None:
    door = new_door()
    door.login(given)
    door.play_offline(given)
    assert (door.status, door.take_notice()) == ("signed-out", None)
    emulator.fault("POST /direct-issue/steam-ticket 403 reason=AccountDisabled")
    door.login(given)
    until(door, lambda: door.status == "failed")
    door.play_offline(given)
    assert (door.status, door.take_notice()) == ("failed", None)


@pytest.mark.usefixtures("soon")
def test_postponed_login_that_needs_a_page_ends_without_opening_one(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any]
) -> None:
    emulator.update({"claims.email": "REQUIRED"})
    door = busy_door(new_door, emulator, given)
    door.play_offline(given)
    emulator.clear_faults()
    until(door, lambda: door.status == "failed")
    assert "browser" in str(door.error) and door.errand_url() is None


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("ending", ["cancel", "logout", "login", "close"])
def test_postponed_login_ends_if_the_player_does_something_else(
    new_door: NewDoor, emulator: Emulator, given: dict[str, Any], ending: str
) -> None:
    door = busy_door(new_door, emulator, given)
    door.play_offline(given)
    postponed = door._postponed
    assert postponed is not None
    getattr(door, ending)(*([given] if ending == "login" else []))
    assert postponed.cancel_called
    assert door.status == ("signing-in" if ending == "login" else "signed-out")
