"""Builds the zip file for Ren'Py projects whose authors have no Python: sudomimus-bridge-renpy-VERSION.zip.

python packaging/build_renpy_zip.py FOLDER

An author unpacks it into the project's folder `game`. It holds the files that `renpy install` writes, including their list, so
`renpy install` and `renpy uninstall` recognise the result.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path

from sudomimus_bridge._renpy.installer import install
from sudomimus_bridge._values.errors import BridgeError

_WRITTEN = (2020, 1, 1, 0, 0, 0)  # a fixed time, so that the same files give the same zip


def build(folder: Path) -> Path:
    """Write the zip file into a folder. Returns its path. Raises `BridgeError` as `renpy install` does."""
    with tempfile.TemporaryDirectory() as project:
        game = Path(project) / "game"
        game.mkdir()
        (game / "script.rpy").touch()
        report = install(game)
        (game / "script.rpy").unlink()
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / f"sudomimus-bridge-renpy-{report.version}.zip"
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(path for path in game.rglob("*") if path.is_file()):
                entry = zipfile.ZipInfo(file.relative_to(game).as_posix(), _WRITTEN)
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, file.read_bytes())
    return target


def main() -> int:
    """Build the zip in the folder that the command line names. Returns the exit status."""
    try:
        target = build(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
    except BridgeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    print(f"{target} ({target.stat().st_size / 1e6:.1f} MB)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
