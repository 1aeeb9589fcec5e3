"""`renpy install` and `renpy uninstall`: they write the bundle into a game, update it, and remove it.

The installer owns the files that the manifest lists, and changes no other file. It also keeps scripts (.rpy) that the game's
author has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .._values.errors import ConfigurationError, system_words
from . import bundle
from .manifest import (
    PACKAGES,
    PATH,
    SCRIPTS,
    Manifest,
    clear_stage,
    digest,
    place,
    read_manifest,
    read_pip_target,
    write_manifest,
)

FIRST_RENPY = (8, 4)
"""The first Ren'Py whose official builds have a Python that can run the bridge (docs/contracts/renpy.md, "Which Ren'Py")."""


@dataclass
class Report:
    """What the installer did: the game's folder, the bridge's version, the packages, and notes."""

    game: Path
    version: str
    packages: list[str] = field(default_factory=list)
    """The names and versions of the packages that were installed with the bridge."""
    notes: list[str] = field(default_factory=list)
    """Notes for the game's author."""


def install(game_dir: Path) -> Report:
    """Install the bridge in the game at `game_dir`, or update it there. Raises `ConfigurationError`."""
    game = find_game(game_dir)
    with _writing(game):
        _clean_up(game)
        before = _installed(game) or Manifest()
        plan = _Plan(game, before)
        plan.report.notes += _notes_on_renpy(game)
        folders = before.folders | {f for path in [PATH, *plan.wanted] for f in _new_folders(game, path)}
        # Until the end, the manifest lists the files and digests of both versions, so an interrupted run can be repaired.
        during = {
            path: before.files.get(path, set()) | plan.after.get(path, set()) for path in before.files | plan.after
        }
        write_manifest(game, Manifest(plan.report.version, during, folders))
        for path, data in plan.wanted.items():
            if _digest_at(game, path) != digest(path, data):
                place(game, path, data)
        _remove(game, before.files.keys() - plan.after.keys(), before, plan.report)
        _prune(game, folders)
        write_manifest(game, Manifest(plan.report.version, plan.after, {f for f in folders if (game / f).is_dir()}))
    return plan.report


def uninstall(game_dir: Path) -> Report | None:
    """Remove the bridge from the game at `game_dir`. Returns None if it is not installed. Raises `ConfigurationError`."""
    game = find_game(game_dir)
    with _writing(game):
        _clean_up(game)
        manifest = _installed(game)
        if manifest is None:
            return None
        report = Report(game, manifest.version)
        _remove(game, manifest.files.keys(), manifest, report)
        _prune(game, manifest.folders - {SCRIPTS})
        (game / PATH).unlink(missing_ok=True)
        _prune(game, manifest.folders)
    return report


def find_game(game_dir: Path) -> Path:
    """The folder `game` of the project at `game_dir`, which may be that folder itself. Raises `ConfigurationError`."""
    try:
        folder = game_dir.expanduser().absolute()
        folder.resolve(), folder.is_dir()
    except (
        OSError,
        RuntimeError,
    ):  # RuntimeError: the ~ of an unknown user, or a loop of links
        raise ConfigurationError(
            f"{game_dir} is not a path on this computer. Pass the folder of a Ren'Py project."
        ) from None
    candidates = [folder / "game", *([folder] if folder.resolve().name == "game" else [])]
    for candidate in candidates:
        if candidate.is_dir() and any(_scripts_of(candidate)):
            return candidate
    if not folder.is_dir():
        raise ConfigurationError(f"There is no folder {folder}. Pass the folder of a Ren'Py project.")
    raise ConfigurationError(
        f"{folder} is not a Ren'Py project: it has no folder game with a script (.rpy, .rpyc or .rpa) in it. Pass the folder "
        "that Ren'Py's launcher shows for the project, or the game folder in it."
    )


def _scripts_of(game: Path) -> Iterator[Path]:
    for path in game.rglob("*.rp*"):
        if path.suffix in (".rpy", ".rpyc", ".rpa") and path.relative_to(game).parts[0] != SCRIPTS:
            yield path


def _installed(game: Path) -> Manifest | None:
    """The files of the bridge in a game, from the installer, its zip file or pip; None if there are none."""
    manifest, by_pip = read_manifest(game), read_pip_target(game)
    if manifest is None or by_pip is None:
        found = manifest or by_pip
    else:
        files = manifest.files | by_pip.files
        files = {path: manifest.files.get(path, set()) | by_pip.files.get(path, set()) for path in files}
        found = Manifest(manifest.version, files, manifest.folders | by_pip.folders)
    if found is not None:
        # If a newer zip file was unpacked over an older one, old modules remain that its list lacks.
        for module in (game / PACKAGES / "sudomimus_bridge").rglob("*.py"):
            found.files.setdefault(module.relative_to(game).as_posix(), set())
            found.folders |= {folder.as_posix() for folder in list(module.relative_to(game).parents)[:-2]}
    return found


def _notes_on_renpy(game: Path) -> list[str]:
    """A note if the game was made with a Ren'Py that cannot sign players in. Ren'Py writes that file into each build."""
    try:
        words = (game / "script_version.txt").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    version = tuple(int(number) for number in re.findall(r"\d+", words)[:3])
    if not version or version >= FIRST_RENPY:
        return []
    return [
        f"script_version.txt says that this game was made with Ren'Py {'.'.join(map(str, version))}. Players can sign in with "
        "Ren'Py 8.4 or later; with an earlier one the game starts and they play offline."
    ]


class _Plan:
    """The files that the game will have, determined before anything is changed."""

    def __init__(self, game: Path, before: Manifest) -> None:
        self.wanted: dict[str, bytes] = {}
        """The content of each file to write, by its path below `game`."""
        self.after: dict[str, set[str]] = {}
        """The files of the final manifest, with their digests: the files to write, and scripts that the author has changed."""
        self._game = game
        self._before = before
        bridge, *others = bundle.packages()
        self.report = Report(game, bridge.version)
        self._take(bridge)
        for package in others:
            self._take_unless_theirs(package)
        for path, source in bundle.scripts().items():
            self._script(f"{SCRIPTS}/{path}", source.read_bytes())

    def _take_unless_theirs(self, package: bundle.Package) -> None:
        paths = [f"{PACKAGES}/{module}" for module in sorted(package.modules)]
        theirs = [path for path in paths if _exists(self._game / path) and not self._before.owns(path)]
        if theirs:
            self.report.notes.append(
                f"The game has its own {package.name} ({', '.join(theirs)}), which stays as it is. The bridge was tested with "
                f"{package.version}: if a login fails, update the game's."
            )
        else:
            self._take(package)
            self.report.packages.append(f"{package.name} {package.version}")

    def _take(self, package: bundle.Package) -> None:
        for path, source in package.files.items():
            self._write(f"{PACKAGES}/{path}", source.read_bytes())

    def _write(self, path: str, data: bytes) -> None:
        self.wanted[path] = data
        self.after[path] = {digest(path, data)}

    def _script(self, path: str, data: bytes) -> None:
        """Write a script, unless the game's author has written or changed the existing one."""
        here, shipped, known = _digest_at(self._game, path), digest(path, data), self._before.files.get(path)
        if here is None or here == shipped or (known and here in known):
            self._write(path, data)
            return
        offered = f"{path}.new"
        if known is None or shipped not in known:
            self._write(offered, data)
            self.report.notes.append(
                f"{path} is yours and stays as it is. This version's is beside it, as {PurePosixPath(offered).name}. Copy "
                "what you need from it, then delete it."
            )
        else:
            self.report.notes.append(
                f"{path} has your changes and stays as it is. To get the original, delete it and install again."
            )
            if offered in self._before.files and _exists(self._game / offered):
                self.after[offered] = self._before.files[offered]
        if known is not None:
            self.after[path] = known | {shipped}


def _remove(game: Path, paths: Set[str], manifest: Manifest, report: Report) -> None:
    """Remove files, and the files that Python and Ren'Py compiled from them. Rename changed scripts instead."""
    for path in sorted(paths):
        here = _digest_at(game, path)
        file = game / path
        if path.endswith(".rpy") and here is not None and here not in manifest.files[path]:
            aside = _free_name(file)
            file.rename(aside)
            report.notes.append(f"{path} has your changes, so it is kept as {aside.name}, which Ren'Py does not load.")
        for made in [file, *_compiled_from(file)]:
            made.unlink(missing_ok=True)
        _remove_if_empty(file.parent / "__pycache__")


def _compiled_from(file: Path) -> Iterator[Path]:
    if file.suffix == ".rpy":
        yield file.with_suffix(".rpyc")
    elif file.suffix == ".py":
        yield file.with_suffix(".pyc")
        yield from (file.parent / "__pycache__").glob(f"{file.stem}.*.pyc")


def _clean_up(game: Path) -> None:
    """Remove the temporary file and the empty folder that an interrupted run may have left."""
    clear_stage(game)
    _remove_if_empty(game / SCRIPTS)


def _prune(game: Path, folders: set[str]) -> None:
    """Remove the empty ones of these folders, the deepest first."""
    for folder in sorted(folders, key=len, reverse=True):
        _remove_if_empty(game / folder)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def _new_folders(game: Path, path: str) -> Iterator[str]:
    """The folders that a file at `path` needs and that do not exist yet."""
    for parent in PurePosixPath(path).parents:
        if parent != PurePosixPath() and not (game / parent).exists():
            yield parent.as_posix()


def _digest_at(game: Path, path: str) -> str | None:
    """The digest of the file at `path`; None if there is no file."""
    try:
        return digest(path, (game / path).read_bytes())
    except FileNotFoundError:
        return None


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _free_name(file: Path) -> Path:
    """A free name for a backup beside the file. Ren'Py leaves .bak files out of a build."""
    names = (file.with_name(f"{file.name}{'.' + str(n) if n else ''}.bak") for n in range(1000))
    return next(name for name in names if not _exists(name))


@contextmanager
def _writing(game: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(
            f"{error.filename or game} cannot be written or read ({system_words(error)}). Correct that, then run the command "
            "again. It continues where it stopped."
        ) from None
