"""Specifies how the bridge finds the Steam libraries that the process has loaded, and those on which Steam runs."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sudomimus_bridge.steam import _loaded as module
from sudomimus_bridge.steam._loaded import handle_of_loaded, loaded_paths, running_copies

HERE = Path("game")
NAMES = ["libsteam_api.so", "libsteam_api.so.1.2", "libsteam_api.dylib", "steam_api.dll", "Steam_API64.dll"]


def test_library_is_known_by_its_name_and_named_once(monkeypatch: pytest.MonkeyPatch) -> None:
    others = ["libc.so.6", "notes_on_steam_api.so", "libsteam_api.so.old", "steam_api.txt"]
    images = [str(HERE / name) for name in [*others, *NAMES, *NAMES, *others]]
    monkeypatch.setattr(module, "_images", lambda: iter(images))
    assert list(loaded_paths()) == [HERE / name for name in NAMES]


def test_running_copies_are_those_with_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_images", lambda: iter([str(HERE / name) for name in NAMES]))
    monkeypatch.setattr(module, "_has_pipe", lambda path: path.name in NAMES[1:3])
    assert running_copies() == [HERE / name for name in NAMES[1:3]]


class Copy:
    """A loaded library with this pipe, or without the function for it."""

    def __init__(self, pipe: int | None) -> None:
        self._pipe = pipe

    def __getitem__(self, name: str) -> Callable[[], int]:
        if self._pipe is None or name != "SteamAPI_GetHSteamPipe":
            raise AttributeError(name)
        pipe = self._pipe

        class Function:
            restype: Any = None
            argtypes: Any = None

            def __call__(self) -> int:
                assert (self.restype, self.argtypes) == (ctypes.c_int32, [])
                return pipe

        return Function()


@pytest.mark.parametrize(
    ("loaded", "pipe", "running"), [(True, 1, True), (True, 0, False), (True, None, False), (False, 1, False)]
)
def test_pipe_shows_that_steam_runs_on_a_copy(
    loaded: bool, pipe: int | None, running: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def library(path: str, *, handle: int | None) -> Copy:
        assert (path, handle) == ("game", 7)  # without the handle, another copy might be loaded
        return Copy(pipe)

    monkeypatch.setattr(module, "handle_of_loaded", lambda _path: 7 if loaded else None)
    monkeypatch.setattr(ctypes, "CDLL", library)
    assert module._has_pipe(HERE) is running


@pytest.mark.skipif(sys.platform == "win32", reason="a program cannot copy a library that Windows has loaded")
def test_looking_for_a_library_does_not_load_it(tmp_path: Path) -> None:
    import _ctypes

    source = getattr(_ctypes, "__file__", None)
    if source is None:
        pytest.skip("this Python has _ctypes built in, so there is no library to try")
    assert handle_of_loaded(Path(source)) == ctypes.CDLL(source)._handle
    copy = tmp_path / "libsteam_api.so"
    shutil.copy(source, copy)
    assert handle_of_loaded(copy) is None
    assert handle_of_loaded(copy) is None
    assert copy not in loaded_paths()


# --- what the systems say ------------------------------------------------------------------------------------------------


def images(platform: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", platform)
        return list(module._images())


MAPS = b"""\
7f0000000000-7f0000001000 r--p 00000000 08:01 11   /a g\xffme/libsteam_api.so
7f0000001000-7f0000002000 r-xp 00001000 08:01 11   /a g\xffme/libsteam_api.so (deleted)
7f0000002000-7f0000003000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0    [vdso]
"""
GAMES = os.fsdecode(b"/a g\xffme/libsteam_api.so")


@pytest.mark.skipif(sys.platform == "win32", reason="a path on Windows is text")
@pytest.mark.parametrize(("readable", "paths"), [(True, [GAMES, GAMES]), (False, [])])
def test_images_on_linux(readable: bool, paths: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read_text = Path.read_text
    maps = tmp_path / "maps"
    maps.write_bytes(MAPS)

    def read(path: Path, **how: str) -> str:
        assert str(path) == "/proc/self/maps"
        if not readable:
            raise PermissionError
        return read_text(maps, **how)

    monkeypatch.setattr(Path, "read_text", read)
    assert images("linux", monkeypatch) == paths


class Function:
    """A function of C. Without its result type, ctypes would cut the result to 32 bits."""

    def __init__(self, result_type: Any, function: Callable[..., Any]) -> None:
        self.restype: Any = ctypes.c_int
        self._needed = result_type
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        assert self.restype is self._needed
        return self._function(*arguments)


def test_images_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [b"/a/libsteam_api.dylib", None, b"/b"]  # the second was unloaded while the names were read
    system = SimpleNamespace(
        _dyld_image_count=lambda: 3, _dyld_get_image_name=Function(ctypes.c_char_p, names.__getitem__)
    )
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: system)
    assert images("darwin", monkeypatch) == ["/a/libsteam_api.dylib", "", "/b"]


PROCESS, HANDLES = 2**40, {2**40 + 1: "C:/game/steam_api64.dll", 2**40 + 2: "", 2**40 + 3: "C:/other.dll"}


class Kernel:
    """The functions of kernel32.dll. The second module was unloaded while the names were read."""

    def __init__(self, lists: bool = True) -> None:
        self._lists = lists
        self.GetCurrentProcess = Function(ctypes.c_void_p, lambda: PROCESS)
        self.GetModuleHandleW = Function(
            ctypes.c_void_p, {str(Path(name)): handle for handle, name in HANDLES.items() if name}.get
        )

    def K32EnumProcessModules(self, process: Any, modules: Any, size: int, needed: Any) -> bool:
        assert process.value == PROCESS and size == ctypes.sizeof(modules)
        for index, handle in enumerate([*HANDLES, 99]):  # what lies behind the modules is no module
            modules[index] = handle
        needed._obj.value = len(HANDLES) * ctypes.sizeof(ctypes.c_void_p)
        return self._lists

    def GetModuleFileNameW(self, module: Any, buffer: Any, length: int) -> int:
        assert length == len(buffer)
        if name := HANDLES[module.value]:
            buffer.value = name
        return len(name)


@pytest.mark.parametrize("lists", [True, False])
def test_images_on_windows(lists: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "WinDLL", lambda _name: Kernel(lists), raising=False)
    assert images("win32", monkeypatch) == (["C:/game/steam_api64.dll", "C:/other.dll"] if lists else [])


def test_handle_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "WinDLL", lambda _name: Kernel(), raising=False)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "platform", "win32")
        handles = [handle_of_loaded(Path(name)) for name in ("C:/other.dll", "C:/nothing.dll")]
    assert handles == [2**40 + 3, None]
