"""Finding and loading the Steam library as a game lays it out, and saying in words what is wrong with it.

What the functions look like is `abi`'s; when they are called is `dispatch`'s.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .._values.errors import SteamUnavailable
from .._values.packaged import places_of_program
from . import _abi as abi
from ._binary import built_for
from ._loaded import handle_of_loaded, loaded_paths, running_copies

_log = logging.getLogger(__name__)

_POINTER_BITS = struct.calcsize("P") * 8


def library_name() -> str:
    """The file name of the Steam library on this platform (steamworks/ABI, "The library")."""
    if sys.platform == "win32":
        return "steam_api64.dll" if _POINTER_BITS == 64 else "steam_api.dll"
    return "libsteam_api.dylib" if sys.platform == "darwin" else "libsteam_api.so"


@dataclass(frozen=True)
class SteamLibrary:
    """A loaded library with its functions bound. Function names without the prefix `SteamAPI_` are attributes of `api`."""

    path: Path
    sdk: str
    """The SDK as far as the exports tell: "1.57", "1.58" or "1.59 or later"."""
    api: Any
    initialiser: str
    overlay_exported: bool
    """Whether the library has the functions of Steam's overlay."""

    def user(self) -> int:
        """`ISteamUser*` by the library's own accessor, 0 where there is none (isteamuser.h)."""
        return int(self.api.SteamUser() or 0)

    def utils(self) -> int:
        """`ISteamUtils*` by the library's own accessor, 0 where there is none (isteamutils.h)."""
        return int(self.api.SteamUtils() or 0)

    def has_overlay(self) -> bool:
        """Whether Steam's overlay runs in this process (isteamutils.h, IsOverlayEnabled). Only after Init."""
        utils = self.utils()
        return bool(utils and self.overlay_exported and self.api.ISteamUtils_IsOverlayEnabled(utils))

    def show_in_overlay(self, url: str) -> None:
        """Open a page in Steam's overlay (isteamfriends.h, ActivateGameOverlayToWebPage)."""
        self.api.ISteamFriends_ActivateGameOverlayToWebPage(
            self.api.SteamFriends(), url.encode("ascii"), abi.OVERLAY_TO_WEB_PAGE_DEFAULT
        )

    def initialise(self) -> tuple[int, str]:
        """Initialise the API the way this generation does: `ESteamAPIInitResult` and the library's own message."""
        message = ctypes.create_string_buffer(abi.ERROR_MESSAGE_SIZE)
        if self.initialiser == "SteamAPI_InitFlat":
            result = self.api.Init(message)
        elif self.initialiser == "SteamInternal_SteamAPI_Init":
            result = self.api.Init(abi.NO_INTERFACE_VERSIONS, message)
        else:
            result = abi.INIT_OK if self.api.Init() else abi.INIT_FAILED
        return result, message.value.decode(errors="replace")


def load_library(chosen: Path | None) -> SteamLibrary:
    """The Steam library that `--steam-library` names, else the one found where a game keeps it.

    Raises `SteamUnavailable` with where it looked, or what is wrong with what it found.
    """
    exact = chosen is not None and os.path.isfile(chosen)  # noqa: PTH113 - it raises nothing
    path = chosen if chosen is not None and exact else find_library(chosen)
    loaded = handle_of_loaded(path)
    try:
        library = ctypes.CDLL(str(path), handle=loaded) if loaded else ctypes.CDLL(str(path))
    except OSError as error:
        raise SteamUnavailable(_why_not_loaded(path), reason="LibraryNotLoaded", detail=str(error)) from None
    return bind(library, path)


def find_library(chosen: Path | None, *, hosted: bool = False) -> Path:
    """The path of the library to load. Raises `SteamUnavailable` with the places looked at if there is none.

    If Steam runs on a copy that this process has loaded, it is that copy, even if another one is chosen. If the program is
    said to run Steam (`hosted`), it is the loaded copy even before Steam runs on it.
    """
    if (copy := _copy_in_use(chosen, hosted=hosted)) is not None:
        return copy
    if chosen is not None:
        try:
            for candidate in _inside(chosen) if chosen.is_dir() else [chosen]:
                if candidate.is_file():
                    return candidate.resolve()
            what = "There is no Steam library at"
        except OSError:  # a folder above it may not be read, or there can be no such name
            what = "The Steam library may not be read that is said to be at"
        raise SteamUnavailable(
            f"{what} {chosen}. Pass the path of {library_name()}, or of the folder it lies in.",
            reason="LibraryNotFound",
        )
    places: list[str] = []
    seen: set[Path] = set()
    loaded = _path_of_loaded()
    if loaded is not None:
        return loaded
    for what, folder in places_of_program():
        if folder in seen:
            continue
        seen.add(folder)
        for candidate in _inside(folder):
            with suppress(OSError):  # a folder that may not be read
                if candidate.is_file():
                    return candidate.resolve()
        places.append(f"{what} ({folder})")
    raise SteamUnavailable(
        f"{library_name()} was not found. Looked {', '.join(places)}, and among the libraries already loaded. "
        "Put the file from the Steamworks SDK beside your game, or pass --steam-library PATH.",
        reason="LibraryNotFound",
    )


def bind(library: ctypes.CDLL, path: Path) -> SteamLibrary:
    """Bind what a login needs. Raises `SteamUnavailable` in words where the library is too old or not Steam's."""
    initialiser = next((name for name in abi.INITIALISERS if hasattr(library, name)), None)
    if initialiser is None or not hasattr(library, "SteamAPI_Shutdown"):
        raise SteamUnavailable(
            f"{path} is not a Steam library: it exports none of {', '.join(abi.INITIALISERS)}. "
            f"Use {library_name()} of the Steamworks SDK, 1.57 or later.",
            reason="NotASteamLibrary",
        )
    api: dict[str, Any] = {}
    sdk, *signature = abi.INITIALISERS[initialiser]
    api["Init"] = _function(library, initialiser, signature)
    missing = []
    for name, declared in {**abi.FUNCTIONS, **abi.OPTIONAL_FUNCTIONS}.items():
        if hasattr(library, name):
            api[name.removeprefix("SteamAPI_")] = _function(library, name, list(declared))
        else:
            missing.append(name)
    for prefix, first in {**abi.ACCESSORS, **abi.OPTIONAL_ACCESSORS}.items():
        versions = range(abi.NEWEST_ACCESSOR, first - 1, -1)
        accessor = next((f"{prefix}{n:03}" for n in versions if hasattr(library, f"{prefix}{n:03}")), None)
        if accessor is None:
            missing.append(f"{prefix}{first:03}")
        else:
            key = prefix.removeprefix("SteamAPI_").removesuffix("_v")
            api[key] = _function(library, accessor, [ctypes.c_void_p])
    optional = {f"{prefix}{first:03}" for prefix, first in abi.OPTIONAL_ACCESSORS.items()} | {*abi.OPTIONAL_FUNCTIONS}
    if required := [name for name in missing if name not in optional]:
        raise SteamUnavailable(
            f"{path} is too old: it lacks {required[0]}, and Web API tickets came with Steamworks SDK 1.57 (May 2023). "
            f"Put {library_name()} of SDK 1.57 or later in its place.",
            reason="LibraryTooOld",
            detail=f"missing: {', '.join(required)}",
        )
    return SteamLibrary(path, sdk, SimpleNamespace(**api), initialiser, not optional.intersection(missing))


def _function(library: ctypes.CDLL, name: str, signature: list[Any]) -> Any:
    # By item, not by attribute: each gives a function object of its own, so that a host that binds the same names on the
    # same library with other types is not disturbed.
    function = library[name]
    function.restype, *function.argtypes = signature
    return function


def _inside(folder: Path) -> Iterator[Path]:
    """The file in a folder: as a game has it, then as the SDK's `redistributable_bin` has it."""
    name = library_name()
    yield folder / name
    arm = platform.machine().lower() in ("aarch64", "arm64")
    if sys.platform == "win32":
        yield folder / f"win{_POINTER_BITS}" / name
    elif sys.platform == "darwin":
        yield folder / "osx" / name
    else:
        yield folder / ("linuxarm64" if arm else f"linux{_POINTER_BITS}") / name


def _why_not_loaded(path: Path) -> str:
    mine = {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, "Linux")
    machine = {"amd64": "x86-64", "x86_64": "x86-64", "aarch64": "arm64"}.get(platform.machine().lower(), "")
    if _POINTER_BITS == 32:
        machine = "x86 (32 bit)"
    theirs = built_for(path)
    needed = f"{mine} on {machine or platform.machine()}"
    if theirs in (needed, "macOS on several processors"):
        return f"{path} could not be loaded, though it is for {needed}. Check that the file is whole and may be read."
    return (
        f"{path} is {theirs if theirs.startswith('no') else 'for ' + theirs}, and this Python needs one for {needed}. "
        f"Use that platform's {library_name()} of the Steamworks SDK."
    )


def _path_of_loaded() -> Path | None:
    """A copy that other code in this process has loaded is the one to use."""
    return next(loaded_paths(), None)


def _copy_in_use(chosen: Path | None, *, hosted: bool) -> Path | None:
    """The loaded copy that must be used, whatever is chosen: the one that Steam runs on; `hosted`: that will run on it."""
    copies = running_copies() or (list(loaded_paths()) if hosted else [])
    if not copies:
        return None
    for copy in copies:
        with suppress(OSError):
            if chosen is not None and any(copy.samefile(each) for each in [chosen, *_inside(chosen)] if each.is_file()):
                return copy
    if chosen is not None:
        _log.warning(
            "The Steam library at %s is not used: this process runs Steam on the one that it has loaded, %s. "
            "Leave the setting steam_library out, or name that file.",
            chosen,
            copies[0],
        )
    return copies[0]
