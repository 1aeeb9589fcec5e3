"""The files that a game gets: the part of the bridge that a login needs, and the packages which that part imports.

All files come from the installer's environment. They must be pure Python, because Ren'Py loads nothing else. A package that any
Python from 3.11 on needs is included, because the game's Python may have another version than the installer's.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .._values.errors import ConfigurationError

BRIDGE = "sudomimus-bridge"

REQUIREMENTS = ("httpx", "httpcore", "anyio", "certifi", "segno", "typing_extensions")
"""The packages that the bundled part imports. The bridge's other requirements are for the sidecar, which is not bundled."""

_HERE = Path(__file__).resolve().parent
SCRIPTS = _HERE / "game"
"""The .rpy files, laid out as in the game's folder `sudomimus`."""

_FOLDERS = ("_browser", "_login", "_program", "_public", "_renpy", "_runs", "_service", "_session", "_values", "steam")
_INSTALLER = {"bundle.py", "installer.py", "manifest.py"}
_COMPILED = {".so", ".pyd", ".dylib", ".dll"}
_LEFT_OUT = {".pyc", ".pyi", ".rpyc", ".rpymc"}
_PYTHONS = range(11, 20)


@dataclass(frozen=True)
class Package:
    """One distribution and its files, by their path below `python-packages`."""

    name: str
    version: str
    files: dict[str, Path]

    @property
    def modules(self) -> set[str]:
        """The names of its top-level modules."""
        tops = {path.partition("/")[0] for path in self.files}
        return {top for top in tops if not top.endswith(".dist-info")}


def packages() -> list[Package]:
    """The bridge, then the packages that it needs, by name. Raises `ConfigurationError` if one is missing or compiled."""
    return [_bridge(), *sorted((_package(dist) for dist in _closure()), key=lambda package: package.name)]


def scripts() -> dict[str, Path]:
    """The .rpy files by their path below `sudomimus`."""
    return {path.relative_to(SCRIPTS).as_posix(): path for path in _below(SCRIPTS)}


def _bridge() -> Package:
    package = _package(_distribution(BRIDGE))
    root = _HERE.parent
    code = [path for path in root.iterdir() if path.is_file() and path.name != "__main__.py"]
    for folder in _FOLDERS:
        code += (path for path in _below(root / folder) if SCRIPTS not in path.parents)
    ours = {path for path in code if not (path.parent == _HERE and path.name in _INSTALLER)}
    files = {path.relative_to(root.parent).as_posix(): path for path in sorted(ours) if path.suffix not in _LEFT_OUT}
    about = {path: file for path, file in package.files.items() if ".dist-info/" in path}
    return Package(package.name, package.version, files | about)


def _below(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in _LEFT_OUT and not path.name.startswith("."):
            yield path


def _closure() -> list[importlib.metadata.Distribution]:
    found: dict[str, importlib.metadata.Distribution] = {}
    wanted = list(REQUIREMENTS)
    while wanted:
        name = normal_name(wanted.pop())
        if name not in found:
            found[name] = _distribution(name)
            wanted += needed(found[name].requires or ())
    return list(found.values())


def needed(requires: Iterable[str]) -> list[str]:
    """The names of the distributions that this one requires on some Python from 3.11 on."""
    names = []
    for requirement in requires:
        name, _, marker = requirement.partition(";")
        if _may_hold(marker.strip()) and (match := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", name.strip())):
            names.append(match[0])
    return names


def _may_hold(marker: str) -> bool:
    """Whether an environment marker may be true in a game. Extras are never installed. True if the marker cannot be read."""
    if re.search(r"\bextra\s*==", marker):
        return False
    match = re.fullmatch(r"""python_(?:full_)?version\s*(<=|>=|<|>)\s*["']3\.(\d+)(?:\.\d+)*["']""", marker)
    if match is None:
        return True
    operator, minor = match[1], int(match[2])
    reached = {
        "<": _PYTHONS[0] < minor,
        "<=": _PYTHONS[0] <= minor,
        ">": _PYTHONS[-1] > minor,
        ">=": _PYTHONS[-1] >= minor,
    }
    return reached[operator]


def _distribution(name: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        raise ConfigurationError(
            f"{name} is not installed here, and a game needs it. Install the bridge with pip, which brings it: "
            f"python -m pip install --force-reinstall {BRIDGE}"
        ) from None


def _package(distribution: importlib.metadata.Distribution) -> Package:
    name, files = normal_name(distribution.metadata["Name"]), {}
    for file in distribution.files or ():
        if file.parts[0] == ".." or file.is_absolute() or "__pycache__" in file.parts or file.suffix in _LEFT_OUT:
            continue  # programs and manual pages, which lie outside the packages, and files that Python writes itself
        if file.suffix in _COMPILED:
            raise ConfigurationError(
                f"{name} is installed here with compiled code ({file.name}), which Ren'Py cannot load. Run the installer in "
                "an environment that has the pure Python package."
            )
        source = Path(str(distribution.locate_file(file)))
        if _belongs_in_game(file) and source.is_file():
            files[file.as_posix()] = source
    package = Package(name, distribution.version, files)
    if not package.modules and name != BRIDGE:
        raise ConfigurationError(
            f"{name} is installed here without a list of its files. Run the installer in a virtual environment that pip set up."
        )
    return package


def _belongs_in_game(file: importlib.metadata.PackagePath) -> bool:
    """Whether a file goes into the game: code, and from the metadata the summary and the licences, which must accompany it."""
    if not file.parts[0].endswith(".dist-info"):
        return "tests" not in file.parts and file.suffix != ".pth"
    return "licenses" in file.parts or bool(
        re.match(r"METADATA$|LICEN[CS]E|COPYING|NOTICE|AUTHORS", file.name, re.IGNORECASE)
    )


def normal_name(name: str) -> str:
    """A distribution's name in the normalised form by which package indexes compare names."""
    return re.sub(r"[-_.]+", "-", name).lower()
