"""Specifies the pygame sample, without a display: it signs in with an errand, greets the player, and handles its keys."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sudomimus_bridge._service.policy import Spacing
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit_errand

from ..conftest import StubLog
from ..helpers.patience import PATIENCE
from ..program.test_bridge import MakeBridge, make_bridge

__all__ = ["make_bridge"]  # the fixture

pygame: Any = pytest.importorskip("pygame", reason="pygame-ce is needed: pip install pygame-ce")

SAMPLE = Path(__file__).resolve().parents[2] / "sample_game" / "pygame"
_MODULES = ("game", "pace", "panels", "scene", "sign_in")


@pytest.fixture(autouse=True)
def _headless(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def test_one_command_signs_in(stub_library: Path, tmp_path: Path) -> None:
    picture = tmp_path / "last.png"
    done = subprocess.run(
        [sys.executable, str(SAMPLE), "--claim-gate", "--auto", "--picture", str(picture)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Signed in as Robin." in done.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_zero_frames_per_second_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, str(SAMPLE), "--fps", "0"], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 2
    assert "--fps must be 1 or more" in done.stderr


def test_environment_selects_the_real_service(
    stub_library: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With SUDOMIMUS_APPLICATION set, the environment names the service. This one refuses."""
    emulator.update({"application.disabled": True})
    settings = {"APPLICATION": "demo-game", "STEAM_APP_ID": "480", "STEAM_LIBRARY": str(stub_library)}
    for name, value in {**settings, "NATIVE_URL": emulator.urls["native"]}.items():
        monkeypatch.setenv(f"SUDOMIMUS_{name}", value)
    done = subprocess.run(
        [sys.executable, str(SAMPLE), "--auto"], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 1
    assert "switched off" in done.stdout


@pytest.fixture
def game_module(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(SAMPLE)
    pygame.display.init()
    pygame.font.init()
    import game

    yield game
    pygame.quit()
    for name in _MODULES:
        sys.modules.pop(name, None)


class Player:
    """A player in front of the screen."""

    def __init__(self, game: Any) -> None:
        self.game = game

    def press(self, key: int) -> None:
        self.game.handle(pygame.event.Event(pygame.KEYDOWN, key=key))

    def until(self, status: str) -> None:
        for _ in range(5000):
            self.game.frame(1 / 240)
            if self.game.sign_in.status == status and (status not in ("signed-in", "failed") or self.game.sign_in.over):
                return
            time.sleep(0.002)
        pytest.fail(f"{self.game.sign_in.status} in place of {status}: {self.game.sign_in.error}")


def test_keys(make_bridge: MakeBridge, emulator: Emulator, game_module: ModuleType, stub_log: StubLog) -> None:
    emulator.update(claims={"email": "REQUIRED", "firstName": "REQUIRED"})
    screen = pygame.display.set_mode(game_module.SIZE)
    player = Player(game_module.Game(screen, make_bridge()))
    sign_in = player.game.sign_in

    player.press(pygame.K_RETURN)
    player.until("waiting-for-browser")
    player.press(pygame.K_ESCAPE)
    player.until("signed-out")
    assert player.game.running

    player.press(pygame.K_RETURN)
    player.until("waiting-for-browser")
    assert visit_errand(sign_in.page) == "done"
    player.press(pygame.K_d)
    player.until("signed-in")
    assert sign_in.name == "Robin"
    assert "as Robin" in player.game.summary()

    player.press(pygame.K_s)  # nothing is owed any more
    player.until("signed-in")
    emulator.update({"application.disabled": True})
    player.press(pygame.K_RETURN)
    player.until("signed-in")  # the player stays signed in
    assert "switched off" in sign_in.error

    player.press(pygame.K_ESCAPE)
    assert not player.game.running
    assert stub_log.story().count("request") == stub_log.story().count("cancel")


def test_player_plays_offline_while_the_service_is_busy_and_is_signed_in_later(
    make_bridge: MakeBridge, emulator: Emulator, game_module: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sudomimus_bridge._login.attempts.PATIENT", Spacing(0.2, 0.4, certain=0.5))
    emulator.fault("POST /direct-issue/steam-ticket 503 retry-after=7200 times=1")  # ends a watched login at once
    emulator.fault("POST /direct-issue/steam-ticket 503 times=5")
    player = Player(game_module.Game(pygame.display.set_mode(game_module.SIZE), make_bridge()))
    player.press(pygame.K_RETURN)
    player.until("postponed")
    assert not player.game.sign_in.busy
    player.until("signed-in")
    assert player.game.sign_in.error is None
