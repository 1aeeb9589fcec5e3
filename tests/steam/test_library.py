"""Specifies what the bridge says about a library that does not load: its platform, from the head of its file."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sudomimus_bridge.steam import _library as module
from sudomimus_bridge.steam._library import _built_for, _inside, _why_not_loaded, library_name


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
    (b"\xca\xfe\xba\xbe", "macOS on several processors"),
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
