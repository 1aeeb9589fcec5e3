"""The Steam libraries that this process has loaded, and those that are initialised.

A game that runs Steam has loaded a copy. Each copy has its own state, so the bridge must use the game's copy and not load a
second one.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"(lib)?steam_api.*\.(so|dylib|dll)[.\d]*", re.IGNORECASE)


def loaded_paths() -> Iterator[Path]:
    """Yield the path of each loaded file that has the name of a Steam library."""
    for image in dict.fromkeys(_images()):
        if _NAME.fullmatch(os.path.basename(image)):  # noqa: PTH119 - a game draws frames meanwhile, and a Path is slow
            yield Path(image)


def running_copies() -> list[Path]:
    """Return the paths of the initialised libraries: each has a pipe to Steam (steam_api.h, `SteamAPI_GetHSteamPipe`)."""
    return [path for path in loaded_paths() if _has_pipe(path)]


def handle_of_loaded(path: Path) -> int | None:
    """Return the handle of this file if this process has loaded it, else None."""
    if sys.platform == "win32":
        kernel = ctypes.WinDLL("kernel32")
        kernel.GetModuleHandleW.restype = ctypes.c_void_p
        handle: int | None = kernel.GetModuleHandleW(str(path))
        return handle
    try:
        return ctypes.CDLL(str(path), mode=os.RTLD_NOLOAD)._handle
    except OSError:
        return None


def _has_pipe(path: Path) -> bool:
    if (handle := handle_of_loaded(path)) is None:
        return False
    try:
        # Subscription makes a new function object, so the types that the host declared stay as they are.
        pipe = ctypes.CDLL(str(path), handle=handle)["SteamAPI_GetHSteamPipe"]
    except AttributeError:
        return False
    pipe.restype, pipe.argtypes = ctypes.c_int32, []
    return bool(pipe())


def _images() -> Iterator[str]:
    """The paths of all loaded files; on Linux, only of those that may be a Steam library."""
    if sys.platform == "win32":
        kernel, pointer = ctypes.WinDLL("kernel32"), ctypes.sizeof(ctypes.c_void_p)
        kernel.GetCurrentProcess.restype = ctypes.c_void_p
        modules, needed = (ctypes.c_void_p * 4096)(), ctypes.c_uint32()
        process = ctypes.c_void_p(kernel.GetCurrentProcess())
        if not kernel.K32EnumProcessModules(process, modules, ctypes.sizeof(modules), ctypes.byref(needed)):
            return
        buffer = ctypes.create_unicode_buffer(32768)
        for module in modules[: needed.value // pointer]:
            if kernel.GetModuleFileNameW(ctypes.c_void_p(module), buffer, len(buffer)):
                yield buffer.value
    elif sys.platform == "darwin":
        images = ctypes.CDLL(None)
        images._dyld_get_image_name.restype = ctypes.c_char_p
        for index in range(images._dyld_image_count()):
            yield os.fsdecode(images._dyld_get_image_name(index) or b"")
    else:
        try:
            maps = Path("/proc/self/maps").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            return
        for line in maps.splitlines():
            if "steam_api" not in line.lower():
                continue
            columns = line.split(maxsplit=5)
            if len(columns) == 6:
                # Linux adds " (deleted)" if an update of the game or of Steam has replaced the file.
                yield columns[5].removesuffix(" (deleted)")
