"""Specifies how the bundle's modules are found: on the disk, with and without Ren'Py's importer."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sudomimus_bridge._renpy import bundle
from sudomimus_bridge._renpy.imports import NAMES, find_on_disk

_REAL = "sudomimus_bridge", "segno"


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A game's python-packages. Only the bridge is imported, from a path that Ren'Py set."""
    folder = tmp_path / "python-packages"
    for name in ("sudomimus_bridge", "segno", "games_own"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
        (folder / name / "late.py").write_text(f"NAME = {name!r}\n")
    before = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in _REAL}
    for name in before:
        del sys.modules[name]
    bridge = ModuleType("sudomimus_bridge")
    bridge.__path__ = ["python-packages/sudomimus_bridge/"]
    sys.modules["sudomimus_bridge"] = bridge
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "site-packages" not in path])
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in (*_REAL, "games_own")]:
        del sys.modules[name]
    sys.modules.update(before)


def test_modules_are_found_before_ren_pys_importer_and_without_it(packages: Path) -> None:
    class RenPys:
        def find_spec(self, name: str, *_: Any) -> Any:
            assert name.partition(".")[0] not in NAMES
            return None

    plain = list(sys.meta_path)
    for round in range(2):
        sys.meta_path.insert(0, RenPys())
        find_on_disk(str(packages.parent))
        assert importlib.import_module("sudomimus_bridge.late").NAME == "sudomimus_bridge"
        assert round or not list(packages.rglob("*.pyc"))
        sys.meta_path[:] = plain  # as `quit_importer` does it
        del sys.modules["sudomimus_bridge.late"]
        assert importlib.import_module("sudomimus_bridge.late").NAME == "sudomimus_bridge"
        assert importlib.import_module("segno.late").NAME == "segno"
        if round:
            assert sys.path.count(str(packages)) == 1


def test_packages_of_the_game_are_left_to_ren_py(packages: Path) -> None:
    find_on_disk(str(packages.parent))
    sys.path.remove(str(packages))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("games_own")


def test_bundle_in_an_archive_is_left_to_ren_py(packages: Path, tmp_path: Path) -> None:
    before = list(sys.meta_path), list(sys.path)
    find_on_disk(str(tmp_path / "elsewhere"))
    assert (sys.meta_path, sys.path) == before


def test_every_package_of_the_bundle_is_found_on_the_disk() -> None:
    bundled = {module.removesuffix(".py") for package in bundle.packages() for module in package.modules}
    assert bundled <= NAMES
