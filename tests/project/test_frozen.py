"""Specifies that a frozen pygame sample works: it signs in, follows an errand, and is still signed in without Steam.

`make frozen` does the same with every freezer, each in a virtual environment of its own.
"""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytestmark = pytest.mark.once

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
BRIDGE = PACKAGING.parent / "bridge" / "sudomimus_bridge"

pytest.importorskip("pygame", reason="pygame-ce is needed: pip install pygame-ce")

GOOD = {
    "starts": "yes",
    "signs in, with an errand": "yes",
    "keeps the session": "yes",
    "at rest": "plain",
    "names an absent Steam": "yes",
}


@pytest.fixture
def freezers(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(PACKAGING)
    return importlib.import_module("freezers")


def played(freezers: Any, name: str, folder: Path) -> Any:
    folder.mkdir()
    try:
        game = freezers.FREEZERS[name][0](freezers.Job(freezers.SAMPLE, Path(sys.executable), folder))
    except freezers.CannotBuild as reason:
        pytest.fail(str(reason))
    return importlib.import_module("frozen_play").play(game.command, game.folder)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' builds are made from Linux: make frozen")
@pytest.mark.usefixtures("stub_library")
def test_pyinstaller(freezers: Any, tmp_path: Path) -> None:
    if importlib.util.find_spec("PyInstaller") is None:
        pytest.skip("PyInstaller is needed: make tools")
    assert played(freezers, "pyinstaller-onedir", tmp_path / "game") == GOOD


@pytest.mark.parametrize("name", ["nuitka-part", "nuitka-module"])
@pytest.mark.skipif(sys.platform == "win32", reason="Nuitka is tested with this system's C compiler")
@pytest.mark.usefixtures("stub_library")
def test_nuitka(freezers: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soak: int, name: str) -> None:
    """A part of the package, or all of it: compiled modules show the faults of a whole program, and are quicker to make."""
    if name == "nuitka-module" and soak < 2:
        pytest.skip("Nuitka compiles the whole package for minutes: pass --soak 2")
    if importlib.util.find_spec("nuitka") is None or shutil.which("cc") is None:
        pytest.skip("Nuitka and a C compiler are needed: make tools")
    monkeypatch.setenv("CCFLAGS", "-O0")  # a quarter of the time
    assert played(freezers, name, tmp_path / "game") == GOOD


def test_every_module_of_the_bridge_is_imported_by_a_literal_statement() -> None:
    """Freezers follow import statements. They do not find a module whose name is computed or is a string."""
    hidden = []
    for path in BRIDGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "attr", None) or getattr(
                getattr(node, "func", None), "id", None
            )
            if isinstance(node, ast.Call) and name in ("import_module", "__import__"):
                argument = node.args[0]
                outside = isinstance(argument, ast.Constant) and not str(argument.value).startswith(
                    (".", "sudomimus_bridge")
                )
                if not outside and path.name != "steamworkspy.py":  # SteamworksPy lies where the game says
                    hidden.append(f"{path.name}:{node.lineno}")
    assert hidden == []
