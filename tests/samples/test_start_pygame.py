"""Specifies the game of docs/start/pygame.md: what the player reads, and how the game ends on Ctrl-C."""

from __future__ import annotations

import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge.testing import LocalService, ScriptedBrowser, VirtualClock

from ..conftest import StubLog
from ..helpers.patience import PATIENCE
from ..project.test_docs_blocks import blocks_of

pygame = pytest.importorskip("pygame")

PAGE = "docs/start/pygame.md"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    (game,) = [block for block in blocks_of(PAGE) if block.title == "game.py"]
    path = tmp_path / "game.py"
    path.write_text(game.text, encoding="utf-8")
    return path


@pytest.fixture
def texts() -> list[str]:
    """Every text that the player could have read."""
    return []


@pytest.fixture
def game(program: Path, texts: list[str]) -> Any:
    class SignIn(runpy.run_path(str(program))["SignIn"]):  # type: ignore[misc]
        def __setattr__(self, name: str, value: object) -> None:
            if name == "text":
                texts.append(str(value))
            super().__setattr__(name, value)

    return SignIn


def play_until(sign_in: Any, text: str) -> None:
    end = time.monotonic() + PATIENCE
    while text not in sign_in.text:
        assert time.monotonic() < end, sign_in.text
        sign_in.poll()
        time.sleep(0.001)


def test_player_reads_that_the_sign_in_goes_on(
    game: Any,
    texts: list[str],
    sudomimus_bridge: Bridge,
    sudomimus_service: LocalService,
    sudomimus_virtual_time: VirtualClock,
) -> None:
    sudomimus_service.unavailable(times=10)  # 8 attempts, then 2 of the patient login behind the game
    play_until(game(sudomimus_bridge), "Hello")
    behind = texts[next(number for number, text in enumerate(texts) if text.startswith("You play offline")) : -1]
    assert all(text.startswith("You play offline for now.") for text in behind)
    assert sum("The next try is in" in text for text in behind) == 2
    assert not any("Try again in" in text for text in texts)


def test_player_reads_the_address_if_no_browser_opens(
    game: Any, sudomimus_bridge: Bridge, sudomimus_service: LocalService, sudomimus_browser: ScriptedBrowser
) -> None:
    sudomimus_service.requires("firstName")
    sudomimus_browser.does_not_open()
    sign_in = game(sudomimus_bridge)
    play_until(sign_in, "D: done")
    (address,) = [line for line in sign_in.text.splitlines() if line.startswith("http")]
    assert sudomimus_browser.visit(address) == "done"
    sign_in.done()
    play_until(sign_in, "Hello")


def test_long_address_fits_into_the_window(program: Path) -> None:
    """The game gives the width of its window to `render`, which breaks an address that is longer."""
    assert "None, width)" in program.read_text(encoding="utf-8")
    pygame.font.init()
    width = 880
    text = pygame.font.Font(None, 32).render("https://via.sudomimus.com/" + "x" * 200, True, "#ffffff", None, width)
    assert text.get_width() <= width


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT as on POSIX")
def test_interrupt_ends_quietly(
    program: Path, stub_library: Path, stub_log: StubLog, emulator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "30000")
    monkeypatch.setenv("SUDOMIMUS_STEAM_LIBRARY", str(stub_library))
    monkeypatch.setenv("SUDOMIMUS_NATIVE_URL", emulator.urls["native"])
    game = subprocess.Popen([sys.executable, str(program)], stderr=subprocess.PIPE)
    end = time.monotonic() + PATIENCE
    while not stub_log.story():
        assert game.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    game.send_signal(signal.SIGINT)
    _, err = game.communicate(timeout=PATIENCE)
    assert game.returncode == 130
    assert b"Traceback" not in err
    assert stub_log.story() == ["request", "cancel", "shutdown"]
