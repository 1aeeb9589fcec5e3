"""Specifies how the player's browser is chosen and started: its arguments, its environment, and no wait for its end."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest

from sudomimus_bridge._browser.system import SystemBrowser, available_browser, clean_environment
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.secret import Secret

from ..helpers.patience import PATIENCE, kept

pytestmark = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="Windows and macOS open the page themselves"
)

URL = "https://via.sudomimus.com/errand?key=ernd_a&b=$(touch x);c='\"*#%s"

_SCRIPT = """#!{python}
import json, os, sys
open({told!r}, "a").write(json.dumps([{name!r}, sys.argv[1:], dict(os.environ), os.getsid(0) == os.getpid()]) + "\\n")
{then}
"""

Told = list[tuple[str, list[str], dict[str, str], bool]]


class Browsers:
    """Scripts that replace browsers, and record how they were started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._told = folder / "told.jsonl"

    def make(self, name: str, then: str = "") -> Path:
        path = self.folder / name
        path.write_text(_SCRIPT.format(python=sys.executable, told=str(self._told), name=name, then=then))
        path.chmod(0o755)
        return path

    def told(self) -> Told:
        if not self._told.exists():
            return []
        return [tuple(json.loads(line)) for line in self._told.read_text().splitlines()]

    def only(self) -> tuple[str, list[str], dict[str, str], bool]:
        """Wait for the record of the one browser, and return it."""
        for _ in range(1000):
            if told := self.told():
                assert len(told) == 1
                return told[0]
            time.sleep(0.01)
        pytest.fail("no browser was started")


@pytest.fixture
def browsers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Browsers:
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # forget the browsers that this process has found
    monkeypatch.setattr(webbrowser, "_browsers", {})
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return Browsers(tmp_path)


def open_page(url: str = URL) -> tuple[bool, float]:
    """Open the page and return the result and the seconds that it took."""

    async def run() -> bool:
        return await SystemBrowser(SystemClock()).open(Secret(url))

    began = time.monotonic()
    return anyio.run(run), time.monotonic() - began


def test_url_is_one_argument_and_no_shell_sees_it(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", str(browsers.make("mine")))
    assert open_page()[0]
    name, arguments, _, own_session = browsers.only()
    assert (name, arguments) == ("mine", [URL])
    assert own_session, "a Ctrl-C in the game's terminal would reach it"
    assert not (browsers.folder / "x").exists()


def test_arguments_before_and_around_the_url(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", f"{browsers.make('mine')} --new --page=%s 'two words'")
    assert open_page()[0]
    assert browsers.only()[1] == ["--new", f"--page={URL}", "two words"]


def test_browser_gets_no_variables_of_a_packager(monkeypatch: pytest.MonkeyPatch) -> None:
    """The browser must not inherit the variables of PyInstaller, Nuitka and an AppImage."""
    monkeypatch.setattr(sys, "_MEIPASS", "/tmp/_MEIa", raising=False)
    given = {
        "_PYI_ARCHIVE_FILE": "/games/game",
        "_PYI_PARENT_PROCESS_LEVEL": "1",
        "_MEIPASS2": "/tmp/_MEIa",
        "NUITKA_ONEFILE_PARENT": "123",
        "NUITKA_ONEFILE_DIRECTORY": "/tmp/onefile",
        "APPDIR": "/tmp/.mount_game",
        "SSL_CERT_FILE": "/tmp/_MEIa/certifi/cacert.pem",
        "TCL_LIBRARY": "/tmp/_MEIa/_tcl_data",
        "GTK_PATH": "/tmp/.mount_game/usr/lib/gtk",
        "QT_PLUGIN_PATH": "/tmp/onefile/./qt:/tmp/_MEIa",
        "FONTS": "file:///tmp/_MEIa/fonts",
        "PATH": "/tmp/.mount_game/usr/bin:/usr/bin:/tmp/_MEIa:/bin",
        "XDG_DATA_DIRS": "/tmp/_MEIab:/usr/share",
        "HOME": "/home/robin",
        "EMPTY": "",
        "LD_LIBRARY_PATH": "/tmp/_MEIa",
        "LD_LIBRARY_PATH_ORIG": "/opt/lib",
    }
    assert clean_environment(given) == {
        "PATH": "/usr/bin:/bin",
        "XDG_DATA_DIRS": "/tmp/_MEIab:/usr/share",
        "HOME": "/home/robin",
        "EMPTY": "",
        "LD_LIBRARY_PATH": "/opt/lib",
    }


@pytest.mark.parametrize(
    ("original", "steams", "restored"),
    [
        (None, None, None),
        ("/opt/lib", None, "/opt/lib"),
        ("/steam/runtime", "/usr/lib/mine", "/usr/lib/mine"),
        ("/steam/runtime", "", None),
        ("/tmp/app/lib:/opt/lib", None, "/opt/lib"),
        ("/tmp/app/lib", None, None),
        ("", None, None),
    ],
)
def test_library_path_is_the_original_one(original: str | None, steams: str | None, restored: str | None) -> None:
    given = {
        "APPDIR": "/tmp/app",
        "LD_LIBRARY_PATH": "/x",
        "LD_LIBRARY_PATH_ORIG": original,
        "SYSTEM_LD_LIBRARY_PATH": steams,
    }
    cleaned = clean_environment({name: value for name, value in given.items() if value is not None})
    assert cleaned.get("LD_LIBRARY_PATH") == restored and "LD_LIBRARY_PATH_ORIG" not in cleaned


def test_environment_of_a_browser(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", f"{browsers.make('mine')} %s")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/steam/runtime")
    monkeypatch.setenv("SYSTEM_LD_LIBRARY_PATH", "/usr/lib/mine")
    assert open_page()[0]
    environ = browsers.only()[2]
    assert "LD_PRELOAD" not in environ and environ["LD_LIBRARY_PATH"] == "/usr/lib/mine"
    assert os.environ["LD_LIBRARY_PATH"] == "/steam/runtime"


def test_clean_environment_has_no_loader_variables_of_steam() -> None:
    dirty = {"LD_PRELOAD": "a.so", "LD_LIBRARY_PATH": "/a", "HOME": "/h", "SYSTEM_LD_LIBRARY_PATH": ""}
    assert clean_environment(dirty) == {"HOME": "/h", "SYSTEM_LD_LIBRARY_PATH": ""}
    assert clean_environment({**dirty, "SYSTEM_LD_LIBRARY_PATH": "/b"})["LD_LIBRARY_PATH"] == "/b"


@pytest.mark.parametrize(
    "name", ["ACCESS_KEY_SECRET", "ACCESS_TOKEN", "CLIENT_KEY", "EXPOSURE_KEY", "HIDDEN_KEY", "REFRESH_TOKEN"]
)
def test_browser_gets_no_credential(name: str) -> None:
    assert clean_environment({f"SUDOMIMUS_{name}": "secret", "HOME": "/h"}) == {"HOME": "/h"}


@pytest.mark.parametrize("first", ["missing", "missing %s", "fails", "fails %s", "'unbalanced", " "])
def test_second_browser_is_tried_if_the_first_does_not_start(
    browsers: Browsers, monkeypatch: pytest.MonkeyPatch, first: str
) -> None:
    browsers.make("fails", "sys.exit(1)")
    browsers.make("second")
    monkeypatch.setenv(
        "BROWSER", os.pathsep.join([first.replace("fails", str(browsers.folder / "fails")), "second %s"])
    )
    assert open_page()[0]
    assert [name for name, *_ in browsers.told()][-1] == "second"


def test_bridge_does_not_wait_for_the_browser(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", str(browsers.make("slow", "import time; time.sleep(20)")))
    opened, seconds = open_page()
    assert opened and kept(seconds, 3)


@pytest.mark.parametrize("hangs", ["_controllers", "_spawn"])
def test_player_is_shown_the_address_if_a_browser_is_not_found_or_started_in_ten_seconds(
    hangs: str, browsers: Browsers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits, never = list[float](), threading.Event()

    class Impatient(SystemClock):
        def move_on_after(self, seconds: float) -> anyio.CancelScope:
            limits.append(seconds)
            hung = len(limits) == (1 if hangs == "_controllers" else 2)
            return super().move_on_after(0.05 if hung else PATIENCE)

    async def run() -> bool:
        return await SystemBrowser(Impatient()).open(Secret(URL))

    monkeypatch.setenv("BROWSER", f"{browsers.make('mine')} %s")
    monkeypatch.setattr(f"sudomimus_bridge._browser.system.{hangs}", lambda *_: never.wait())
    try:
        assert not anyio.run(run)
    finally:
        never.set()
    assert limits == [10.0] * (1 if hangs == "_controllers" else 2)
    assert "found no browser within 10 seconds" in caplog.text and browsers.told() == []


@pytest.mark.parametrize("browser", ["", "missing %s", "fails %s", "missing:fails %s"])
def test_no_browser_on_this_machine(browsers: Browsers, monkeypatch: pytest.MonkeyPatch, browser: str) -> None:
    browsers.make("fails", "sys.exit(3)")
    monkeypatch.setenv("BROWSER", browser)
    assert not open_page()[0]


def test_doctor_names_the_browser_that_would_start(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    second = browsers.make("second")
    monkeypatch.setenv("BROWSER", f"missing %s:{second} %s")
    assert available_browser() == str(second)


def test_doctor_names_no_missing_browser(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", "missing")
    assert available_browser() is None


def test_text_browser_is_not_started(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("www-browser", "links", "lynx", "w3m"):
        browsers.make(name)
    monkeypatch.setenv("TERM", "xterm")
    assert available_browser() is None and not open_page()[0]
    assert browsers.told() == []


def test_text_browser_named_by_the_player_is_started(browsers: Browsers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROWSER", str(browsers.make("w3m")))
    assert open_page()[0]
    assert browsers.only()[1] == [URL]


@pytest.mark.parametrize("name", ["xdg-open", "firefox", "chromium", "x-www-browser", "google-chrome"])
def test_browsers_registered_for_a_desktop(browsers: Browsers, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    browsers.make(name)
    assert available_browser() == name
    assert open_page()[0]
    started, arguments, _, _ = browsers.only()
    assert started == name and arguments[-1] == URL


@pytest.fixture
def opened_all(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """Return the programs that are started, in order."""
    started: list[str] = []

    def spawn(command: list[str], _page: Secret) -> None:
        started.append(Path(command[0]).name)

    monkeypatch.setattr("sudomimus_bridge._browser.system._spawn", spawn)
    return lambda: started


def test_every_registered_browser_is_tried(
    browsers: Browsers, monkeypatch: pytest.MonkeyPatch, opened_all: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    for name in ("xdg-open", "firefox", "chromium"):
        browsers.make(name)
    assert not open_page()[0]
    assert opened_all() == ["xdg-open", "firefox", "chromium"]
