"""Folders that the bridge makes for this user alone (mode 0700), whatever the umask is.

With a umask of 0, everybody could write into a folder above the tokens; with 0777, the bridge itself could not. The umask
belongs to the whole program, so the bridge leaves it alone, and sets the mode after it has made the folder. Until then the
folder has fewer rights, never more.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

PRIVATE = 0o700


def make_private_folder(folder: Path) -> None:
    """Make the folder, and each missing folder above it. An existing folder stays as it is. Raises `OSError`."""
    try:
        _make(folder)
    except FileNotFoundError:
        if folder.parent == folder:
            raise
        make_private_folder(folder.parent)
        _make(folder)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(PRIVATE)
    except OSError:
        if not folder.is_dir():
            raise
    else:
        folder.chmod(PRIVATE)


class TemporaryFolder(TemporaryDirectory[str]):
    """A private folder that is removed with `cleanup`, at the end of a `with` block, or when the program ends."""

    def __init__(self, prefix: str, *, ignore_cleanup_errors: bool = False) -> None:
        super().__init__(prefix=prefix, ignore_cleanup_errors=ignore_cleanup_errors)
        Path(self.name).chmod(PRIVATE)
