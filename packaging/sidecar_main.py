"""Where the single file begins: `sidecar` without Python around it, nor any other command."""

from __future__ import annotations

import atexit
import os
import shutil
import sys


def _own_environment() -> None:
    """Give back to children, a browser above all, the environment that the launcher gave.

    The file's unpacker has put its own libraries before the system's, which is read once, at the start of a process:
    https://pyinstaller.org/en/stable/runtime-information.html, "LD_LIBRARY_PATH / LIBPATH considerations".
    """
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH"):
        original = os.environ.pop(f"{name}_ORIG", None)
        if original is not None:
            os.environ[name] = original
        elif name in os.environ:
            del os.environ[name]
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]


def _remove_what_was_unpacked(unpacker: int) -> None:
    """The unpacker removes its folder once we have ended. Where it was killed, nobody would."""
    if os.getppid() != unpacker:
        shutil.rmtree(sys._MEIPASS, ignore_errors=True)  # type: ignore[attr-defined]


def main() -> int:
    """Serve. The word `sidecar` may stand first, so that a launcher starts this file and an installed bridge alike."""
    _own_environment()
    atexit.register(_remove_what_was_unpacked, os.getppid())
    if sys.argv[1:2] not in (["sidecar"], ["--version"]):
        sys.argv.insert(1, "sidecar")
    from sudomimus_bridge._cli.main import main as bridge

    return bridge()


if __name__ == "__main__":
    sys.exit(main())
