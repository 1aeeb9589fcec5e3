"""Specifies a Ren'Py that cannot sign a player in: its Python is 3.9 or lacks modules, or it runs on the Web or a phone.

The game starts, `status` is "failed", and `error` says in one sentence what a sign-in needs.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from sudomimus_bridge._renpy import bundle, support
from sudomimus_bridge._renpy.installer import install
from sudomimus_bridge._renpy.support import UnsupportedDoor, what_is_missing
from sudomimus_bridge._renpy.texts import UNSUPPORTED

from ..helpers.renpy_helpers import interpreter

_PACKAGE = Path(support.__file__).parents[1]
_FIRST_IMPORTED = [
    *("__init__.py", "_version.py", "_renpy/__init__.py", "_renpy/imports.py"),
    *("_renpy/store.py", "_renpy/support.py", "_renpy/texts.py"),
]
"""The modules that a game imports before it knows whether a player can sign in."""

_PROGRAM = """
import json, sys, types
game, blocked, platform, version = json.loads(sys.argv[1])
renpy = types.ModuleType("renpy")
renpy.emscripten = renpy.android = renpy.ios = False
if platform:
    setattr(renpy, platform, True)
sys.modules["renpy"] = renpy
if version:
    sys.version_info = tuple(version)

class Without:
    def find_spec(self, name, path=None, target=None):
        if name in blocked:
            raise ModuleNotFoundError("no module named " + name, name=name)

for name in blocked:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Without())
sys.path.insert(0, game + "/python-packages")

from sudomimus_bridge._renpy.imports import find_on_disk
find_on_disk(game)
from sudomimus_bridge._renpy.store import focus_rank, make_live, the_door
from sudomimus_bridge._renpy import texts

module = types.ModuleType("store.sudomimus")
make_live(module)
door = the_door()
door.log = lambda line: None
door.login({})
door.share()
door.tick()
print(json.dumps({
    "supported": door.supported, "status": module.status, "error": module.error, "player": module.player,
    "missing": door.missing, "rank": focus_rank("busy"),
    "modules": sorted(name for name in sys.modules if name.partition(".")[0] == "sudomimus_bridge"),
}))
"""


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project") / "game"
    folder.mkdir()
    (folder / "script.rpy").write_text("label start:\n    return\n")
    install(folder.parent)
    return folder


def told(
    python: str,
    game: Path,
    *,
    blocked: tuple[str, ...] = (),
    platform: str | None = None,
    version: tuple[int, ...] | None = None,
) -> dict[str, object]:
    given = json.dumps([str(game), blocked, platform, version])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python, "-I", "-B", "-c", _PROGRAM, given]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize(
    ("blocked", "platform", "version", "names"),
    [
        (("ssl", "_ssl"), None, None, "_ssl, ssl"),
        (("ctypes", "_ctypes"), None, None, "_ctypes, ctypes"),
        (("asyncio", "socket", "_socket", "select"), None, None, "_socket, asyncio, select, socket"),
        ((), "emscripten", None, "emscripten"),
        ((), "android", None, "android"),
        ((), "ios", None, "ios"),
        ((), None, (3, 9, 10), "3.9"),
    ],
)
def test_game_says_what_a_sign_in_needs(
    game: Path, blocked: tuple[str, ...], platform: str | None, version: tuple[int, ...] | None, names: str
) -> None:
    answer = told(sys.executable, game, blocked=blocked, platform=platform, version=version)
    assert (answer["supported"], answer["status"], answer["player"]) == (False, "failed", None)
    assert answer["error"] == UNSUPPORTED
    assert names in str(answer["missing"])
    assert "sudomimus_bridge._renpy.door" not in str(answer["modules"])


def test_game_that_can_sign_in_gets_the_real_door(game: Path) -> None:
    answer = told(sys.executable, game)
    assert (answer["supported"], answer["missing"]) == (True, None)
    assert answer["error"] != UNSUPPORTED  # the door says that no application is set


def test_game_starts_on_python_3_9(game: Path) -> None:
    answer = told(interpreter("3.9"), game)
    assert answer["error"] == UNSUPPORTED
    imported = {_path_of(str(name)) for name in answer["modules"]}  # type: ignore[attr-defined]
    assert imported == set(_FIRST_IMPORTED)


@pytest.mark.parametrize("file", _FIRST_IMPORTED)
def test_first_imported_modules_are_written_for_python_3_9(file: str) -> None:
    ast.parse((_PACKAGE / file).read_text(encoding="utf-8"), feature_version=(3, 9))


def test_scripts_are_written_for_python_3_9() -> None:
    blocks = 0
    for script in bundle.scripts().values():
        text = script.read_text(encoding="utf-8")
        for block in re.findall(r"^init[^\n]*python[^\n]*:\n((?:[ \t]+[^\n]*\n|\n)+)", text, re.MULTILINE):
            ast.parse(textwrap.dedent(block), feature_version=(3, 9))
            blocks += 1
    assert blocks >= 4


def test_module_that_cannot_be_imported_makes_a_game_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "_MODULES", ("sys", "no_such_module", "no_such_package.module"))
    assert "no_such_module, no_such_package.module" in str(what_is_missing(SimpleNamespace()))


def test_unsupported_door_has_every_member_that_scripts_use() -> None:
    used = {
        name
        for script in bundle.scripts().values()
        for name in re.findall(r"_the_door\(\)\.(\w+)", script.read_text(encoding="utf-8"))
    }
    assert len(used) > 10
    assert [name for name in sorted(used) if not hasattr(UnsupportedDoor("why"), name)] == []


def _path_of(module: str) -> str:
    path = _PACKAGE.parent.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return file.relative_to(_PACKAGE).as_posix()
