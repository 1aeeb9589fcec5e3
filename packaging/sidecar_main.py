"""The entry point of the single file, which has only the command `sidecar`."""

from __future__ import annotations

import atexit
import os
import shutil
import sys


def _restore_environment() -> None:
    """Restore the launcher's environment for child processes, such as a browser.

    PyInstaller's unpacker puts its own libraries before the system's:
    https://pyinstaller.org/en/stable/runtime-information.html, "LD_LIBRARY_PATH / LIBPATH considerations". This process has
    read the variable at its start and does not need it any more.
    """
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH"):
        original = os.environ.pop(f"{name}_ORIG", None)
        if original is not None:
            os.environ[name] = original
        elif name in os.environ:
            del os.environ[name]
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]


def _remove_unpacked_folder(unpacker: int) -> None:
    """Remove the unpacked folder if the unpacker was killed. Otherwise the unpacker removes it after this process."""
    if os.getppid() != unpacker:
        shutil.rmtree(sys._MEIPASS, ignore_errors=True)  # type: ignore[attr-defined]


def main() -> int:
    """Serve. The first argument may be `sidecar`, so that a launcher starts this file like an installed bridge."""
    _restore_environment()
    atexit.register(_remove_unpacked_folder, os.getppid())
    if sys.argv[1:2] not in (["sidecar"], ["--version"]):
        sys.argv.insert(1, "sidecar")
    from sudomimus_bridge._cli.main import main as bridge

    return bridge()


if __name__ == "__main__":
    sys.exit(main())
