"""Builds the single file and prints its path: python packaging/build_sidecar.py [DESTINATION]

A file that was built from the same sources with the same tools is reused from build/sidecar.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import contents

HERE = Path(__file__).parent
CACHE = HERE.parent / "build" / "sidecar"
NAME = "sudomimus-bridge-sidecar" + (".exe" if sys.platform == "win32" else "")


class CannotBuild(Exception):
    """The file cannot be built. The message says what is missing."""


def build() -> Path:
    """The single file of the current sources."""
    with _locked():
        built = CACHE / _content() / NAME
        if not built.exists():
            _require_tools()
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                _run_pyinstaller(Path(folder))
                built.parent.mkdir(exist_ok=True)
                os.replace(Path(folder, "dist", NAME), built)  # noqa: PTH105 - the path never shows half a file
            _forget_all_but(3)
        return built


def _forget_all_but(newest: int) -> None:
    """Keep the newest files: a test may still use one of them."""
    for old in sorted(CACHE.glob(f"*/{NAME}"), key=lambda path: path.stat().st_mtime)[:-newest]:
        shutil.rmtree(old.parent)


def _require_tools() -> None:
    try:
        version("pyinstaller")
    except PackageNotFoundError:
        raise CannotBuild("PyInstaller is needed to build the single file: make tools") from None
    if sys.platform != "win32" and not sysconfig.get_config_var("Py_ENABLE_SHARED") and sys.platform != "darwin":
        raise CannotBuild("A Python with a shared library (--enable-shared) is needed to build the single file.")


def _run_pyinstaller(folder: Path) -> None:
    arguments = ["--noconfirm", "--distpath", str(folder / "dist"), "--workpath", str(folder / "work")]
    done = subprocess.run(
        [sys.executable, "-m", "PyInstaller", *arguments, "--log-level", "WARN", str(HERE / "sidecar.spec")],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotBuild(f"PyInstaller ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def _content() -> str:
    """A hash of all sources and tools that go into the file."""
    digest = hashlib.sha256()
    for name in sorted({"pyinstaller", "pyinstaller-hooks-contrib", *contents.PACKAGES} - {"sudomimus_bridge"}):
        try:
            digest.update(f"{name} {version(name)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"{name} is not installed\n".encode())
    digest.update(f"{sys.version} {sysconfig.get_platform()}\n".encode())
    sources = [path for path in HERE.iterdir() if path.is_file()]
    for path in sorted([*sources, *(contents.BRIDGE / "sudomimus_bridge").rglob("*.py")]):
        digest.update(f"{path.relative_to(HERE.parent).as_posix()}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _locked() -> Iterator[None]:
    """Wait for a build that runs in another process: it may make the same file."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(destinations: list[str]) -> int:
    """Build the file and copy it to the destinations."""
    try:
        built = build()
    except CannotBuild as error:
        print(error, file=sys.stderr)
        return 1
    for destination in destinations:
        Path(destination).mkdir(parents=True, exist_ok=True)
        built = Path(shutil.copy2(built, destination))
    print(built)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
