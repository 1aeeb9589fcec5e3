"""Specifies an errand in a real browser: the program shows a page, Chromium completes it, and the program prints the tokens."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from .test_login import failed, url_shown
from .test_program import Program, on_stub

pytestmark = pytest.mark.once

_CHROMIUM, _DRIVER = shutil.which("chromium"), shutil.which("chromedriver")


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Any]:
    if not _CHROMIUM or not _DRIVER:
        pytest.skip("chromium and chromedriver are not both installed")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = _CHROMIUM
    flags = "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-sync"
    for flag in flags.split():
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path / 'profile'}")
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(_DRIVER))
    driver.implicitly_wait(120)
    try:
        yield driver
    finally:
        driver.quit()


def test_player_agrees_or_declines_in_chromium(program: Program, chromium: Any) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})

    running = program.start("login", "steam", "--json", "--no-browser")
    chromium.get(url_shown(running))
    chromium.find_element("id", "continue").click()
    chromium.find_element("id", "decline").click()
    chromium.find_element("css selector", "main[data-page=declined]")
    failed(running.end(), 5, "You chose not to share what this game needs (email)")

    running = program.start("login", "steam", "--json", "--no-browser")
    chromium.get(url_shown(running))
    chromium.find_element("id", "continue").click()
    chromium.find_element("id", "email").send_keys("robin@example.com")
    chromium.find_element("id", "agree").click()
    chromium.find_element("css selector", "main[data-page=done]")
    ended = running.end()
    assert ended.status == 0, ended.err
    assert ended.json["accessToken"] and ended.json["claims"]["email"]["state"] == "GRANTED"
    assert program.emulator.player().email == "robin@example.com"
    program.every_ticket_was_cancelled_once(4)
