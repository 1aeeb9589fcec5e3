"""Runs a project in a real Ren'Py on an X server of its own, with an automatic player that follows steps and reports.

`Project` copies the player, `renpy_player.rpy`, and its steps, `renpy_steps.py`, into the game.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge.testing._real_renpy import DEBIANS_PYTHON, NoRenpy, debians_copy

from .patience import PATIENCE

_PLAYER = ("renpy_player.rpy", "renpy_steps.py")


_ROOT = Path(__file__).parents[2]
_NEWER = _ROOT / "build" / "renpy-8.3.4" / "sdk" / "renpy.sh"  # where `.ci/get_renpy.sh` puts it

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


def interpreter(version: str) -> str:
    """The interpreter of a Python version, outside of any virtual environment. Skips the test if there is none."""
    venvs = [_ROOT / folder / "bin" / "python" for folder in (".venv", f".venv-{version}")]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")).glob(f"versions/{version}.*/bin/python")
    for candidate in [sys.executable, *map(str, venvs), *map(str, pyenv), shutil.which(f"python{version}") or ""]:
        ask = "import sys; print('%d.%d' % sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"
        if candidate and Path(candidate).exists():
            asked = subprocess.run([candidate, "-c", ask], capture_output=True, text=True)  # a shim may lead nowhere
            found, _, base = asked.stdout.strip().partition(" ")
            if found == version:
                return base
    pytest.skip(
        f"Python {version} is needed: on the PATH as python{version}, or in a virtual environment .venv-{version}"
    )


@contextmanager
def screen(width: int = 1920, height: int = 1080) -> Iterator[str]:
    """Start an X server on a free display, and yield the display's name."""
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
        """Run the game with these parts of `renpy_steps`, and return the player's reports. Fails if the game fails."""
        for file in _PLAYER:
            shutil.copy(Path(__file__).with_name(file), self.folder / "game")
        self.report.unlink(missing_ok=True)
        done = self._renpy("run", SUDOMIMUS_TEST_REPORT=str(self.report), SUDOMIMUS_TEST_PARTS=",".join(parts))
        reports = [json.loads(line) for line in self.report.read_text().splitlines()] if self.report.exists() else []
        assert done.returncode == 0, f"{done.stdout[-3000:]}{self.traceback()}\n{reports[-3:]}"
        assert reports and reports[-1].get("step") == "over", f"{done.stdout[-3000:]}{self.traceback()}\n{reports[-3:]}"
        return {report["step"]: report for report in reports}

    def lint(self) -> str:
        """The output of `lint`."""
        done = self._renpy("lint")
        assert done.returncode == 0, done.stdout + self.traceback()
        return done.stdout

    def distribute(self, kit: Path) -> Path:
        """Build a distribution with Ren'Py's launcher, unpack it, and return its folder."""
        built = self.folder.parent / "built"
        program = [str(kit / "renpy.sh"), str(kit / "launcher"), "distribute", str(self.folder)]
        done = self._start(
            [*program, "--package", "market", "--dest", str(built)],
            PYTHONPATH=str(kit / "stubs"),
            SDL_VIDEODRIVER="dummy",
        )
        archives = list(built.glob("*.zip"))
        assert done.returncode == 0 and len(archives) == 1, done.stdout[-2000:]
        with zipfile.ZipFile(archives[0]) as archive:
            archive.extractall(built / "unpacked")
        return built / "unpacked"

    def traceback(self) -> str:
        paths = [self.folder / "traceback.txt", self.folder / "errors.txt"]
        return "".join(path.read_text(encoding="utf-8", errors="replace") for path in paths if path.exists())[-3000:]

    def _renpy(self, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self._start([*self._program, "--savedir", str(self.saves), str(self.folder), command], **more)

    def _start(self, program: list[str], **more: str) -> subprocess.CompletedProcess[str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
        }
        environment |= {"SDL_AUDIODRIVER": "dummy", "SUDOMIMUS_TEST_FOLDER": str(self.folder.parent)}
        environment |= {"LP_NUM_THREADS": "1"}  # the number of llvmpipe's threads; more would double the CPU time
        environment |= self._environment | more
        if not environment.get("SUDOMIMUS_TEST_SCREENSHOTS"):
            environment["RENPY_RENDERER"] = "gles2"  # without the most expensive filter, which changes only the looks
        path = self.folder.parent / f"{self.folder.name}-output.txt"
        with path.open("w") as output:
            game = subprocess.Popen(program, env=environment, stdout=output, stderr=subprocess.STDOUT)
            try:
                reported, until = -1, 0.0
                while game.poll() is None:
                    size = self.report.stat().st_size if self.report.exists() else 0
                    if size != reported:  # the player goes on
                        reported, until = size, time.monotonic() + PATIENCE
                    time.sleep(0.05)
                    if (
                        time.monotonic() > until
                        or "Full traceback:" in path.read_text(errors="replace")
                        or self.traceback()
                    ):
                        break  # after a failure the game shows its traceback and waits for input
            finally:
                game.kill()
                game.wait(PATIENCE)
        return subprocess.CompletedProcess(program, game.returncode, path.read_text(errors="replace"), "")
