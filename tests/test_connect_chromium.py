"""Signing in by a person: the program shows a page or a code, a real browser confirms, the program has tokens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator

from .conftest import StubLog
from .test_cli_chromium import chromium
from .test_cli_program import Program, on_stub
from .test_connect_cli import page, start, with_inquiry
from .test_device_cli import shown
from .test_device_cli import start as start_device

__all__ = ["chromium"]


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


def test_a_person_signs_in_through_the_page(program: Program, chromium: Any) -> None:
    program.emulator.update({"claims.email": "REQUIRED"})
    with_inquiry(program)
    running = start(program)
    chromium.get(page(running))
    chromium.find_element("id", "continue").click()
    chromium.find_element("id", "email").send_keys("robin@example.com")
    chromium.find_element("id", "agree").click()
    chromium.find_element("css selector", "main[data-page=done]")
    ended = running.end()
    assert ended.status == 0, ended.err
    assert ended.json["claims"]["email"]["state"] == "GRANTED"


def test_a_person_types_the_code(program: Program, chromium: Any) -> None:
    program.emulator.update({"device.interval": 1})
    running = start_device(program, "--json", "--no-browser")
    url, code = shown(running)
    chromium.get(url)
    chromium.find_element("id", "user-code").send_keys(code.lower().replace("-", " "))
    chromium.find_element("id", "next").click()
    chromium.find_element("id", "continue").click()
    chromium.find_element("css selector", "main[data-page=consent] #agree").click()
    chromium.find_element("css selector", "main[data-page=done]")
    ended = running.end()
    assert ended.status == 0, ended.err
    assert ended.json["accessToken"]
