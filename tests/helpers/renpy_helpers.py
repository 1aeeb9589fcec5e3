"""A real Ren'Py under a screen of its own, and a player at it: starts a project, does what a script of steps says, reports.

The player is put into the game: `renpy_player.rpy`, and `renpy_steps.py`, which says what it does.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.testing._real_renpy import DEBIANS_PYTHON, NoRenpy, debians_copy

from .patience import PATIENCE

_PLAYER = ("renpy_player.rpy", "renpy_steps.py")


_NEWER = Path(__file__).parents[2] / "build" / "renpy-8.3.4" / "sdk" / "renpy.sh"  # where `.ci/get_renpy.sh` puts it

VERSIONS = ["8.0.3", "8.3.4"]


def renpy(version: str) -> list[str]:
    """The command line of a Ren'Py: 8.0.3 is Debian 12's, on Python 3.11; 8.3.4 is Debian 13's, on Python 3.13."""
    if version == "8.3.4":
        if not _NEWER.exists():
            pytest.skip("Ren'Py 8.3.4 is needed: .ci/get_renpy.sh build/renpy-8.3.4")
        return [str(_NEWER)]
    try:
        return [DEBIANS_PYTHON, str(debians_copy() / "renpy.py")]
    except NoRenpy as error:
        pytest.skip(f"a real Ren'Py is needed: {error}")


@contextmanager
def screen(width: int = 1920, height: int = 1080) -> Iterator[str]:
    """An X server of its own on a display that is free; gives its name."""
    if shutil.which("Xvfb") is None:
        pytest.skip("Xvfb is needed for Ren'Py's screen: apt-get install xvfb")
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            if not select.select([answer], [], [], PATIENCE)[0] or not (number := answer.readline().strip()):
                pytest.fail("Xvfb did not start")
            yield f":{number}"
    finally:
        server.terminate()
        server.wait(PATIENCE)


class Project:
    """A Ren'Py project in a folder of its own, with the player in it."""

    def __init__(self, program: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._program = program
        self.report = folder.parent / f"{folder.name}.jsonl"
        self.saves = folder.parent / f"{folder.name}-saves"
        self._environment = environment

    def play(self, *parts: str) -> dict[str, dict[str, Any]]:
        """Run the game with these parts of `renpy_steps` until they end it; the player's reports. Fails where the game did."""
        for file in _PLAYER:
            shutil.copy(Path(__file__).with_name(file), self.folder / "game")
        self.report.unlink(missing_ok=True)
        done = self._renpy("run", SUDOMIMUS_TEST_REPORT=str(self.report), SUDOMIMUS_TEST_PARTS=",".join(parts))
        reports = [json.loads(line) for line in self.report.read_text().splitlines()] if self.report.exists() else []
        assert done.returncode == 0, f"{done.stdout[-3000:]}{self.traceback()}\n{reports[-3:]}"
        assert reports and reports[-1].get("step") == "over", f"{done.stdout[-3000:]}{self.traceback()}\n{reports[-3:]}"
        return {report["step"]: report for report in reports}

    def lint(self) -> str:
        """What `lint` says."""
        done = self._renpy("lint")
        assert done.returncode == 0, done.stdout + self.traceback()
        return done.stdout

    def traceback(self) -> str:
        paths = [self.folder / "traceback.txt", self.folder / "errors.txt"]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in paths if path.exists())[-3000:]

    def _renpy(self, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        program = [*self._program, "--savedir", str(self.saves), str(self.folder), command]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
        }
        environment |= {"SDL_AUDIODRIVER": "dummy", "SUDOMIMUS_TEST_FOLDER": str(self.folder.parent)}
        environment |= {"LP_NUM_THREADS": "1"}  # llvmpipe's, which would draw by all cores at twice the cost
        environment |= self._environment | more
        if not environment.get("SUDOMIMUS_TEST_SCREENSHOTS"):
            environment["RENPY_RENDERER"] = "gles2"  # without a filter that costs the most, and that only a person sees
        path = self.folder.parent / f"{self.folder.name}-output.txt"
        with path.open("w") as output:
            game = subprocess.Popen(program, env=environment, stdout=output, stderr=subprocess.STDOUT)
            try:
                until = time.monotonic() + PATIENCE
                while game.poll() is None and time.monotonic() < until:
                    time.sleep(0.05)
                    if "Full traceback:" in path.read_text(errors="replace") or self.traceback():
                        break  # a game that failed shows its traceback and waits for a person
            finally:
                game.kill()
                game.wait(PATIENCE)
        return subprocess.CompletedProcess(program, game.returncode, path.read_text(errors="replace"), "")
