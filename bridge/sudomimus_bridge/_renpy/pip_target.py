"""Recognises a bridge that pip put into a game, by Ren'Py's documented `pip install --target game/python-packages`.

pip lists each file in the RECORD of its package's metadata, with a SHA-256. `installer` treats these files as its own, so it
brings them up to date or removes them, and the scripts lie in the game once.
"""

from __future__ import annotations

import base64
import csv
import importlib.metadata
from pathlib import Path, PurePosixPath

from . import bundle
from .manifest import PACKAGES, Manifest


def read_pip_target(game: Path) -> Manifest | None:
    """The files of the bridge and of the packages that pip brought with it, as a manifest; None if pip brought none.

    A package stays the game's own if pip was asked for it, or if a package outside of this set needs it.
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
    # `Distribution.files` leaves out what it does not find, so from Python 3.12 on it misses the programs of pip's `bin` folder.
    for path, digest, *_ in csv.reader((dist.read_text("RECORD") or "").splitlines()):
        parts = PurePosixPath(path).parts
        if parts[:2] == ("..", ".."):  # programs and manual pages, which pip moves into the target whatever RECORD says
            parts = parts[2:]
        if ".." in parts or path.startswith("/") or "__pycache__" in parts:
            continue
        hexadecimal = set[str]()
        if digest.startswith("sha256="):
            encoded = digest.removeprefix("sha256=")
            hexadecimal = {base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).hex()}
        manifest.files["/".join((PACKAGES, *parts))] = hexadecimal
        manifest.folders |= {"/".join((PACKAGES, *parts[:depth])) for depth in range(1, len(parts))}
