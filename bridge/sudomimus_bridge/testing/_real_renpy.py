"""Finds a Ren'Py on this machine, for the sample and the tests. Changes a copy of Debian 12's so that it runs on Python 3.11."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

DEBIAN = Path("/usr/share/games/renpy")
DEBIANS_PYTHON = "/usr/bin/python3"


class NoRenpy(Exception):
    """This machine has no Ren'Py. The message says how to get one."""


def renpy_command() -> list[str]:
    """The command that starts Ren'Py, to which the caller appends the project and `run`. Raises `NoRenpy`."""
    if sdk := os.environ.get("RENPY"):
        return _of_sdk(Path(sdk).expanduser())
    if (DEBIAN / "renpy.py").is_file() and Path(DEBIANS_PYTHON).exists():
        return [DEBIANS_PYTHON, str(debians_copy() / "renpy.py")]
    if found := shutil.which("renpy.sh") or shutil.which("renpy"):
        return [found]
    raise NoRenpy(
        "There is no Ren'Py here: set RENPY to the folder of its SDK (https://www.renpy.org), or on Debian: apt-get install renpy"
    )


def _of_sdk(folder: Path) -> list[str]:
    name = "renpy.exe" if sys.platform == "win32" else "renpy.sh"
    if not (folder / name).is_file():
        raise NoRenpy(f"There is no {name} in {folder}, which RENPY names. Set RENPY to the folder of Ren'Py's SDK.")
    return [str(folder / name)]


def debians_copy() -> Path:
    """The folder of a copy of Debian's Ren'Py 8.0.3 that runs on Python 3.11.

    The copy is kept for later runs. Raises `NoRenpy` if Debian's is not installed, or if another user made the copy.
    """
    broken = DEBIAN / "renpy" / "sl2" / "slast.py"
    if not broken.is_file() or not Path(DEBIANS_PYTHON).exists():
        raise NoRenpy("Debian's Ren'Py is not installed: apt-get install renpy")
    copy = Path(tempfile.gettempdir()) / f"sudomimus-bridge-renpy-{os.getuid()}-{int(broken.stat().st_mtime)}"
    if not copy.exists():
        with tempfile.TemporaryDirectory(prefix="sudomimus-bridge-renpy-") as folder:
            fresh = Path(folder) / "renpy"
            shutil.copytree(DEBIAN, fresh)
            _mend(fresh / "renpy" / "sl2" / "slast.py")
            try:
                fresh.rename(copy)
            except OSError:
                if not copy.exists():  # another process has made the copy first
                    raise
    if hasattr(os, "getuid") and copy.stat().st_uid != os.getuid():
        raise NoRenpy(f"{copy} belongs to another user, so it is not run. Remove it.")
    return copy


def _mend(path: Path) -> None:
    """Make Ren'Py 8.0.3 remove wrong line ranges from a screen's expressions, which Python 3.11 refuses to compile."""
    source = path.read_text(encoding="utf-8")
    after = "    ast.fix_missing_locations(expr)\n"
    mend = (
        "    for part in ast.walk(expr):\n"
        "        if hasattr(part, 'end_lineno'):\n"
        "            part.end_lineno = part.end_col_offset = None\n"
    )
    if mend not in source:
        path.write_text(source.replace(after, after + mend), encoding="utf-8")
