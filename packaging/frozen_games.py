"""Freezes a game with each freezer's default flags and plays it: python packaging/frozen_games.py [NAME ...]

Each game is built twice, without and with the extra `keyring`, in a virtual environment that has no part of the local service.
It is played on the stub of Steam and the local service, outside of it: it signs in, follows an errand, and in a second run,
without Steam, is still signed in. A freezer or a keyring that this machine lacks is named in the table.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import zipapp
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import frozen_play

PROJECT = Path(__file__).resolve().parents[1]
SAMPLE = PROJECT / "sample_game" / "pygame"
BUILD = PROJECT / "build" / "frozen"
PURE = ("httpx", "httpcore", "anyio", "certifi", "segno", "typing_extensions")
EXTRAS = ("", "keyring")
COLUMNS = (*frozen_play.COLUMNS, "MB", "seconds to build")

NOT_IN_A_GAME = ("emulator", "testing", "_renpy", "_cli", "_sidecar")
"""Nuitka would compile them: the sample imports the local service where it is run without settings."""


class CannotBuild(Exception):
    """Why there is no game, in a sentence."""


@dataclass(frozen=True)
class Game:
    """A frozen game: how it is started, and the folder that a player sees."""

    command: list[str]
    folder: Path


# --- the freezers ----------------------------------------------------------------------------------------------------------


def pyinstaller_onedir(python: Path, place: Path) -> Game:
    """A folder."""
    return _pyinstaller(python, place, "--onedir", place / "dist" / "lamplight")


def pyinstaller_onefile(python: Path, place: Path) -> Game:
    """One file, which unpacks itself into a folder for temporary files."""
    return _pyinstaller(python, place, "--onefile", place / "dist")


def _pyinstaller(python: Path, place: Path, kind: str, folder: Path) -> Game:
    where = ["--distpath", str(place / "dist"), "--workpath", str(place / "work"), "--specpath", str(place)]
    _run(place, python, "-m", "PyInstaller", "--noconfirm", kind, "--name", "lamplight", *where, SAMPLE / "__main__.py")
    return Game([str(folder / "lamplight")], folder)


def cx_freeze(python: Path, place: Path) -> Game:
    """A folder."""
    folder, source = place / "dist", place / "source"
    shutil.copytree(
        SAMPLE, source, ignore=shutil.ignore_patterns("__pycache__")
    )  # it finds modules by the working directory
    names = ["--script", "__main__.py", "--target-name", "lamplight", "--build-exe", str(folder)]
    _run(source, python.with_name("cxfreeze"), "build", *names)
    return Game([str(folder / "lamplight")], folder)


def zipapp_archive(python: Path, place: Path) -> Game:
    """The smallest sample: no compiled code can be imported from an archive, so pygame cannot."""
    if not place.name.endswith("-plain"):
        raise CannotBuild("cryptography is compiled, and an archive holds no compiled code")
    _run(place, python, "-m", "pip", "install", "--quiet", "--target", place / "source", *PURE)
    _run(place, python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", place / "source", PROJECT)
    shutil.copyfile(SAMPLE.parent / "frame_loop.py", place / "source" / "__main__.py")
    (place / "dist").mkdir()
    zipapp.create_archive(place / "source", place / "dist" / "lamplight.pyz")
    return Game([str(python), "-I", str(place / "dist" / "lamplight.pyz")], place / "dist")


def shiv(python: Path, place: Path) -> Game:
    """An archive that unpacks itself, so that it may hold compiled code."""
    source, extra = place / "source", "" if place.name.endswith("-plain") else "[keyring]"
    _run(place, python, "-m", "pip", "install", "--quiet", "--target", source, f"{PROJECT}{extra}", "pygame-ce")
    for module in SAMPLE.glob("*.py"):
        shutil.copyfile(module, source / ("lamplight.py" if module.stem == "__main__" else module.name))
    (place / "dist").mkdir()
    archive = place / "dist" / "lamplight.pyz"
    _run(place, python.with_name("shiv"), "--site-packages", source, "-e", "lamplight:main", "-o", archive)
    return Game([str(python), "-I", str(archive)], place / "dist")


def nuitka_module(python: Path, place: Path) -> Game:
    """The package compiled into one extension module, in a game that is not frozen: quicker than a standalone build."""
    found = _run(place, python, "-c", "import sudomimus_bridge; print(sudomimus_bridge.__path__[0])")
    _run(
        place, python, "-m", "nuitka", "--module", *_nuitka_skips(), "--include-package=sudomimus_bridge", found.strip()
    )
    for source in SAMPLE.glob("*.py"):
        shutil.copyfile(source, place / source.name)
    return Game([str(python), str(place / "__main__.py")], place)


def nuitka_standalone(python: Path, place: Path) -> Game:
    """A folder of compiled code."""
    _run(place, python, "-m", "nuitka", "--standalone", *_nuitka_skips(), SAMPLE / "__main__.py")
    return Game([str(place / "__main__.dist" / "__main__.bin")], place / "__main__.dist")


def nuitka_onefile(python: Path, place: Path) -> Game:
    """One file of compiled code, which unpacks itself."""
    (place / "dist").mkdir()
    _run(place, python, "-m", "nuitka", "--onefile", *_nuitka_skips(), "-o", "dist/lamplight", SAMPLE / "__main__.py")
    return Game([str(place / "dist" / "lamplight")], place / "dist")


def _nuitka_skips() -> list[str]:
    names = ",".join(f"sudomimus_bridge.{name}" for name in NOT_IN_A_GAME)
    return ["--assume-yes-for-downloads", f"--nofollow-import-to={names}"]


FREEZERS: dict[str, tuple[Callable[[Path, Path], Game], str]] = {
    "pyinstaller-onedir": (pyinstaller_onedir, "pyinstaller>=6.10"),
    "pyinstaller-onefile": (pyinstaller_onefile, "pyinstaller>=6.10"),
    "cx_freeze": (cx_freeze, "cx_Freeze>=8"),
    "zipapp": (zipapp_archive, ""),
    "shiv": (shiv, "shiv"),
    "nuitka-module": (nuitka_module, "nuitka"),
    "nuitka-standalone": (nuitka_standalone, "nuitka"),
    "nuitka-onefile": (nuitka_onefile, "nuitka"),
}
QUICK = [name for name in FREEZERS if not name.startswith("nuitka")]


def environment(extra: str, freezer: str) -> Path:
    """The Python of a virtual environment as a game's developer has it."""
    folder = BUILD / (extra or "plain")
    python = folder / "bin" / "python"
    if not python.exists():
        _run(PROJECT, sys.executable, "-m", "venv", folder)
    bridge = f"{PROJECT}[{extra}]" if extra else str(PROJECT)
    _run(PROJECT, python, "-m", "pip", "install", "--quiet", bridge, "pygame-ce", *filter(None, [freezer]))
    return python


def build(name: str, extra: str) -> Game:
    """A new build. Raises `CannotBuild`."""
    make, freezer = FREEZERS[name]
    place = BUILD / f"{name}-{extra or 'plain'}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return make(environment(extra, freezer), place)


def _run(place: Path, *command: str | Path) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUDOMIMUS_")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=place,
        env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise CannotBuild(f"{Path(str(command[0])).name} said: {last}")
    return done.stdout


# --- the table -------------------------------------------------------------------------------------------------------------


def row(name: str, extra: str) -> dict[str, str]:
    """Builds one game and plays it."""
    began = time.monotonic()
    try:
        game = build(name, extra)
    except CannotBuild as reason:
        return {"starts": f"not built: {reason}"[:160]}
    took = time.monotonic() - began
    size = sum(file.stat().st_size for file in game.folder.rglob("*") if file.is_file() and not file.is_symlink())
    cells = frozen_play.play_twice(game.command, game.folder, extra)
    return {**cells, "MB": f"{size / 1e6:.0f}", "seconds to build": f"{took:.0f}"}


def main() -> int:
    """Build, play, and print the table. The exit status is 1 if a game that was built does not work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FREEZERS)}; default: the quick ones")
    parser.add_argument("--extra", choices=["plain", "keyring"], help="only without, or only with, the extra keyring")
    options = parser.parse_args()
    if unknown := set(options.names) - set(FREEZERS):
        parser.error(f"no such freezer: {', '.join(sorted(unknown))}")
    extras = {None: EXTRAS, "plain": EXTRAS[:1], "keyring": EXTRAS[1:]}[options.extra]
    good = True
    print("| freezer | extra | " + " | ".join(COLUMNS) + " |", flush=True)
    print("| --- " * (len(COLUMNS) + 2) + "|", flush=True)
    for name in options.names or QUICK:
        for extra in extras:
            cells = row(name, extra)
            print(
                f"| {name} | {extra or 'none'} | " + " | ".join(cells.get(each, "") for each in COLUMNS) + " |",
                flush=True,
            )
            good = good and not any(cell.startswith("no:") for cell in cells.values())
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
