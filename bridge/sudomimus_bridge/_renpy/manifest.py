"""The manifest: the list of the files that the installer put into a game. It lies in the game.

The installer writes it before it copies or removes anything, so that an interrupted installation can be repaired or undone.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from .._values.errors import ConfigurationError

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
    """Each file with the digests of its unchanged content: two while one version replaces another."""
    folders: set[str] = field(default_factory=set)
    """Folders that were not there before the first installation."""

    def owns(self, path: str) -> bool:
        """Whether the installer wrote the file at `path`, or any file below that folder."""
        return path in self.files or any(file.startswith(f"{path}/") for file in self.files)


def read_manifest(game: Path) -> Manifest | None:
    """The manifest of a game, None if there is none. Raises `ConfigurationError` if it cannot be read or trusted."""
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
    """The SHA-256 of a file's content. Version control may change the line ends of scripts, so they do not count."""
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
