"""Specifies the smallest sample: it signs in, reads its settings from the environment, and ends quietly on Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from ..helpers.patience import PATIENCE

SAMPLE = Path(__file__).resolve().parents[2] / "sample_game" / "frame_loop.py"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, stub_library: Path) -> None:
    monkeypatch.delenv("SUDOMIMUS_APPLICATION", raising=False)


def test_one_command_signs_in() -> None:
    done = subprocess.run([sys.executable, str(SAMPLE)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    assert "\nSigned in. " in done.stdout


def test_environment_selects_the_real_service(
    stub_library: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With SUDOMIMUS_APPLICATION set, the environment names the service. This one refuses."""
    emulator.update({"application.disabled": True})
    settings = {"APPLICATION": "demo-game", "STEAM_APP_ID": "480", "STEAM_LIBRARY": str(stub_library)}
    for name, value in {**settings, "NATIVE_URL": emulator.urls["native"]}.items():
        monkeypatch.setenv(f"SUDOMIMUS_{name}", value)
    done = subprocess.run([sys.executable, str(SAMPLE)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 4
    assert "switched off" in done.stdout and done.stdout.endswith("Playing offline.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGINT as on POSIX")
def test_interrupt_ends_quietly(stub_log: StubLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEAM_STUB_TICKET_DELAY_MS", "30000")
    game = subprocess.Popen([sys.executable, str(SAMPLE)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert game.stdout is not None
    told = b""
    while b"requesting ticket" not in told or not stub_log.story():
        told += (byte := game.stdout.read(1))
        assert byte, told
    game.send_signal(signal.SIGINT)
    out, err = game.communicate(timeout=PATIENCE)
    assert game.returncode == 130
    assert out.endswith(b"\nNever mind.\n") and b"Traceback" not in err
    assert stub_log.story() == ["request", "cancel", "shutdown"]
