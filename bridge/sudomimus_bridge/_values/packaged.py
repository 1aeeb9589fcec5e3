"""The folders of a frozen program: those of the files inside its package, and those beside the file that the player starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any


def shipped_in() -> list[Path]:
    """The folders of the files that were frozen with the program; none if it is not frozen."""
    places = [getattr(sys, "_MEIPASS", None), sys.prefix if getattr(sys, "frozen", False) else None]
    return [Path(place) for place in places if place]


def is_shipped(path: str) -> bool:
    """Whether the file at `path` was frozen with the program."""
    file = os.path.normcase(os.path.abspath(path))  # noqa: PTH100 - raises nothing for an impossible path
    return any(file.startswith(os.path.normcase(os.path.abspath(folder)) + os.sep) for folder in shipped_in())  # noqa: PTH100


def places_of_program(environ: Mapping[str, str] = os.environ) -> Iterator[tuple[str, Path]]:
    """The folders in which a game's libraries may lie beside the file that the player starts, each with its description.

    The `__main__` of a zipapp lies inside the archive, so the folder is the archive's. Nuitka's onefile executable unpacks
    itself into another folder; `containing_dir` is the folder of the executable.
    """
    main = sys.modules.get("__main__")
    if file := getattr(main, "__file__", None):
        yield "beside the program", _folder_outside_archives(Path(file))
    if containing := getattr(_compiled(main), "containing_dir", None):
        yield "beside the compiled program", Path(containing)
    if sys.executable:
        executable = Path(sys.executable).absolute()
        yield "beside the executable", executable.parent
        if executable.resolve().parent != executable.parent:  # a link, as in a virtual environment
            yield "beside the executable's target", executable.resolve().parent
    if sys.argv and os.path.isfile(sys.argv[0]):  # noqa: PTH113 - it raises nothing
        yield "beside the started file", Path(sys.argv[0]).resolve().parent
    if image := environ.get("APPIMAGE"):
        yield "beside the AppImage", Path(image).parent
    with suppress(FileNotFoundError):  # it may have been removed since
        yield "in the working directory", Path.cwd()


def _folder_outside_archives(file: Path) -> Path:
    folder = file.resolve().parent
    return next((each.parent for each in (folder, *folder.parents) if os.path.isfile(each)), folder)  # noqa: PTH113


def _compiled(main: Any) -> Any:
    """Nuitka's object about the compilation; None if Nuitka did not compile the program."""
    return getattr(main, "__compiled__", None) or globals().get("__compiled__")
