"""Specifies the content of the source archive and the wheel: the files under version control, and no others."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")

PROJECT = Path(__file__).resolve().parents[2]
# Only git needs this file.
CHECKOUT_ONLY = {".gitignore"}
PLANTED = [
    "key.pem",
    ".env",
    "venv/pyvenv.cfg",
    "venv/lib/python3/site-packages/module.py",
    "tests/.venv-3.12/lib/module.py",
    "bridge/key.pem",
    "bridge/sudomimus_bridge/key.pem",
    "bridge/sudomimus_bridge/emulator/token.txt",
    "bridge/sudomimus_bridge/venv/lib/module.py",
    "docs/client-key.pem",
    "native/build/libsteam_api.so",
    "native/libsteam_api.so",
    "packaging/signing.key",
    "sample_game/launcher/node_modules/package/index.js",
    "sample_game/renpy/game/saves/persistent",
    "tests/.env",
    "tests/data/recording.har",
    "tests/id_rsa",
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, with files of a developer added in each folder."""
    copy = tmp_path_factory.mktemp("project")
    for name in [*_tracked(), ".gitignore"]:
        if (PROJECT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(PROJECT / name, copy / name)
    for name in PLANTED:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text("a developer's own")
    return copy


def _tracked() -> set[str]:
    """The files of the project: git's list, or all files in an unpacked archive, which has no git."""
    if (PROJECT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, capture_output=True, check=True, text=True)
        return {name for name in listed.stdout.split("\0") if (PROJECT / name).is_file()}
    hidden = (".venv", ".git", ".mypy", ".pytest", ".ruff", ".hypothesis", "build", "dist", "__pycache__")
    files = (path.relative_to(PROJECT) for path in PROJECT.rglob("*") if path.is_file())
    return {file.as_posix() for file in files if not any(part.startswith(hidden) for part in file.parts)} - {"PKG-INFO"}


def _build(project: Path, kind: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", str(folder)]
    built = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (archive,) = folder.iterdir()
    return archive


def test_source_archive_has_the_project_and_no_files_of_a_developer(project: Path, tmp_path: Path) -> None:
    with tarfile.open(_build(project, "sdist", tmp_path)) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    assert not packed & set(PLANTED)
    assert packed - {"PKG-INFO"} - CHECKOUT_ONLY == _tracked() - CHECKOUT_ONLY


def test_wheel_has_the_package_and_no_files_of_a_developer(project: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(_build(project, "wheel", tmp_path)) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = {name.removeprefix("bridge/") for name in _tracked() if name.startswith("bridge/")}
    assert packed == package | {"sudomimus_bridge/testing/native/steam_api_stub.c"}
