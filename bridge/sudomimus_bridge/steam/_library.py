"""Find the Steam library of the game, load it and bind its functions. An error says how to correct the library.

`_abi` declares the functions.
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
from ._loaded import handle_of_loaded, loaded_paths, running_copies

_log = logging.getLogger(__name__)

_POINTER_BITS = struct.calcsize("P") * 8

# The numbers of processors in the heads of ELF, PE and Mach-O files. The error of `dlopen` does not name the processor.
_ELF = {3: "x86 (32 bit)", 40: "arm (32 bit)", 62: "x86-64", 183: "arm64"}
_PE = {0x14C: "x86 (32 bit)", 0x8664: "x86-64", 0xAA64: "arm64"}
_MACH = {0x01000007: "x86-64", 0x0100000C: "arm64", 7: "x86 (32 bit)"}

_MISSING = (
    "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
)


def library_name() -> str:
    """Return the file name of the Steam library on this platform (docs/contracts/steam.md, "The library")."""
    if sys.platform == "win32":
        return "steam_api64.dll" if _POINTER_BITS == 64 else "steam_api.dll"
    return "libsteam_api.dylib" if sys.platform == "darwin" else "libsteam_api.so"


@dataclass(frozen=True)
class SteamLibrary:
    """A loaded library. Its functions are attributes of `api`, by their names without the prefix `SteamAPI_`."""

    path: Path
    sdk: str
    """The version of the SDK, judged by the exports: "1.57", "1.58" or "1.59 or later"."""
    api: Any
    initialiser: str
    overlay_exported: bool
    """Whether the library has the functions of Steam's overlay."""

    def user(self) -> int:
        """Return `ISteamUser*` from the library's accessor, 0 before Init (isteamuser.h)."""
        return int(self.api.SteamUser() or 0)

    def utils(self) -> int:
        """Return `ISteamUtils*` from the library's accessor, 0 before Init (isteamutils.h)."""
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
        """Initialise the API as this SDK does. Return the `ESteamAPIInitResult` and the library's own message."""
        message = ctypes.create_string_buffer(abi.ERROR_MESSAGE_SIZE)
        if self.initialiser == "SteamAPI_InitFlat":
            result = self.api.Init(message)
        elif self.initialiser == "SteamInternal_SteamAPI_Init":
            result = self.api.Init(abi.NO_INTERFACE_VERSIONS, message)
        else:
            result = abi.INIT_OK if self.api.Init() else abi.INIT_FAILED
        return result, message.value.decode(errors="replace")


def load_library(chosen: Path | None) -> SteamLibrary:
    """Load the Steam library of the setting `steam_library`, else the one that `find_library` finds.

    Raises `SteamUnavailable` if there is none, or if it does not load.
    """
    # os.path.isfile raises nothing, also if the path is impossible.
    path = chosen if chosen is not None and os.path.isfile(chosen) else find_library(chosen)  # noqa: PTH113
    loaded = handle_of_loaded(path)
    try:
        library = ctypes.CDLL(str(path), handle=loaded or _opened_beside_frames(path))
    except OSError as error:
        detail = f"{error}: {_why_not_loaded(path)}"
        raise SteamUnavailable(_MISSING, reason="LibraryNotLoaded", detail=detail) from None
    return bind(library, path)


def _opened_beside_frames(path: Path) -> int | None:
    """Call `dlopen` and return its handle. Meanwhile, other threads run, so a game draws frames while the disk is read.

    `ctypes.CDLL` alone holds the interpreter during the load, except on Windows. This returns None on Windows and if the
    library does not load; `ctypes.CDLL` then loads it, or raises the loader's error.
    """
    if sys.platform == "win32":
        return None
    try:
        dlopen = ctypes.CDLL(None)["dlopen"]
    except (AttributeError, OSError):
        return None
    dlopen.restype, dlopen.argtypes = ctypes.c_void_p, [ctypes.c_char_p, ctypes.c_int]
    handle: int | None = dlopen(os.fsencode(path), ctypes.DEFAULT_MODE | os.RTLD_NOW)
    return handle


def find_library(chosen: Path | None, *, hosted: bool = False) -> Path:
    """Return the path of the library to load. Raises `SteamUnavailable` if there is none; its detail names the places.

    If Steam runs on a copy that this process has loaded, that copy is returned, even if the setting names another. If the game
    runs Steam (`hosted`), a loaded copy is returned even before Steam runs on it.
    """
    if (copy := _copy_in_use(chosen, hosted=hosted)) is not None:
        return copy
    if chosen is not None:
        try:
            for candidate in _inside(chosen) if chosen.is_dir() else [chosen]:
                if candidate.is_file():
                    return candidate.resolve()
            problem = f"There is no Steam library at {chosen}"
        except OSError:  # no permission for a folder above it, or an impossible name
            problem = f"The Steam library at {chosen} cannot be read"
        raise SteamUnavailable(
            _MISSING,
            reason="LibraryNotFound",
            detail=f"{problem}. Set steam_library to the path of {library_name()}, or of its folder.",
        )
    places: list[str] = []
    seen: set[Path] = set()
    loaded = next(loaded_paths(), None)  # the copy that other code in this process uses
    if loaded is not None:
        return loaded
    for what, folder in places_of_program():
        if folder in seen:
            continue
        seen.add(folder)
        for candidate in _inside(folder):
            with suppress(OSError):  # a folder that cannot be read
                if candidate.is_file():
                    return candidate.resolve()
        places.append(f"{what} ({folder})")
    raise SteamUnavailable(
        _MISSING,
        reason="LibraryNotFound",
        detail=f"{library_name()} was not found {', '.join(places)}, nor among the libraries that are loaded. Put the "
        "file from the Steamworks SDK beside your game, or set steam_library (--steam-library) to its path.",
    )


def bind(library: ctypes.CDLL, path: Path) -> SteamLibrary:
    """Bind the functions that a login needs. Raises `SteamUnavailable` if the library is too old or not Steam's."""
    initialiser = next((name for name in abi.INITIALISERS if hasattr(library, name)), None)
    if initialiser is None or not hasattr(library, "SteamAPI_Shutdown"):
        raise SteamUnavailable(
            _MISSING,
            reason="NotASteamLibrary",
            detail=f"{path} is not a Steam library: it exports none of {', '.join(abi.INITIALISERS)}. "
            f"Use {library_name()} of the Steamworks SDK, 1.57 or later.",
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
            _MISSING,
            reason="LibraryTooOld",
            detail=f"{path} is too old: it lacks {', '.join(required)}, and web API tickets came with Steamworks SDK 1.57 "
            f"(May 2023). Replace it with {library_name()} of SDK 1.57 or later.",
        )
    return SteamLibrary(path, sdk, SimpleNamespace(**api), initialiser, not optional.intersection(missing))


def _function(library: ctypes.CDLL, name: str, signature: list[Any]) -> Any:
    # Subscription makes a new function object, so the types that the game declared on the same library stay as they are.
    function = library[name]
    function.restype, *function.argtypes = signature
    return function


def _inside(folder: Path) -> Iterator[Path]:
    """Yield the library's possible paths in a folder: beside a game, then in the SDK's `redistributable_bin`."""
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
    theirs = _built_for(path)
    needed = f"{mine} on {machine or platform.machine()}"
    if theirs in (needed, "macOS on several processors"):
        return f"{path} is for {needed} and cannot be loaded. Check that the file is complete and readable."
    return (
        f"{path} is {theirs if theirs.startswith('no') else 'for ' + theirs}, and this Python needs one for {needed}. "
        f"Use that platform's {library_name()} of the Steamworks SDK."
    )


def _copy_in_use(chosen: Path | None, *, hosted: bool) -> Path | None:
    """Return the loaded copy that Steam runs on. If the game runs Steam (`hosted`), any loaded copy. None if there is none."""
    copies = running_copies() or (list(loaded_paths()) if hosted else [])
    if not copies:
        return None
    for copy in copies:
        with suppress(OSError):
            if chosen is not None and any(copy.samefile(each) for each in [chosen, *_inside(chosen)] if each.is_file()):
                return copy
    if chosen is not None:
        _log.warning(
            "The Steam library at %s is ignored: this process runs Steam on %s. Remove the setting steam_library, or set it "
            "to that file.",
            chosen,
            copies[0],
        )
    return copies[0]


def _built_for(path: Path) -> str:
    """Return the platform of a library, such as "Linux on arm64", or "no program library" for another kind of file."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return "not readable"
    try:
        if head.startswith(b"\x7fELF"):
            order = "<" if head[5] == 1 else ">"
            return f"Linux on {_ELF.get(struct.unpack_from(order + 'H', head, 18)[0], 'another processor')}"
        if head.startswith(b"MZ"):
            (offset,) = struct.unpack_from("<I", head, 0x3C)
            if head[offset : offset + 4] == b"PE\0\0":
                return f"Windows on {_PE.get(struct.unpack_from('<H', head, offset + 4)[0], 'another processor')}"
        if head[:4] in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"):
            return f"macOS on {_MACH.get(struct.unpack_from('<I', head, 4)[0], 'another processor')}"
        if head[:4] == b"\xca\xfe\xba\xbe":
            return "macOS on several processors"
    except (struct.error, IndexError):
        pass
    return "no program library"
