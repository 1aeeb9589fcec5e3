"""Specifies how the Steam library is found, loaded and bound, and what the bridge says about one that does not load."""

from __future__ import annotations

import ctypes
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from sudomimus_bridge import SteamUnavailable
from sudomimus_bridge.steam import _abi as abi
from sudomimus_bridge.steam import _library as module
from sudomimus_bridge.steam._library import (
    SteamLibrary,
    _built_for,
    _inside,
    _why_not_loaded,
    bind,
    find_library,
    library_name,
    load_library,
)
from sudomimus_bridge.testing._compiled_stub import StubNotCompiled, compile_with_any

from ..helpers.steam_helpers import run_program


def elf(machine: int, order: int = 1) -> bytes:
    return b"\x7fELF\x02" + bytes([order]) + bytes(12) + struct.pack("<H" if order == 1 else ">H", machine)


def pe(machine: int, offset: int = 0x80) -> bytes:
    return (
        b"MZ".ljust(0x3C, b"\0")
        + struct.pack("<I", offset)
        + bytes(offset - 0x40)
        + b"PE\0\0"
        + struct.pack("<H", machine)
    )


def mach(processor: int, magic: bytes = b"\xcf\xfa\xed\xfe") -> bytes:
    return magic + struct.pack("<I", processor)


FILES = [
    (elf(3), "Linux on x86 (32 bit)"),
    (elf(40), "Linux on arm (32 bit)"),
    (elf(62), "Linux on x86-64"),
    (elf(183), "Linux on arm64"),
    (elf(183, 2), "Linux on arm64"),
    (elf(99), "Linux on another processor"),
    (elf(62)[:19], "no program library"),
    (b"\x7fELF", "no program library"),
    (pe(0x14C), "Windows on x86 (32 bit)"),
    (pe(0x8664), "Windows on x86-64"),
    (pe(0xAA64, 0xF8), "Windows on arm64"),
    (pe(1), "Windows on another processor"),
    (pe(0x8664)[:0x84], "no program library"),
    (b"MZ", "no program library"),
    (pe(0x8664).replace(b"PE\0\0", b"NE\0\0"), "no program library"),
    (mach(0x01000007), "macOS on x86-64"),
    (mach(0x0100000C), "macOS on arm64"),
    (mach(7, b"\xce\xfa\xed\xfe"), "macOS on x86 (32 bit)"),
    (mach(1), "macOS on another processor"),
    (mach(7)[:5], "no program library"),
    (b"\xca\xfe\xba\xbe\0\0\0\2", "macOS on several processors"),
    (b"#!/bin/sh\n", "no program library"),
    (b"", "no program library"),
]


@pytest.mark.parametrize(("head", "platform"), FILES, ids=lambda value: value if isinstance(value, str) else "")
def test_platform_of_a_file(head: bytes, platform: str, tmp_path: Path) -> None:
    path = tmp_path / "library"
    path.write_bytes(head)
    assert _built_for(path) == platform


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert _why_not_loaded(tmp_path / "nowhere").startswith(f"{tmp_path / 'nowhere'} is not readable, and this Python")


@pytest.mark.parametrize(
    ("platform", "machine", "bits", "head", "words"),
    [
        ("linux", "x86_64", 64, elf(62), "is for Linux on x86-64 and cannot be loaded"),
        ("linux", "AMD64", 64, elf(62), "is for Linux on x86-64 and cannot be loaded"),
        ("linux", "aarch64", 64, elf(183), "is for Linux on arm64 and cannot be loaded"),
        ("linux", "x86_64", 32, elf(3), "is for Linux on x86 (32 bit) and cannot be loaded"),
        ("darwin", "arm64", 64, b"\xca\xfe\xba\xbe", "is for macOS on arm64 and cannot be loaded"),
        ("win32", "AMD64", 64, pe(0x8664), "is for Windows on x86-64 and cannot be loaded"),
        ("linux", "x86_64", 64, elf(183), "is for Linux on arm64, and this Python needs one for Linux on x86-64"),
        ("win32", "AMD64", 64, elf(62), "is for Linux on x86-64, and this Python needs one for Windows on x86-64"),
        ("linux", "riscv64", 64, elf(62), "is for Linux on x86-64, and this Python needs one for Linux on riscv64"),
        ("linux", "x86_64", 64, b"#!", "is no program library, and this Python needs one for Linux on x86-64"),
    ],
)
def test_reason_why_a_library_does_not_load(
    platform: str, machine: str, bits: int, head: bytes, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "library"
    path.write_bytes(head)
    monkeypatch.setattr(module, "_POINTER_BITS", bits)
    with monkeypatch.context() as patched:
        patched.setattr("sudomimus_bridge.steam._library.sys.platform", platform)
        patched.setattr("sudomimus_bridge.steam._library.platform.machine", lambda: machine)
        why = _why_not_loaded(path)
    assert words in why


@pytest.mark.parametrize(
    ("platform", "machine", "bits", "names"),
    [
        ("linux", "x86_64", 64, ["libsteam_api.so", "linux64/libsteam_api.so"]),
        ("linux", "i686", 32, ["libsteam_api.so", "linux32/libsteam_api.so"]),
        ("linux", "aarch64", 64, ["libsteam_api.so", "linuxarm64/libsteam_api.so"]),
        ("linux", "ARM64", 64, ["libsteam_api.so", "linuxarm64/libsteam_api.so"]),
        ("darwin", "arm64", 64, ["libsteam_api.dylib", "osx/libsteam_api.dylib"]),
        ("win32", "AMD64", 64, ["steam_api64.dll", "win64/steam_api64.dll"]),
        ("win32", "x86", 32, ["steam_api.dll", "win32/steam_api.dll"]),
    ],
)
def test_file_is_looked_for_as_a_game_or_the_sdk_has_it(
    platform: str, machine: str, bits: int, names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_POINTER_BITS", bits)
    with monkeypatch.context() as patched:
        patched.setattr("sudomimus_bridge.steam._library.sys.platform", platform)
        patched.setattr("sudomimus_bridge.steam._library.platform.machine", lambda: machine)
        paths, name = [path.as_posix() for path in _inside(Path("game"))], library_name()
    assert paths == [f"game/{each}" for each in names] and name == names[0]


def test_width_of_this_python() -> None:
    assert (64 if sys.maxsize > 2**32 else 32) == module._POINTER_BITS


# --- finding -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    copies(monkeypatch)


def copies(monkeypatch: pytest.MonkeyPatch, *, loaded: Iterable[Path] = (), running: Iterable[Path] = ()) -> None:
    monkeypatch.setattr(module, "loaded_paths", lambda: iter([*loaded]))
    monkeypatch.setattr(module, "running_copies", lambda: [*running])


def file_in(folder: Path, name: str = library_name()) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"")
    return folder / name


def not_found(chosen: Path | None) -> str:
    with pytest.raises(SteamUnavailable) as refused:
        find_library(chosen)
    assert (refused.value.reason, refused.value.sentence) == ("LibraryNotFound", module._MISSING)
    return str(refused.value.detail)


@pytest.mark.usefixtures("nothing_loaded")
def test_configured_library_is_a_file_or_a_folder_with_it(tmp_path: Path) -> None:
    other = file_in(tmp_path, "steam.so")
    assert find_library(other) == other.resolve()
    assert not_found(tmp_path).startswith(f"There is no Steam library at {tmp_path}. Set steam_library")
    within = list(_inside(tmp_path))
    for path in reversed(within):  # the first place of a folder wins
        file_in(path.parent)
        assert find_library(tmp_path) == path.resolve()


@pytest.mark.usefixtures("nothing_loaded")
def test_configured_library_that_cannot_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shut(path: Path) -> bool:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "is_dir", shut)
    assert not_found(tmp_path).startswith(f"The Steam library at {tmp_path} cannot be read. Set steam_library")


@pytest.mark.usefixtures("nothing_loaded")
def test_each_place_is_looked_at_once_and_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    places = [("beside the game", here), ("beside Python", here), ("in the working directory", there)]
    monkeypatch.setattr(module, "places_of_program", lambda: places)
    words = f"was not found beside the game ({here}), in the working directory ({there}), nor among"
    assert words in not_found(None)
    for path in reversed([*_inside(here), *_inside(there)]):
        file_in(path.parent)
        assert find_library(None) == path.resolve()


@pytest.mark.usefixtures("nothing_loaded")
def test_place_that_cannot_be_looked_at_is_passed_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shut, here = tmp_path / "shut", tmp_path / "here"
    monkeypatch.setattr(module, "places_of_program", lambda: [("first", shut), ("then", here)])
    path, is_file = file_in(here), Path.is_file

    def look(candidate: Path) -> bool:
        if candidate.is_relative_to(shut):
            raise PermissionError(candidate)
        return is_file(candidate)

    monkeypatch.setattr(Path, "is_file", look)
    assert find_library(None) == path.resolve()


def test_loaded_copy_is_found_before_every_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "places_of_program", lambda: [("beside the game", tmp_path)])
    own, first, second = file_in(tmp_path), tmp_path / "first", tmp_path / "second"
    copies(monkeypatch, loaded=[first, second])
    assert find_library(None) == first
    assert find_library(own) == own.resolve()  # a loaded copy on which no Steam runs does not matter
    assert find_library(own, hosted=True) == first
    copies(monkeypatch, loaded=[first, second], running=[second])
    assert find_library(own) == find_library(own, hosted=True) == find_library(None) == second


@pytest.mark.parametrize("as_a_folder", [True, False])
def test_configured_copy_wins_among_those_that_run(
    as_a_folder: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    removed, other, mine = tmp_path / "removed", file_in(tmp_path / "other"), file_in(tmp_path / "mine")
    copies(monkeypatch, running=[removed, other, mine])
    assert find_library(mine.parent if as_a_folder else mine) == mine
    assert caplog.text == ""
    elsewhere = file_in(tmp_path / "elsewhere")
    for chosen in (elsewhere, elsewhere.parent, tmp_path / "nothing"):
        caplog.clear()
        assert find_library(chosen) == removed
        assert f"at {chosen} is ignored: this process runs Steam on {removed}" in caplog.text


def test_copy_that_runs_wins_among_those_of_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    *_, running = [file_in(path.parent) for path in _inside(tmp_path)]
    copies(monkeypatch, running=[running])
    assert find_library(tmp_path) == running
    (tmp_path / library_name()).unlink()
    assert find_library(tmp_path) == running
    assert caplog.text == ""


# --- loading -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handle", [None, 7])
def test_library_that_is_loaded_is_not_loaded_again(
    handle: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[tuple[str, int | None]] = []

    def open_library(path: str, *, handle: int | None = None) -> Exports:
        opened.append((path, handle))
        return Exports(*EVERYTHING)

    copies(monkeypatch)
    path = file_in(tmp_path)
    monkeypatch.setattr(module, "handle_of_loaded", lambda _path: handle)
    monkeypatch.setattr(module, "_opened_beside_frames", lambda _path: 8)
    monkeypatch.setattr(ctypes, "CDLL", open_library)
    assert load_library(path).path == path
    assert load_library(tmp_path).path == path.resolve()
    assert opened == [(str(path), handle or 8), (str(path.resolve()), handle or 8)]


def test_configured_file_is_loaded_without_a_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection has chosen the file already, perhaps a copy that runs."""
    monkeypatch.setattr(module, "handle_of_loaded", lambda _path: None)
    monkeypatch.setattr(module, "_opened_beside_frames", lambda _path: None)
    monkeypatch.setattr(ctypes, "CDLL", lambda _path, handle: Exports(*EVERYTHING))
    monkeypatch.setattr(module, "find_library", lambda chosen: file_in(tmp_path / "found") if chosen is None else None)
    path = file_in(tmp_path)
    assert load_library(path).path == path
    assert load_library(None).path == tmp_path / "found" / library_name()


@pytest.mark.usefixtures("nothing_loaded")
def test_file_that_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / library_name()
    path.write_bytes(b"#!/bin/sh\n")
    with pytest.raises(SteamUnavailable) as refused:
        load_library(path)
    assert (refused.value.reason, refused.value.sentence) == ("LibraryNotLoaded", module._MISSING)
    assert f"{path} is no program library, and this Python needs one" in str(refused.value.detail)


SLOW = """
#include <stdlib.h>
#include <poll.h>
#include <unistd.h>

/* Tells that the library loads, and waits for the answer. A loader that lets no thread run waits until the test ends it. */
__attribute__((constructor)) static void load(void) {
    struct pollfd answer = {atoi(getenv("ANSWER")), POLLIN, 0};
    if (write(atoi(getenv("LOADS")), "L", 1) != 1 || poll(&answer, 1, -1) != 1)
        _exit(9);
}
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows' Python lets other threads run while it loads a library")
def test_other_threads_run_while_the_library_loads(tmp_path: Path) -> None:
    """So a game draws frames while the disk is read. `ctypes.CDLL` alone holds the interpreter meanwhile."""
    source, library = tmp_path / "slow.c", tmp_path / library_name()
    source.write_text(SLOW)
    try:
        compile_with_any(["-shared", "-fPIC"], [source], library)
    except StubNotCompiled as error:
        pytest.skip(str(error))
    code = """
        import os, sys, threading
        from pathlib import Path
        from sudomimus_bridge import SteamUnavailable
        from sudomimus_bridge.steam._library import load_library

        (loading, loads), (answer, answers) = os.pipe(), os.pipe()
        os.environ |= {"LOADS": str(loads), "ANSWER": str(answer)}
        threading.Thread(target=lambda: os.write(answers, os.read(loading, 1))).start()
        try:
            load_library(Path(sys.argv[1]))
        except SteamUnavailable as error:
            print(error.reason)
    """
    done = run_program(code, str(library))
    assert (done.returncode, done.stdout, done.stderr) == (0, "NotASteamLibrary\n", "")


# --- binding -------------------------------------------------------------------------------------------------------------


class Exports:
    """A loaded library with these names."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getattr__(self, name: str) -> object:
        if name not in self._names:
            raise AttributeError(name)
        return object()

    def __getitem__(self, name: str) -> Any:
        getattr(self, name)
        return SimpleNamespace(name=name)


ACCESSORS = ["SteamAPI_SteamUser_v023", "SteamAPI_SteamUtils_v010", "SteamAPI_SteamFriends_v017"]
EVERYTHING = [*abi.FUNCTIONS, *abi.OPTIONAL_FUNCTIONS, *ACCESSORS, "SteamAPI_InitFlat"]


def bound(*names: str) -> SteamLibrary:
    return bind(cast("ctypes.CDLL", Exports(*names)), Path("library"))


def refused(*names: str) -> SteamUnavailable:
    with pytest.raises(SteamUnavailable) as caught:
        bound(*names)
    assert caught.value.sentence == module._MISSING
    return caught.value


def without(*names: str) -> list[str]:
    return [name for name in EVERYTHING if name not in names]


def test_every_function_is_bound_with_its_types() -> None:
    library = bound(*EVERYTHING)
    assert (library.path, library.sdk, library.overlay_exported) == (Path("library"), "1.59 or later", True)
    types = {name: (function.restype, *function.argtypes) for name, function in vars(library.api).items()}
    declared = {
        name.removeprefix("SteamAPI_"): types for name, types in (abi.FUNCTIONS | abi.OPTIONAL_FUNCTIONS).items()
    }
    accessors = dict.fromkeys(["SteamUser", "SteamUtils", "SteamFriends"], (ctypes.c_void_p,))
    assert types == {**declared, **accessors, "Init": abi.INITIALISERS["SteamAPI_InitFlat"][1:]}


@pytest.mark.parametrize(
    ("exported", "sdk"),
    [
        (["SteamAPI_InitFlat", "SteamInternal_SteamAPI_Init", "SteamAPI_Init"], "1.59 or later"),
        (["SteamInternal_SteamAPI_Init", "SteamAPI_Init"], "1.58"),
        (["SteamAPI_Init"], "1.57"),
    ],
)
def test_newest_function_that_initialises_is_used(exported: list[str], sdk: str) -> None:
    library = bound(*without("SteamAPI_InitFlat"), *exported)
    assert (library.initialiser, library.sdk, library.api.Init.name) == (exported[0], sdk, exported[0])


@pytest.mark.parametrize(
    ("versions", "name"),
    [
        (["023", "024"], "SteamAPI_SteamUser_v024"),
        (["022", "023"], "SteamAPI_SteamUser_v023"),
        (["023", "099"], "SteamAPI_SteamUser_v099"),
    ],
)
def test_newest_version_of_an_interface_is_used(versions: list[str], name: str) -> None:
    library = bound(*without("SteamAPI_SteamUser_v023"), *(f"SteamAPI_SteamUser_v{version}" for version in versions))
    assert library.api.SteamUser.name == name


def test_library_without_a_function_of_a_login_is_too_old() -> None:
    for name in [*abi.FUNCTIONS, *ACCESSORS[:2]]:
        if name != "SteamAPI_Shutdown":
            error = refused(*without(name), "SteamAPI_SteamUser_v022", "SteamAPI_SteamUtils_v009")
            assert error.reason == "LibraryTooOld"
            assert f"it lacks {name}, and" in str(error.detail)


def test_library_without_a_function_of_the_overlay_is_usable() -> None:
    for name in [*abi.OPTIONAL_FUNCTIONS, ACCESSORS[2]]:
        assert not bound(*without(name)).overlay_exported
    both = refused(*without(ACCESSORS[0], ACCESSORS[2]))
    assert f"it lacks {ACCESSORS[0]}, and" in str(both.detail)


@pytest.mark.parametrize("lacks", ["SteamAPI_Shutdown", "SteamAPI_InitFlat"])
def test_other_library_is_not_steams(lacks: str) -> None:
    error = refused(*without(lacks))
    assert error.reason == "NotASteamLibrary"
    assert str(error.detail).startswith("library is not a Steam library: it exports none of SteamAPI_InitFlat")


# --- calling -------------------------------------------------------------------------------------------------------------


def calling(initialiser: str = "", overlay: bool = True, **functions: Any) -> SteamLibrary:
    return SteamLibrary(Path("library"), "", SimpleNamespace(**functions), initialiser, overlay)


@pytest.mark.parametrize(("pointer", "number"), [(2**40, 2**40), (None, 0)])
def test_interfaces_are_pointers_or_0_before_init(pointer: int | None, number: int) -> None:
    library = calling(SteamUser=lambda: pointer, SteamUtils=lambda: pointer)
    assert (library.user(), library.utils()) == (number, number)


@pytest.mark.parametrize("result", [abi.INIT_OK, abi.INIT_NO_STEAM_CLIENT])
@pytest.mark.parametrize("initialiser", ["SteamAPI_InitFlat", "SteamInternal_SteamAPI_Init"])
def test_initialising_returns_the_librarys_message(initialiser: str, result: int) -> None:
    def initialise(*arguments: Any) -> int:
        *versions, message = arguments
        assert versions == ([] if initialiser == "SteamAPI_InitFlat" else [b"\0\0"])
        message.value = b"No \xff"
        return result

    assert calling(initialiser, Init=initialise).initialise() == (result, "No \ufffd")


@pytest.mark.parametrize(("done", "result"), [(True, abi.INIT_OK), (False, abi.INIT_FAILED)])
def test_initialising_before_sdk_158_says_only_whether_it_succeeded(done: bool, result: int) -> None:
    assert calling("SteamAPI_Init", Init=lambda: done).initialise() == (result, "")


@pytest.mark.parametrize(
    ("utils", "exported", "enabled", "on"),
    [(12, True, True, True), (12, True, False, False), (12, False, True, False), (None, True, True, False)],
)
def test_overlay_is_on_if_steam_says_so(utils: int | None, exported: bool, enabled: bool, on: bool) -> None:
    def enabled_for(given: int) -> bool:
        assert given == 12
        return enabled

    functions: dict[str, Any] = {"ISteamUtils_IsOverlayEnabled": enabled_for} if exported else {}
    assert calling(overlay=exported, SteamUtils=lambda: utils, **functions).has_overlay() is on


def test_page_is_opened_in_the_overlay() -> None:
    opened: list[tuple[Any, ...]] = []
    library = calling(
        SteamFriends=lambda: 13, ISteamFriends_ActivateGameOverlayToWebPage=lambda *given: opened.append(given)
    )
    library.show_in_overlay("https://via.sudomimus.com/errand")
    assert opened == [(13, b"https://via.sudomimus.com/errand", 0)]
