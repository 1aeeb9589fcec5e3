"""Specifies each flow in a real browser: a program, a `Bridge` or a launcher shows a page or code, and Chromium completes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._runs.running import Running
from sudomimus_bridge._values.events import ProgressEvent
from sudomimus_bridge.emulator import Emulator

from ..cli.test_chromium import chromium
from ..cli.test_connect_cli import page, start, with_inquiry
from ..cli.test_device_cli import shown
from ..cli.test_device_cli import start as start_device
from ..cli.test_program import Program, on_stub
from ..conftest import StubLog
from ..helpers.patience import PATIENCE
from ..helpers.sidecar_helpers import Launcher, launchers

pytestmark = pytest.mark.once

__all__ = ["chromium"]

T = TypeVar("T")


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    emulator.update({"device.interval": 1})
    yield from on_stub(emulator, stub_library, stub_log)


class Person:
    """A player at the browser, with an email address to share, on the pages of sign-ins and errands."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser

    def opens(self, url: str) -> None:
        """Clear the browser, so that the next page is opened by another player."""
        self._browser.delete_all_cookies()
        self._browser.get(url)

    def signs_in(self, url: str) -> None:
        """Follow the page of an inquiry or an errand, which asks for an email address."""
        self.opens(url)
        self._press("continue")
        self.shares()

    def types(self, code: str, url: str) -> None:
        self.opens(url)
        self._browser.find_element("id", "user-code").send_keys(code.lower().replace("-", " "))
        self._press("next")
        self._press("continue")
        self.shares()

    def shares_of_own_accord(self, url: str) -> None:
        """Follow the page of the proactive errand, where the email address is optional."""
        self.opens(url)
        self._press("continue")
        self._press("share-email")
        self.shares()

    def shares(self) -> None:
        self._browser.find_element("id", "email").send_keys("robin@example.com")
        self._press("agree")
        self._browser.find_element("css selector", "main[data-page=done]")

    def _press(self, button: str) -> None:
        self._browser.find_element("id", button).click()


@pytest.fixture
def person(chromium: Any) -> Person:
    return Person(chromium)


@pytest.fixture
def anybody(emulator: Emulator) -> Callable[[], None]:
    """A game that requires an email address, and a player who has never shared one."""

    def begin() -> None:
        emulator.reset(settings=True)
        emulator.update({"claims.email": "REQUIRED", "device.interval": 1})

    return begin


def shares_the_email(answer: Any) -> bool:
    return bool(answer["claims"]["email"]["state"] == "GRANTED")


def test_command_line_in_a_real_browser(program: Program, person: Person, anybody: Callable[[], None]) -> None:
    anybody()
    with_inquiry(program)
    running = start(program)
    person.signs_in(page(running))
    assert shares_the_email(running.end().json)

    anybody()
    running = start_device(program, "--json", "--no-browser")
    url, code = shown(running)
    person.types(code, url)
    assert shares_the_email(running.end().json)


# --- from a game ---------------------------------------------------------------------------------------------------------


class Game:
    """A frame loop with a bridge. It keeps the last event."""

    def __init__(self, emulator: Emulator, stub_library: Path) -> None:
        self.bridge = Bridge(**emulator.settings, steam_library=stub_library, no_browser=True)
        self.heard: list[ProgressEvent] = []

    def until_it_waits(self, running: Running[Any]) -> ProgressEvent:
        until = time.monotonic() + PATIENCE
        while not (self.heard and self.heard[-1].phase == "waiting-for-browser"):
            assert running.poll() is None
            assert time.monotonic() < until, self.heard
            time.sleep(0.005)
        return self.heard[-1]

    def ended(self, running: Running[T]) -> T:
        self.heard.clear()
        running.done()
        until = time.monotonic() + PATIENCE
        while (result := running.poll()) is None:
            assert time.monotonic() < until
            time.sleep(0.005)
        return result


@pytest.fixture
def game(program: Program, emulator: Emulator, stub_library: Path) -> Iterator[Game]:
    game = Game(emulator, stub_library)
    yield game
    game.bridge.close()


def test_game_in_a_real_browser(game: Game, person: Person, emulator: Emulator, anybody: Callable[[], None]) -> None:
    bridge, heard = game.bridge, game.heard.append

    anybody()
    keys = emulator.establish()
    by_page = bridge.start_login("browser", heard, exposure_key=keys["exposureKey"], hidden_key=keys["hiddenKey"])
    errand = game.until_it_waits(by_page).errand
    assert errand is not None
    person.signs_in(errand.url)
    assert shares_the_email(game.ended(by_page).to_json())

    anybody()
    by_code = bridge.start_login("device", heard)
    device = game.until_it_waits(by_code).device
    assert device is not None
    person.types(device.user_code, device.verification_uri)
    assert shares_the_email(game.ended(by_code).to_json())

    anybody()
    by_steam = bridge.start_login("steam", heard)
    errand = game.until_it_waits(by_steam).errand
    assert errand is not None
    person.signs_in(errand.url)
    assert shares_the_email(game.ended(by_steam).to_json())

    emulator.update({"claims.email": "OPTIONAL"})
    emulator.reset()
    bridge.login("steam")
    sharing = bridge.start_share(on_progress=heard)
    errand = game.until_it_waits(sharing).errand
    assert errand is not None
    person.shares_of_own_accord(errand.url)
    shared = game.ended(sharing)
    assert shared.completed and shares_the_email({"claims": shared.claims})


# --- from a launcher -----------------------------------------------------------------------------------------------------


@pytest.fixture
def launcher(program: Program) -> Iterator[Launcher]:
    for begin in launchers(program):
        yield begin()


def test_launcher_in_a_real_browser(
    launcher: Launcher, person: Person, emulator: Emulator, anybody: Callable[[], None]
) -> None:
    def asked(call: str, **params: Any) -> tuple[Any, dict[str, Any]]:
        request = launcher.ask(call, {**params, "openBrowser": False})
        return request, launcher.phase(request, "waiting-for-browser")

    anybody()
    keys = emulator.establish()
    inquiry = {name: keys[name] for name in ("exposureKey", "hiddenKey")}
    request, waiting = asked("login", method="browser", **inquiry)
    person.signs_in(waiting["errand"]["url"])
    assert shares_the_email(launcher.answer(request)["result"])

    anybody()
    request, waiting = asked("login", method="device")
    person.types(waiting["device"]["userCode"], waiting["device"]["verificationUri"])
    assert shares_the_email(launcher.answer(request)["result"])

    anybody()
    request, waiting = asked("login", method="steam")
    person.signs_in(waiting["errand"]["url"])
    assert shares_the_email(launcher.answer(request)["result"])

    emulator.update({"claims.email": "OPTIONAL"})
    emulator.reset()
    token = launcher.call("login", {"method": "steam", "openBrowser": False})["result"]["accessToken"]
    request, waiting = asked("errand", accessToken=token)
    person.shares_of_own_accord(waiting["errand"]["url"])
    outcome = launcher.answer(request)["result"]
    assert outcome["completed"] and shares_the_email(outcome)
