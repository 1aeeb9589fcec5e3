"""Specifies the layout of the ctypes callback object: each platform's C++ compiler must find its functions.

The Microsoft compiler lays out overloads in reverse order, and the Itanium ABI of Linux and macOS does not
(docs/contracts/steam.md, "Dispatch"). The tests ask clang, which knows both and comes with the Python package ziglang.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sudomimus_bridge.steam import _abi as abi
from sudomimus_bridge.steam._dispatch import CallbackObject

from ..helpers.patience import PATIENCE

SOURCE = Path(__file__).parents[1] / "data" / "vtable_callback.cpp"

MICROSOFT = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc"]
ITANIUM = ["x86_64-linux-gnu", "i686-linux-gnu", "aarch64-linux-gnu", "x86_64-apple-macosx11", "arm64-apple-macosx11"]

# The order in which `CallbackObject` makes its functions.
FUNCTIONS = [
    "void Listener::Run(void *)",
    "void Listener::Run(void *, bool, uint64)",
    "int Listener::GetCallbackSizeBytes()",
]

needs_clang = pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None,
    reason="clang for all platforms is needed: make tools, or pip install ziglang",
)


@functools.cache
def clang(target: str, *options: str) -> str:
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "clang",
        "-target",
        target,
        *options,
        "-O1",
        "-S",
        "-emit-llvm",
        "-o",
        "-",
    ]
    done = subprocess.run([*command, str(SOURCE)], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def compilers_order(target: str) -> list[str]:
    """The virtual functions of `Listener`, by slot."""
    dump = clang(target, "-Xclang", "-fdump-vtable-layouts")
    slots = re.search(r"^V\w+ indices for 'Listener' \(3 entries\)\.\n((?: +\d \| .+\n){3})", dump, re.MULTILINE)
    assert slots, dump
    return [line.split(" | ")[1] for line in slots[1].splitlines()]


def our_order(*, microsoft: bool) -> list[str]:
    listener = CallbackObject(168, 2572, lambda _param: None, microsoft=microsoft)
    made = [ctypes.cast(function, ctypes.c_void_p).value for function in listener._functions]
    return [FUNCTIONS[made.index(address)] for address in listener.vtable]


@needs_clang
@pytest.mark.parametrize("target", MICROSOFT)
def test_the_order_of_the_microsoft_compiler(target: str) -> None:
    assert compilers_order(target) == our_order(microsoft=True)
    assert compilers_order(target) == [FUNCTIONS[1], FUNCTIONS[0], FUNCTIONS[2]]


@needs_clang
@pytest.mark.parametrize("target", ITANIUM)
def test_the_order_of_the_itanium_abi(target: str) -> None:
    assert compilers_order(target) == our_order(microsoft=False) == FUNCTIONS


@needs_clang
@pytest.mark.parametrize("target", [MICROSOFT[0], ITANIUM[0], ITANIUM[-1]])
def test_fields_after_the_virtual_functions(target: str) -> None:
    dump = clang(target, "-Xclang", "-fdump-record-layouts")
    layout = dump[dump.index("0 | class CCallbackBase") :]
    offsets = re.findall(r"^ +(\d+) \|   (?:uint8|int) (\w+)$", layout, re.MULTILINE)[:2]
    base = abi.CCallbackBase
    assert base.vtable.offset == 0
    assert [(int(at), name) for at, name in offsets] == [(base.flags.offset, "flags"), (base.id.offset, "id")]
    assert f"sizeof={ctypes.sizeof(base)}," in layout


@needs_clang
def test_32_bit_windows_passes_this_in_a_register() -> None:
    """ctypes cannot receive such calls, so the bridge refuses a host on 32-bit Windows."""
    assert clang("i686-pc-windows-msvc").count("call x86_thiscallcc") == 3
    assert "thiscall" not in clang("x86_64-pc-windows-msvc")


def _native_compiler() -> list[str]:
    if found := shutil.which("g++") or shutil.which("clang++"):
        return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "c++"]
    pytest.skip("a C++ compiler is needed: g++, clang++, or the Python package ziglang")


@pytest.mark.skipif(
    sys.platform == "win32", reason="the compilers here follow the Itanium ABI on Windows too: Linux or macOS"
)
def test_callback_object_is_called_through_cpp(tmp_path: Path) -> None:
    """A real virtual call of each function arrives with its parameter and returns."""
    library = tmp_path / "caller.so"
    command = [*_native_compiler(), "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    caller, given = ctypes.CDLL(str(library)), list[int]()
    listener = CallbackObject(168, 2572, given.append)
    for function in (caller.call_run, caller.call_run_of_a_call):
        function(listener.pointer(), ctypes.c_void_p(0xBEEF))
    assert given == [0xBEEF, 0xBEEF]
    assert caller.call_size(listener.pointer()) == 2572
