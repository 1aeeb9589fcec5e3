"""The freezers, each with its default flags, and the virtual environments in which they run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipapp
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import frozen_windows
from frozen_play import System

PROJECT = Path(__file__).resolve().parents[1]
SAMPLE = PROJECT / "sample_game" / "pygame"
BUILD = PROJECT / "build" / "frozen"
PURE = ("httpx", "httpcore", "anyio", "certifi", "segno", "typing_extensions")

NOT_IN_A_GAME = ("emulator", "testing", "_renpy", "_cli", "_sidecar")
"""Nuitka would compile these: the sample imports the local service for a run without settings."""


class CannotBuild(Exception):
    """The game cannot be built. The message says why."""


class NotHere(CannotBuild):
    """This freezer cannot build the game here: the machine lacks something, or the freezer does not support it."""


@dataclass(frozen=True)
class Job:
    """`source` is the folder of the game's `__main__.py`, `python` the developer's Python, and `place` an empty folder."""

    source: Path
    python: Path
    place: Path
    extra: str = ""

    def run(self, *command: str | Path, folder: Path | None = None) -> str:
        """Run a program in the folder. Raises `CannotBuild` if it fails."""
        return run(folder or self.place, *command)


@dataclass(frozen=True)
class Game:
    """A frozen game: the command that starts it, the folder that a player gets, and the system for which it is built."""

    command: list[str]
    folder: Path
    system: System = field(default_factory=System)


def pyinstaller_onedir(job: Job) -> Game:
    """A folder."""
    return _pyinstaller(job, "--onedir", job.place / "dist" / "lamplight")


def pyinstaller_onefile(job: Job) -> Game:
    """One file, which unpacks itself into a temporary folder."""
    return _pyinstaller(job, "--onefile", job.place / "dist")


def _pyinstaller(job: Job, kind: str, folder: Path) -> Game:
    where: list[str | Path] = [
        "--distpath",
        job.place / "dist",
        "--workpath",
        job.place / "work",
        "--specpath",
        job.place,
    ]
    names = ["--noconfirm", kind, "--name", "lamplight"]
    job.run(job.python, "-m", "PyInstaller", *names, *where, job.source / "__main__.py")
    return Game([str(folder / "lamplight")], folder)


def pyinstaller_windows(job: Job) -> Game:
    """A folder for Windows, built and played with a Python for Windows under Wine."""
    try:
        windows = frozen_windows.Windows(BUILD / f"windows-{job.extra or 'plain'}", job.extra)
    except frozen_windows.CannotRun as reason:
        raise NotHere(str(reason)) from None
    run(job.place, *windows.pyinstaller(job.source / "__main__.py", job.place), environ=windows.environ)
    folder = job.place / "dist" / "lamplight"
    return Game(["wine", str(folder / "lamplight.exe")], folder, windows.system())


def cx_freeze(job: Job) -> Game:
    """A folder."""
    folder, source = job.place / "dist", job.place / "source"
    # cxfreeze finds a script's modules by the working directory.
    shutil.copytree(job.source, source, ignore=shutil.ignore_patterns("__pycache__"))
    names = ["--script", "__main__.py", "--target-name", "lamplight", "--build-exe", str(folder)]
    job.run(job.python.with_name("cxfreeze"), "build", *names, folder=source)
    return Game([str(folder / "lamplight")], folder)


def zipapp_archive(job: Job) -> Game:
    """An archive with the smallest sample. Python cannot import compiled code, such as pygame, from an archive."""
    if job.extra:
        raise NotHere("cryptography is compiled, and Python imports no compiled code from an archive")
    source, dist = job.place / "source", job.place / "dist"
    job.run(job.python, "-m", "pip", "install", "--quiet", "--target", source, *PURE)
    job.run(job.python, "-m", "pip", "install", "--quiet", "--no-deps", "--target", source, PROJECT)
    shutil.copyfile(SAMPLE.parent / "frame_loop.py", source / "__main__.py")
    dist.mkdir()
    zipapp.create_archive(source, dist / "lamplight.pyz")
    return Game([str(job.python), "-I", str(dist / "lamplight.pyz")], dist)


def shiv(job: Job) -> Game:
    """An archive that unpacks itself, so it may contain compiled code."""
    source, archive = job.place / "source", job.place / "dist" / "lamplight.pyz"
    job.run(job.python, "-m", "pip", "install", "--quiet", "--target", source, _bridge(job.extra), "pygame-ce")
    for module in job.source.glob("*.py"):
        shutil.copyfile(module, source / ("lamplight.py" if module.stem == "__main__" else module.name))
    archive.parent.mkdir()
    job.run(job.python.with_name("shiv"), "--site-packages", source, "-e", "lamplight:main", "-o", archive)
    return Game([str(job.python), "-I", str(archive)], archive.parent)


def briefcase(job: Job) -> Game:
    """A folder as Briefcase's Linux package installs it. Briefcase needs the system's own Python for it.

    It takes its template from GitHub. `BRIEFCASE_TEMPLATE` names a folder with a copy of it.
    """
    venv, modules = job.place / "venv", sorted(job.source.glob("*.py"))
    package = job.place / "lamplight"
    package.mkdir()
    (package / "__init__.py").touch()
    for module in modules:
        shutil.copyfile(module, (package if module.stem == "__main__" else job.place) / module.name)
    template = os.environ.get("BRIEFCASE_TEMPLATE")
    lines = [
        "[tool.briefcase]",
        'project_name = "Lamplight"\nbundle = "com.example"\nversion = "1.0"\nurl = "https://example.com"',
        'author = "An author"\nauthor_email = "author@example.com"\nlicense = "MIT"\nlicense-files = ["LICENSE"]',
        "[tool.briefcase.app.lamplight]",
        'formal_name = "Lamplight"\ndescription = "A small game"',
        f"sources = {['lamplight', *(module.name for module in modules if module.stem != '__main__')]}",
        f"requires = {[_bridge(job.extra), 'pygame-ce']}",
        f'template = "{template}"' if template else "",
    ]
    (job.place / "pyproject.toml").write_text("\n".join(lines))
    for name in ("LICENSE", "CHANGELOG"):
        (job.place / name).touch()
    job.run("/usr/bin/python3", "-m", "venv", venv)
    job.run(venv / "bin" / "pip", "install", "--quiet", "briefcase")
    job.run(venv / "bin" / "briefcase", "create", "linux", "system", "--no-input")
    job.run(venv / "bin" / "briefcase", "build", "linux", "system", "--no-input")
    (program,) = job.place.glob("build/lamplight/*/*/lamplight-1.0/usr/bin/lamplight")
    return Game([str(program)], program.parents[2], System(library_folder=program.parent))


def nuitka_module(job: Job) -> Game:
    """The package compiled into one extension module, in a game that is not frozen. This is faster than a standalone build."""
    found = job.run(job.python, "-c", "import sudomimus_bridge; print(sudomimus_bridge.__path__[0])").strip()
    job.run(*_nuitka(job), "--module", "--include-package=sudomimus_bridge", found)
    for module in job.source.glob("*.py"):
        shutil.copyfile(module, job.place / module.name)
    return Game([str(job.python), str(job.place / "__main__.py")], job.place)


def nuitka_part(job: Job) -> Game:
    """The fewest compiled modules that show Nuitka's differences: lazy names, and lambdas that `ExceptionGroup.split` refuses.

    The rest of the bridge stays source code beside them. This is quick enough for CI.
    """
    find = "import anyio, sudomimus_bridge as bridge; print(anyio.__path__[0]); print(bridge.__path__[0])"
    anyio, bridge = map(Path, job.run(job.python, "-c", find).splitlines())
    for package in (anyio, bridge):
        shutil.copytree(package, job.place / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    backend, ours = job.place / "anyio" / "_backends", job.place / "sudomimus_bridge"
    quick: list[str | Path] = [job.python, "-m", "nuitka", "--module", "--assume-yes-for-downloads", "--lto=no"]
    job.run(*quick, "--nofollow-imports", backend / "_asyncio.py", folder=backend)
    job.run(*quick, "--follow-import-to=sudomimus_bridge._public", "--include-package=sudomimus_bridge._runs", ours)
    compiled = [*(ours / "_public").glob("*.py"), *(ours / "_runs").glob("*.py")]
    for source in (backend / "_asyncio.py", ours / "__init__.py", *compiled):
        source.unlink()
    for module in job.source.glob("*.py"):
        shutil.copyfile(module, job.place / module.name)
    return Game([str(job.python), str(job.place / "__main__.py")], job.place)


def nuitka_standalone(job: Job) -> Game:
    """A folder of compiled code."""
    job.run(*_nuitka(job), "--standalone", job.source / "__main__.py")
    return Game([str(job.place / "__main__.dist" / "__main__.bin")], job.place / "__main__.dist")


def nuitka_onefile(job: Job) -> Game:
    """One file of compiled code, which unpacks itself."""
    (job.place / "dist").mkdir()
    job.run(*_nuitka(job), "--onefile", "-o", "dist/lamplight", job.source / "__main__.py")
    return Game([str(job.place / "dist" / "lamplight")], job.place / "dist")


def _nuitka(job: Job) -> list[str | Path]:
    return [job.python, "-m", "nuitka", "--assume-yes-for-downloads", f"--nofollow-import-to={','.join(NOT_IN_A_GAME)}"]


FREEZERS: dict[str, tuple[Callable[[Job], Game], str | None]] = {
    "pyinstaller-onedir": (pyinstaller_onedir, "pyinstaller>=6.10"),
    "pyinstaller-onefile": (pyinstaller_onefile, "pyinstaller>=6.10"),
    "pyinstaller-windows": (pyinstaller_windows, None),
    "cx_freeze": (cx_freeze, "cx_Freeze>=8"),
    "zipapp": (zipapp_archive, ""),
    "shiv": (shiv, "shiv"),
    "briefcase": (briefcase, None),
    "nuitka-module": (nuitka_module, "nuitka"),
    "nuitka-part": (nuitka_part, "nuitka"),
    "nuitka-standalone": (nuitka_standalone, "nuitka"),
    "nuitka-onefile": (nuitka_onefile, "nuitka"),
}
"""Each freezer, and the package that provides it; None if it makes its own environment."""


def build(name: str, extra: str, source: Path = SAMPLE) -> Game:
    """Build a game in a virtual environment like that of a game's developer. Raises `CannotBuild`."""
    make, freezer = FREEZERS[name]
    place = BUILD / f"{name}-{extra or 'plain'}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    python = Path(sys.executable) if freezer is None else _environment(extra, freezer)
    return make(Job(source, python, place, extra))


def _environment(extra: str, freezer: str) -> Path:
    python = BUILD / (extra or "plain") / "bin" / "python"
    if not python.exists():
        run(PROJECT, sys.executable, "-m", "venv", python.parents[1])
    run(PROJECT, python, "-m", "pip", "install", "--quiet", _bridge(extra), "pygame-ce", *filter(None, [freezer]))
    return python


def _bridge(extra: str) -> str:
    return f"{PROJECT}[{extra}]" if extra else str(PROJECT)


def run(folder: Path, *command: str | Path, environ: dict[str, str] | None = None) -> str:
    """The output of a program, without settings of the bridge in its environment. Raises `CannotBuild` if it fails."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SUDOMIMUS_")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**kept, "PIP_DISABLE_PIP_VERSION_CHECK": "1", **(environ or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip() or f"exit status {done.returncode}").splitlines()[-1]
        raise CannotBuild(f"{Path(str(command[0])).name} said: {last}")
    return done.stdout
