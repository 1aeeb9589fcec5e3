"""The manifest: the list of the files that the installer or pip has put into a game. The installer's is a file in the game.

The installer writes it before it copies or removes anything, so that an interrupted installation can be repaired or undone.

Ren'Py documents `pip install --target game/python-packages`. pip lists each file in the RECORD of its package's metadata, with
a SHA-256. The installer treats these files as its own, so it updates or removes them, and the game has the scripts only
once.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import importlib.metadata
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from .._values.errors import ConfigurationError
from . import bundle

PACKAGES, SCRIPTS = "python-packages", "sudomimus"
"""The two folders below `game` that the installer writes to."""

PATH = f"{SCRIPTS}/installed.json"
_STAGE = f"{SCRIPTS}/.installing"
_FORMAT = 1


@dataclass
class Manifest:
    """Files and folders by their path below `game`."""

    version: str = ""
    files: dict[str, set[str]] = field(default_factory=dict)
    """Each file with the digests of its unchanged content. It has two while one version replaces another."""
    folders: set[str] = field(default_factory=set)
    """Folders that the first installation created."""

    def owns(self, path: str) -> bool:
        """Whether the installer wrote the file at `path`, or any file below that folder."""
        return path in self.files or any(file.startswith(f"{path}/") for file in self.files)


def read_manifest(game: Path) -> Manifest | None:
    """The manifest of a game; None if there is none. Raises `ConfigurationError` if it cannot be read or trusted."""
    try:
        text = (game / PATH).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise _unreadable(game) from None
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            raise ConfigurationError(
                f"{game / PATH} was written by another version of the bridge ({str(content.get('version'))[:40]}). "
                "Use that version, or a later one."
            )
        return _checked(content)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise _unreadable(game) from None


def write_manifest(game: Path, manifest: Manifest) -> None:
    """Write the manifest into the game, whole or not at all."""
    content = {
        "format": _FORMAT,
        "version": manifest.version,
        "files": {path: sorted(digests) for path, digests in sorted(manifest.files.items())},
        "folders": sorted(manifest.folders),
    }
    place(game, PATH, json.dumps(content, indent=1).encode() + b"\n")


def place(game: Path, path: str, data: bytes) -> None:
    """Write one file, whole or not at all."""
    target, stage = game / path, game / _STAGE
    target.parent.mkdir(parents=True, exist_ok=True)
    stage.parent.mkdir(parents=True, exist_ok=True)
    stage.write_bytes(data)
    stage.replace(target)


def clear_stage(game: Path) -> None:
    """Remove the half-written file that an interrupted installation may have left."""
    (game / _STAGE).unlink(missing_ok=True)


def digest(path: str, data: bytes) -> str:
    """The SHA-256 of a file's content. A script's line ends are ignored, because version control may change them."""
    if path.endswith(".rpy"):
        data = data.replace(b"\r\n", b"\n")
    return hashlib.sha256(data).hexdigest()


def _checked(content: dict[str, Any]) -> Manifest:
    files = {str(path): {str(one) for one in digests} for path, digests in content["files"].items()}
    folders = {str(path) for path in content["folders"]}
    # A game's folder may come from a stranger, and the installer removes the files that are listed here.
    for path in [*files, *folders]:
        parts = PurePosixPath(path).parts
        if (
            not parts
            or parts[0] not in (PACKAGES, SCRIPTS)
            or ".." in parts
            or "\\" in path
            or ":" in path
            or "\0" in path
        ):
            raise ValueError
    return Manifest(str(content["version"]), files, folders)


def _unreadable(game: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{game / PATH}, the list of installed files, cannot be read. Restore it from a copy of the game, or delete it: then "
        "the packages that were installed before count as the game's own."
    )


def read_pip_target(game: Path) -> Manifest | None:
    """The files of the bridge and of the packages that pip installed with it, as a manifest; None if pip did not install it.

    A package counts as the game's own if pip was asked for it, or if a package outside of this set needs it.
    """
    installed = {
        bundle.normal_name(dist.metadata["Name"]): dist
        for dist in importlib.metadata.distributions(path=[str(game / PACKAGES)])
        if dist.read_text("INSTALLER") and dist.metadata["Name"]
    }
    bridge = installed.get(bundle.BRIDGE)
    if bridge is None:
        return None
    ours = _closure(installed)
    while kept := _needed_by_game(installed, ours):
        ours -= kept
    manifest = Manifest(bridge.version, folders={PACKAGES})
    for name in ours:
        _add_files(manifest, installed[name])
    return manifest


def _closure(installed: dict[str, importlib.metadata.Distribution]) -> set[str]:
    ours, wanted = set[str](), [bundle.BRIDGE]
    while wanted:
        name = wanted.pop()
        if name not in ours and name in installed:
            asked_for = installed[name].read_text("REQUESTED") is not None
            if name == bundle.BRIDGE or not asked_for:
                ours.add(name)
                wanted += _needs(installed[name])
    return ours


def _needed_by_game(installed: dict[str, importlib.metadata.Distribution], ours: set[str]) -> set[str]:
    of_game = [dist for name, dist in installed.items() if name not in ours]
    return {name for dist in of_game for name in _needs(dist)} & ours - {bundle.BRIDGE}


def _needs(dist: importlib.metadata.Distribution) -> list[str]:
    return [bundle.normal_name(name) for name in bundle.needed(dist.requires or ())]


def _add_files(manifest: Manifest, dist: importlib.metadata.Distribution) -> None:
    # `Distribution.files` omits files that it does not find, so from Python 3.12 on it lacks the programs of pip's `bin` folder.
    for path, digest, *_ in csv.reader((dist.read_text("RECORD") or "").splitlines()):
        parts = PurePosixPath(path).parts
        if parts[:2] == (
            "..",
            "..",
        ):  # programs and manual pages, which pip moves into the target; RECORD has other paths
            parts = parts[2:]
        if ".." in parts or path.startswith("/") or "__pycache__" in parts:
            continue
        hexadecimal = set[str]()
        if digest.startswith("sha256="):
            encoded = digest.removeprefix("sha256=")
            hexadecimal = {base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).hex()}
        manifest.files["/".join((PACKAGES, *parts))] = hexadecimal
        manifest.folders |= {"/".join((PACKAGES, *parts[:depth])) for depth in range(1, len(parts))}
