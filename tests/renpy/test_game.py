"""Specifies `sample_game/renpy` in real Ren'Pys: screens, saves, rollback, reloads, and quitting in the middle of a login.

SUDOMIMUS_TEST_SCREENSHOTS names a folder for pictures of every screen.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge._renpy.installer import install
from sudomimus_bridge._renpy.page import plain_png
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing._compiled_stub import open_tickets

from ..conftest import StubLog
from ..helpers import renpy_achievement
from ..helpers.patience import PATIENCE, until
from ..helpers.renpy_helpers import VERSIONS, Project, renpy, screen

pytestmark = pytest.mark.once

_SAMPLE = Path(__file__).parents[2] / "sample_game" / "renpy"
_VISITOR = Path(__file__).with_name("visitor.py")
_SCREENSHOTS = os.environ.get("SUDOMIMUS_TEST_SCREENSHOTS")  # read before conftest clears it away
NewProject = Callable[..., Project]


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with screen() as name:
        yield name


@pytest.fixture(params=VERSIONS)
def program(request: pytest.FixtureRequest) -> list[str]:
    """The command line of each real Ren'Py that this machine has."""
    return renpy(request.param)


@pytest.fixture
def project(
    program: list[str], display: str, emulator: Emulator, stub_library: Path, stub_log: StubLog, tmp_path: Path
) -> NewProject:
    """A project with the bridge installed, on the compiled stub and the local service, which asks for a first name."""
    emulator.update({"claims.firstName": "REQUIRED", "claims.email": "OPTIONAL"})
    environment = {
        "DISPLAY": display,
        "BROWSER": f"{sys.executable} {_VISITOR} %s",
        "SUDOMIMUS_APPLICATION": emulator.urls["application"],
        **{f"SUDOMIMUS_{name.upper()}_URL": emulator.urls[name] for name in ("native", "session", "via")},
        "SUDOMIMUS_STEAM_LIBRARY": str(stub_library),
        "STEAM_STUB_TICKET_DELAY_MS": "600",
        "SUDOMIMUS_TEST_SCREENSHOTS": _SCREENSHOTS or "",
    }

    def make(source: Path | None = _SAMPLE, files: dict[str, str] | None = None, **more: str) -> Project:
        folder = tmp_path / "project"
        if source is not None:
            shutil.copytree(source, folder)
        for name, text in (files or {}).items():
            path = folder / "game" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        install(folder)
        return Project(program, folder, environment | more)

    return make


def test_sample_has_no_complaint_of_lint(project: NewProject) -> None:
    said = project().lint()
    assert "Statistics:" in said
    assert "The game contains 3 menus" in said
    assert "game/" not in said  # each complaint about the game names a file of it


def test_sample_is_played_to_its_end(project: NewProject, emulator: Emulator, stub_log: StubLog) -> None:
    """The bridge starts Steam, which is the compiled stub."""
    emulator.fault("POST /direct-issue/steam-ticket 403 reason=Layer2Denied times=1")
    game = project()
    told = game.play("night")

    assert told["busy"]["words"].count("Please wait") == 1  # the dots, as a screen reader speaks them
    assert "•" not in told["busy"]["words"]
    assert told["refused"]["status"] == "failed"
    assert told["page"]["status"] == "waiting-for-browser"
    assert "A page has opened in your browser" in told["page"]["words"]
    assert told["cancelled"] == {"step": "cancelled", "status": "signed-out", "url": None}
    assert "You write Robin, and the ink is dry" in told["greeted"]["words"]
    assert told["rolled back"]["status"] == told["loaded"]["status"] == "signed-in"
    assert "very small letters: robin@example.com" in told["shared"]["words"]
    assert told["quitting"] == {"step": "quitting", "busy": True, "status": "signing-in"}

    nothing_open(stub_log)
    secrets = [told["page"]["url"], told["greeted"]["token"], told["shared"]["token"]]
    _no_secret_in_saves(game.saves, secrets, 4)
    with zipfile.ZipFile(next(game.saves.glob("1-2-*.save"))) as save:
        assert save.read("screenshot.png") == plain_png(256, 144)
    with zipfile.ZipFile(next(game.saves.glob("1-1-*.save"))) as save:
        assert save.read("screenshot.png") != plain_png(256, 144)


_STAND_IN = """
init -1498 python in achievement:
    import renpy_achievement
    # The binding outlives a reload, because a process loads a library once. 00steam.rpy defines its own names again.
    if not hasattr(renpy_achievement, "running"):
        renpy_achievement.running = renpy_achievement.CompiledAchievement({library!r})
    import store._renpysteam as steam
    steam.steamapi = steamapi = renpy_achievement.running.steamapi
    steamapi.generate_callbacks = renpy_achievement.running._callbacks
    if hasattr(steam, "set_timeline_game_mode"):  # from Ren'Py 8.3 on; the stand-in has no timeline
        config.automatic_steam_timeline = False
        steam.clear_timeline_state_description = steam.set_timeline_state_description = lambda *_: None
    config.periodic_callbacks.append(steam.periodic)
"""


def test_login_outlives_reloads_if_ren_py_runs_steam(
    project: NewProject, stub_library: Path, stub_log: StubLog, tmp_path: Path
) -> None:
    """The stand-ins have `achievement.steam` and `achievement.steamapi`, and Ren'Py drains them on its main thread."""
    source = Path(renpy_achievement.__file__).read_text(encoding="utf-8")
    game = project(
        files={"renpy_achievement.py": source, "stand_in.rpy": _STAND_IN.format(library=str(stub_library))},
        SUDOMIMUS_STEAM_LIBRARY=str(tmp_path / "none"),  # the bridge itself cannot start Steam
        SteamAppId="480",
    )
    told = game.play("reload_amid_the_ticket", "reload_at_the_page", "night_after_reload")

    assert told["amid the ticket"]["status"] == "signing-in"
    assert told["before"]["url"]
    assert told["after"] == told["before"] | {"step": "after"}
    assert "You write Robin, and the ink is dry" in told["greeted"]["words"]
    assert told["quitting"]["busy"]
    nothing_open(stub_log)
    assert stub_log.story().count("shutdown") == 0  # only Ren'Py may shut its Steam down
    _no_secret_in_saves(game.saves, [told["before"]["url"], told["greeted"]["token"]], 0)


_PLAIN = """
define config.name = "plain"
define config.steam_appid = 480
init -2 python:
    config.screen_width = 1920
    config.screen_height = 1080
label main_menu:
    return
label start:
    call screen sudomimus_login
    "offline: [_return]"
    call screen sudomimus_share
    "shared: [_return]"
    return
"""


def test_game_without_styles_of_its_own(project: NewProject, stub_log: StubLog) -> None:
    """At 1920 by 1080, without a browser; the app id is `config.steam_appid`."""
    told = project(None, {"script.rpy": _PLAIN}, SUDOMIMUS_NO_BROWSER="1").play("plain")
    assert "Open this page in a browser" in told["page"]["words"]
    assert told["page"]["certificates"]  # certifi's certificates, although certifi cannot find its file here
    by_the_way, plainly = told["page"]["heights"]
    assert by_the_way < plainly
    assert told["another page"]["copied"] is False  # the clipboard holds the address of the page before
    assert told["offline"] == {"step": "offline", "status": "signed-out", "player": "None"}
    assert "Sign in first" in told["not shared"]["words"]
    nothing_open(stub_log)


def test_game_that_is_higher_than_wide(project: NewProject) -> None:
    """The QR code is above the texts, which have the whole width."""
    script = _PLAIN.replace("1920", "720").replace("1080", "1280")
    told = project(None, {"script.rpy": script}).play("portrait")
    done, cancel, copy = told["page"]["buttons"]
    assert done[1] == cancel[1] > copy[1]
    assert max(x for x, *_ in (done, copy)) < 720 / 4


_UNPLUGGED = {
    "SUDOMIMUS_NATIVE_URL": "http://127.0.0.1:9",
    "SUDOMIMUS_TIMEOUT": "10",  # the timeout of the login; a postponed login has none
    "STEAM_STUB_TICKET_DELAY_MS": "1",  # so that the timeout expires while the login waits for the service, not for Steam
}


@pytest.mark.parametrize(
    ("name", "lacking", "sentence"),
    [
        ("no Steam", {"STEAM_STUB_RUNNING": "0"}, "Steam is not running"),
        ("no library", {"SUDOMIMUS_STEAM_LIBRARY": "/nowhere/libsteam_api.so"}, "that connects this game to Steam"),
        ("no network", _UNPLUGGED, "sign-in service"),
    ],
)
def test_game_that_cannot_sign_in_is_played_offline(
    project: NewProject, stub_log: StubLog, name: str, lacking: dict[str, str], sentence: str
) -> None:
    game = project(None, {"script.rpy": _PLAIN}, SUDOMIMUS_TEST_STRANDED=name, **lacking)
    told = game.play("stranded")
    log = (game.folder / "log.txt").read_text(encoding="utf-8")
    assert log.count("sudomimus: ") == 2
    assert name != "no library" or "There is no Steam library at /nowhere/libsteam_api.so" in log
    for attempt in ("first", "again"):
        assert sentence in told[attempt]["error"]
        assert told[attempt]["error"].split(". ")[0] in told[attempt]["words"]
    status = "postponed" if name == "no network" else "failed"
    assert told["offline"] == {"step": "offline", "status": status, "token": None}
    assert open_tickets(stub_log.calls) == []


def test_busy_service_signs_the_player_in_later(
    project: NewProject, emulator: Emulator, stub_log: StubLog, tmp_path: Path
) -> None:
    """The service refuses the first attempts, as on a launch day. A second stands for each minute of a patient wait."""
    emulator.put_player(steam_id=emulator.config.default_player, first_name="Robin", grants={"firstName": "GRANTED"})
    fault = emulator.fault(path="/direct-issue/*", status=429)
    game = project()

    def watch() -> None:
        until(lambda: refused(emulator))
        (tmp_path / "refused").touch()
        until(lambda: refused(emulator) > REFUSALS)
        emulator.clear_faults()

    watching = threading.Thread(target=watch)
    watching.start()
    told = game.play("busy_night")
    watching.join()

    assert told["busy"]["status"] == "signing-in"
    assert told["offline"]["status"] == "postponed" and told["offline"]["player"] == "None"
    assert told["later"]["name"] == "Robin"
    assert "Robin has the light" in told["greeted"]["words"]
    assert refused(emulator) > REFUSALS and fault.times is None
    nothing_open(stub_log)
    _no_secret_in_saves(game.saves, [told["later"]["token"]], 0)


REFUSALS = 4


def refused(emulator: Emulator) -> int:
    return sum(request.status == 429 for request in emulator.requests)


def test_closed_window_cancels_the_login_at_the_page(project: NewProject, stub_log: StubLog) -> None:
    told = project(None, {"script.rpy": _PLAIN}, SUDOMIMUS_NO_BROWSER="1").play("at_the_page")
    assert told["page"]["status"] == "waiting-for-browser"
    nothing_open(stub_log)


def test_sample_says_that_it_needs_a_ren_py(tmp_path: Path) -> None:
    program = [sys.executable, str(_SAMPLE / "run.py")]
    done = subprocess.run(
        program, env=os.environ | {"RENPY": str(tmp_path)}, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"There is no {'renpy.exe' if sys.platform == 'win32' else 'renpy.sh'} in {tmp_path}, which RENPY names."
    )


def nothing_open(stub_log: StubLog) -> None:
    story = stub_log.story()
    assert story.count("request") == story.count("cancel") > 0
    assert open_tickets(stub_log.calls) == []
    assert "misuse" not in story


def _no_secret_in_saves(saves: Path, secrets: list[Any], at_least: int) -> None:
    """Fail if a file that Ren'Py wrote holds a part of a token or a page's key."""
    files = [path for path in saves.rglob("*") if path.is_file()]
    assert len([path for path in files if path.suffix == ".save"]) >= at_least
    needles = [b"ernd_", b"eyJ"]
    for secret in secrets:
        needles += [part.encode() for part in secret.replace("=", ".").split(".") if len(part) > 20]
    for path in files:
        contents = [path.read_bytes()]
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as save:
                contents += [save.read(name) for name in save.namelist()]
        for content in contents:
            assert not [needle for needle in needles if needle in content], path.name
