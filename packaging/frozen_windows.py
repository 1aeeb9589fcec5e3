"""Freezes and plays a game with a Python for Windows under Wine, in which only the game's packages are installed."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from frozen_play import System

PROJECT = Path(__file__).resolve().parents[1]
_OF_WINE = ("WINEPREFIX", "WINEARCH", "WINEDEBUG", "WINEDLLOVERRIDES")

sys.path.insert(0, str(PROJECT))
from tests.helpers import on_windows  # noqa: E402  # builds the Python for Windows

CannotRun = on_windows.CannotRun


class Windows:
    """A copy of the Python for Windows, as a developer has it, and a Wine prefix for it, which ends with this process."""

    def __init__(self, folder: Path, extra: str) -> None:
        """Raises `CannotRun` if this machine lacks something for it."""
        self._folder, self._extra = folder, extra
        if not (on_windows.PLACE / "complete").exists():
            on_windows.make_python()
        on_windows.make_stubs()
        self._copy_python()
        self._install()
        self._stack = ExitStack()
        wine = self._stack.enter_context(on_windows.wine())
        self.environ = {name: wine.environment[name] for name in _OF_WINE}

    def pyinstaller(self, script: Path, place: Path) -> list[str]:
        """The command that builds `dist/lamplight/lamplight.exe` in the folder, with PyInstaller's default flags."""
        where = {"--distpath": "dist", "--workpath": "work", "--specpath": "."}
        folders = [word for flag, name in where.items() for word in (flag, on_windows.windows_path(place / name))]
        program = ["wine", str(self._folder / "python.exe"), "-m", "PyInstaller", "--noconfirm", "--onedir"]
        return [*program, "--name", "lamplight", *folders, on_windows.windows_path(script)]

    def system(self) -> System:
        """The system on which the game is played: the same Wine."""
        return System(
            environ=self.environ,
            library=PROJECT / "native" / "build" / "steam_api64.dll",
            python=str(on_windows.PLACE / "python.exe"),
            path=lambda path: f"Z:{path}",
            at_rest="windows-data-protection",
        )

    def _copy_python(self) -> None:
        """The Python that `make windows` uses, without the packages of the tests."""
        if not (self._folder / "complete").exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            ignored = shutil.ignore_patterns("site-packages", "cache", "*.c", "complete")
            shutil.copytree(on_windows.PLACE, self._folder, ignore=ignored, copy_function=os.link)
            (self._folder / "complete").touch()

    def _install(self) -> None:
        site = self._folder / "Lib" / "site-packages"
        with tempfile.TemporaryDirectory() as wheels:
            on_windows.pip("wheel", "--no-deps", "--wheel-dir", wheels, str(PROJECT))
            (wheel,) = Path(wheels).glob("*.whl")
            bridge = f"{wheel}[{self._extra}]" if self._extra else str(wheel)
            needed = [bridge, "pygame-ce", "pyinstaller>=6.10", "pefile", "pywin32-ctypes"]
            on_windows.pip("install", "--upgrade", "--target", str(site), *on_windows.for_windows(), *needed)
