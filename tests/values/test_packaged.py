"""Specifies where a packaged game's libraries are searched, and which files count as frozen with it."""

from __future__ import annotations

import subprocess
import sys
import zipapp
from pathlib import Path
from types import SimpleNamespace

import pytest

from sudomimus_bridge._values import packaged
from sudomimus_bridge._values.packaged import is_shipped, places_of_program

from ..helpers.patience import PATIENCE

BRIDGE = Path(packaged.__file__).parents[2]


@pytest.mark.parametrize("working_directory", [".", "elsewhere"])
def test_beside_a_zipapp(working_directory: str, tmp_path: Path) -> None:
    """The program's `__main__` is inside the archive, which is not a folder."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "__main__.py").write_text(
        "from sudomimus_bridge.steam._library import find_library\nprint(find_library(None))\n"
    )
    (tmp_path / "shipped").mkdir()
    (tmp_path / "elsewhere").mkdir()
    zipapp.create_archive(source, tmp_path / "shipped" / "game.pyz")
    library = tmp_path / "shipped" / packaged_library_name()
    library.touch()
    done = subprocess.run(
        [sys.executable, "-I", "-c", START.format(bridge=str(BRIDGE), archive=str(tmp_path / "shipped" / "game.pyz"))],
        cwd=tmp_path / working_directory,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout.strip() == str(library.resolve()), done.stderr


START = """
import runpy, sys
sys.path.insert(0, {bridge!r})
sys.argv[0] = {archive!r}
runpy.run_path({archive!r}, run_name="__main__")
"""


def packaged_library_name() -> str:
    from sudomimus_bridge.steam._library import library_name

    return library_name()


def test_beside_an_executable_that_nuitka_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A one-file program: `__file__` and `sys.executable` are in the folder where it unpacked itself."""
    compiled = SimpleNamespace(containing_dir=str(tmp_path / "shipped"))
    main = SimpleNamespace(__file__=str(tmp_path / "unpacked" / "game.py"), __compiled__=compiled)
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "unpacked" / "python3"))
    assert tmp_path / "shipped" in [folder for _, folder in places_of_program({})]


def test_beside_the_file_that_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path.resolve() / "shipped"
    folder.mkdir()
    (folder / "game").touch()
    for argv, found in (([str(folder / "game")], True), (["-c"], False), ([], False)):
        monkeypatch.setattr(sys, "argv", argv)
        assert (folder in [place for _, place in places_of_program({})]) is found


def test_beside_an_appimage(tmp_path: Path) -> None:
    """`sys.executable` is in the image, which is mounted in another folder."""
    found = [folder for _, folder in places_of_program({"APPIMAGE": str(tmp_path / "game.AppImage")})]
    assert tmp_path in found


@pytest.mark.parametrize("attribute", ["frozen", "_MEIPASS"])
def test_files_that_were_frozen_with_the_program(
    attribute: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = str(tmp_path / "game" / "share" / "certs.pem"), str(tmp_path / "game-2" / "certs.pem")
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "game"))
    assert not is_shipped(inside)
    monkeypatch.setattr(sys, attribute, str(tmp_path / "game"), raising=False)
    assert is_shipped(inside)
    assert not is_shipped(outside)
