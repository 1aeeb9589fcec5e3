"""Finds the bundle's modules on the disk, as Python itself does, even while Ren'Py reloads the script.

During a reload Ren'Py's importer is gone, and a login's thread may import a module at that moment. Without this module, a
package that Ren'Py's importer has loaded in part would then stay broken until the game ends.

This module runs on Python 3.9 (see `support`).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from pathlib import Path
from typing import Any

_NEEDED = {"anyio", "certifi", "h11", "httpcore", "httpx", "idna", "segno", "sniffio", "typing_extensions"}
NAMES = frozenset({"sudomimus_bridge", *_NEEDED})
"""The bundle's packages. Ren'Py finds the game's own."""


class _Loader(SourceFileLoader):
    """Writes no bytecode into the game's folder."""

    def set_data(self, path: str, data: Any, *, _mode: int = 0) -> None:
        pass


class _OnDisk:
    """A finder for `sys.meta_path`."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] in NAMES:
            for entry in path or [self._folder]:
                spec = FileFinder(entry, (_Loader, SOURCE_SUFFIXES)).find_spec(name, target)
                if spec is not None and spec.loader is not None:
                    return spec
        return None


def find_on_disk(gamedir: str) -> None:
    """Put a finder before Ren'Py's importer, which each reload creates again. Ren'Py itself finds a bundle in an archive."""
    folder = Path(gamedir).absolute() / "python-packages"
    if not (folder / "sudomimus_bridge" / "__init__.py").is_file():
        return
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "sudomimus_bridge" and hasattr(module, "__path__"):
            module.__path__ = [str(folder.joinpath(*name.split(".")))]
    sys.meta_path[:] = [_OnDisk(folder), *(finder for finder in sys.meta_path if not isinstance(finder, _OnDisk))]
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
