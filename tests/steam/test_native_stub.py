"""Specifies the compiled stub of libsteam_api: its C driver, its exports on each platform, and its use from Python."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
import shutil
import struct
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from sudomimus_bridge.steam._library import library_name
from sudomimus_bridge.steam._stub_ticket import read_stub_ticket
from sudomimus_bridge.testing import _compiled_stub as module
from sudomimus_bridge.testing._compiled_stub import (
    SDKS,
    StubNotCompiled,
    compiled_stub,
    open_tickets,
    read_stub_log,
)

from ..helpers.patience import PATIENCE

NATIVE = Path(__file__).resolve().parents[2] / "native"
CHECKOUT_BUILD = NATIVE / "build"

TICKET = "SteamAPI_ISteamUser_GetAuthTicketForWebApi"
EVERYWHERE = {
    "SteamAPI_Shutdown",
    "SteamAPI_IsSteamRunning",
    "SteamAPI_GetHSteamPipe",
    "SteamAPI_ISteamUtils_GetAppID",
    "SteamAPI_ISteamUser_CancelAuthTicket",
    "SteamAPI_ISteamUser_BLoggedOn",
    "SteamAPI_ISteamUtils_IsOverlayEnabled",
    "SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage",
    "SteamAPI_ManualDispatch_Init",
    "SteamAPI_ManualDispatch_RunFrame",
    "SteamAPI_ManualDispatch_GetNextCallback",
    "SteamAPI_ManualDispatch_FreeLastCallback",
    "SteamAPI_RunCallbacks",
    "SteamAPI_RegisterCallback",
    "SteamAPI_UnregisterCallback",
}
_V023 = {"SteamAPI_SteamUser_v023", TICKET}
_V010 = {"SteamAPI_SteamUtils_v010", "SteamAPI_SteamFriends_v017"}
OF_SDK = {
    156: {"SteamAPI_SteamUser_v022", "SteamAPI_Init"} | _V010,
    157: {"SteamAPI_Init"} | _V023 | _V010,
    158: {"SteamInternal_SteamAPI_Init"} | _V023 | _V010,
    159: {"SteamInternal_SteamAPI_Init", "SteamAPI_InitFlat"} | _V023 | _V010,
    165: {
        "SteamInternal_SteamAPI_Init",
        "SteamAPI_InitFlat",
        "SteamAPI_SteamUtils_v011",
        "SteamAPI_SteamFriends_v017",
    }
    | _V023,
    999: {
        "SteamInternal_SteamAPI_Init",
        "SteamAPI_InitFlat",
        "SteamAPI_SteamUser_v031",
        "SteamAPI_SteamUtils_v014",
        "SteamAPI_SteamFriends_v018",
        TICKET,
    },
}
ANYWHERE = EVERYWHERE.union(*OF_SDK.values())

needs_make = pytest.mark.skipif(
    os.name != "posix" or not shutil.which("make") or not shutil.which(os.environ.get("CC", "cc")),
    reason="the C driver needs make and a C compiler on a POSIX system",
)


def _make(build: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    """Build in a separate folder, because tests run in parallel and the checkout's build may be in use."""
    command = ["make", "--no-print-directory", "-s", "-C", str(NATIVE), f"BUILD={build}", f"PYTHON={sys.executable}"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run([*command, *targets], capture_output=True, text=True, timeout=3600, env=environment)


def _stub(sdk: int | None = None) -> Path:
    try:
        return compiled_stub(sdk)
    except StubNotCompiled as error:
        pytest.skip(str(error))


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A checkout with only the source, on a machine without a compiler."""
    checkout = tmp_path / "native"
    checkout.mkdir()
    shutil.copy(NATIVE / "steam_api_stub.c", checkout)
    monkeypatch.setattr(module, "_CHECKOUT", checkout)
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    return monkeypatch


# ---- The driver ----


@pytest.mark.once
@needs_make
@pytest.mark.parametrize("way", ["plain", "sanitized", "valgrind"])
def test_driver(way: str, tmp_path: Path) -> None:
    if way == "valgrind" and not shutil.which("valgrind"):
        pytest.skip("valgrind is not installed")
    done = _make(tmp_path, f"check-{way}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cases passed" in done.stdout


@pytest.mark.once
@needs_make
def test_make_builds_each_generation(tmp_path: Path) -> None:
    done = _make(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / library_name()).is_file()
    assert all((tmp_path / f"sdk-{sdk}" / library_name()).is_file() for sdk in SDKS)


@needs_make
@pytest.mark.skipif(importlib.util.find_spec("ziglang") is not None, reason="ziglang is installed")
def test_make_cross_names_the_missing_compiler(tmp_path: Path) -> None:
    done = _make(tmp_path, "cross")
    assert done.returncode != 0
    assert "-m pip install ziglang" in done.stderr


def test_each_variable_is_documented() -> None:
    variable = re.compile(r"\bSTEAM_STUB_(?!SDK\b)[A-Z_]+\b")
    source, readme = (NATIVE / name for name in ("steam_api_stub.c", "README.md"))
    read = set(re.findall(r'"(STEAM_STUB_[A-Z_]+)"', source.read_text(encoding="utf-8")))
    assert read == set(variable.findall(readme.read_text(encoding="utf-8")))


# ---- Exports ----


@pytest.mark.parametrize("sdk", [None, *SDKS])
def test_exports_of_each_generation(sdk: int | None) -> None:
    library = ctypes.CDLL(str(_stub(sdk)))
    exported = {name for name in ANYWHERE if hasattr(library, name)}
    assert exported == EVERYWHERE | OF_SDK[sdk or 165]


@pytest.mark.skipif(not sys.platform.startswith("linux") or not shutil.which("nm"), reason="nm on Linux reads these")
def test_stub_has_no_other_exports() -> None:
    command = ["nm", "--dynamic", "--defined-only", "--format=posix", str(_stub())]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {line.split()[0] for line in listing.splitlines()} == EVERYWHERE | OF_SDK[165]


def _text_at(data: bytes, offset: int) -> str:
    return data[offset : data.index(b"\0", offset)].decode()


def _pe_exports(data: bytes) -> set[str]:
    (header,) = struct.unpack_from("<I", data, 0x3C)
    section_count, optional_size = struct.unpack_from("<H12xH", data, header + 6)
    optional = header + 24
    directories = optional + (112 if data[optional : optional + 2] == b"\x0b\x02" else 96)
    sections = [
        struct.unpack_from("<8xIIII", data, optional + optional_size + 40 * index) for index in range(section_count)
    ]

    def at(address: int) -> int:
        return next(int(raw + address - start) for size, start, _, raw in sections if start <= address < start + size)

    exports = at(struct.unpack_from("<I", data, directories)[0])
    count, names = struct.unpack_from("<I4xI", data, exports + 24)
    addresses = struct.unpack_from(f"<{count}I", data, at(names))
    return {_text_at(data, at(address)) for address in addresses}


def _mach_exports(data: bytes) -> set[str]:
    (commands,) = struct.unpack_from("<I", data, 16)
    offset, found = 32, set()
    for _ in range(commands):
        command, size = struct.unpack_from("<II", data, offset)
        if command == 2:  # LC_SYMTAB
            symbols, count, strings = struct.unpack_from("<III", data, offset + 8)
            for index in range(count):
                name, kind, section = struct.unpack_from("<IBB", data, symbols + 16 * index)
                defined_and_external = kind & 0xE0 == 0 and kind & 0x11 == 0x01 and section != 0
                if defined_and_external:
                    found.add(_text_at(data, strings + name).removeprefix("_"))
        offset += size
    return found - {"_mh_dylib_header", "__dso_handle"}  # the linker adds these


def _elf_exports(path: Path) -> set[str]:
    if not shutil.which("nm"):
        pytest.skip("nm is not installed")
    command = ["nm", "--dynamic", "--defined-only", "--format=posix", str(path)]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listing.splitlines()}


@pytest.fixture(scope="module")
def cross_built() -> Path:
    """The libraries for other platforms. If the source changed, one worker builds them and the others wait."""
    if sys.platform == "win32":
        pytest.skip("the other platforms' libraries are built on a POSIX system")
    import fcntl

    newest_source = (NATIVE / "steam_api_stub.c").stat().st_mtime
    last_made = CHECKOUT_BUILD / "linux-x86" / "libsteam_api.so"
    CHECKOUT_BUILD.mkdir(exist_ok=True)
    with (CHECKOUT_BUILD / "cross.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not last_made.is_file() or last_made.stat().st_mtime < newest_source:
            if importlib.util.find_spec("ziglang") is None or not shutil.which("make"):
                pytest.skip("the other platforms' libraries need make and the Python package ziglang")
            done = _make(CHECKOUT_BUILD, "cross")
            assert done.returncode == 0, done.stdout + done.stderr
    return CHECKOUT_BUILD


@pytest.mark.once
@pytest.mark.parametrize(
    "library",
    [
        "macos-x86_64/libsteam_api.dylib",
        "macos-arm64/libsteam_api.dylib",
        "windows-x86_64/steam_api64.dll",
        "windows-x86/steam_api.dll",
        "linux-aarch64/libsteam_api.so",
        "linux-x86/libsteam_api.so",
    ],
)
def test_exports_on_other_platforms(library: str, cross_built: Path) -> None:
    path = cross_built / library
    if path.suffix == ".so":
        exported = _elf_exports(path)
    else:
        exported = (_pe_exports if path.suffix == ".dll" else _mach_exports)(path.read_bytes())
    assert exported == EVERYWHERE | OF_SDK[165]


# ---- compiled_stub ----


def test_stub_is_compiled_in_a_folder_that_is_removed(tmp_path: Path) -> None:
    _stub()
    shutil.copy(NATIVE / "steam_api_stub.c", tmp_path)
    program = f"""
        from pathlib import Path
        from sudomimus_bridge.testing import _compiled_stub as module
        module._CHECKOUT = Path({str(tmp_path)!r})
        path = module.compiled_stub(158)
        assert path == module.compiled_stub(158) and path.is_file()
        print(path)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path.name == library_name()
    assert not path.parent.exists()


def test_stub_compiles_from_the_source_in_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packaged = tmp_path / "native" / "steam_api_stub.c"
    packaged.parent.mkdir()
    packaged.touch()
    monkeypatch.setattr(module, "_CHECKOUT", tmp_path / "nowhere")
    with pytest.raises(StubNotCompiled, match=r"steam_api_stub\.c"):
        compiled_stub()
    monkeypatch.setattr(module, "_HERE", tmp_path)
    assert module._source() == packaged


def test_a_build_older_than_its_source_is_not_used(no_compiler: pytest.MonkeyPatch) -> None:
    built = module._CHECKOUT / "build" / library_name()
    built.parent.mkdir()
    built.touch()
    assert compiled_stub() == built
    os.utime(built, (1, 1))
    with pytest.raises(StubNotCompiled):
        compiled_stub()


def test_without_a_compiler(no_compiler: pytest.MonkeyPatch) -> None:
    with pytest.raises(StubNotCompiled, match="No C compiler was found"):
        compiled_stub()
    no_compiler.setenv("CC", "no-such-compiler --fast")
    with pytest.raises(StubNotCompiled, match="no-such-compiler: "):
        compiled_stub()


def test_a_compiler_that_refuses(no_compiler: pytest.MonkeyPatch) -> None:
    no_compiler.setenv("CC", f"{sys.executable} -c 'raise SystemExit(\"not today\")'")
    with pytest.raises(StubNotCompiled, match=r"did not compile: .*: not today"):
        compiled_stub()


def test_an_unknown_generation() -> None:
    with pytest.raises(ValueError, match="no SDK 160"):
        compiled_stub(160)


# ---- From Python, as the bridge uses it ----

PREPARE = """
    import ctypes, sys, time
    class Message(ctypes.Structure):
        _pack_ = 8 if sys.platform == "win32" else 4
        _layout_ = "ms"
        _fields_ = [("user", ctypes.c_int32), ("id", ctypes.c_int32), ("param", ctypes.c_void_p),
                    ("size", ctypes.c_int32)]
    steam = ctypes.CDLL(sys.argv[1])
    steam.SteamAPI_SteamUser_v023.restype = ctypes.c_void_p
    message = ctypes.create_string_buffer(1024)
    assert steam.SteamAPI_InitFlat(message) == 0
    pipe = steam.SteamAPI_GetHSteamPipe()
    user = ctypes.c_void_p(steam.SteamAPI_SteamUser_v023())
    def request(identity=b"sudomimus"):
        return steam.SteamAPI_ISteamUser_GetAuthTicketForWebApi(user, identity)
"""


def _run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEAM_STUB_")}
    environment |= {"SteamAppId": "480", **variables}
    source = textwrap.dedent(PREPARE) + textwrap.dedent(program)
    command = [sys.executable, "-c", source, str(_stub())]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env=environment)


def test_c_and_python_write_the_same_ticket(tmp_path: Path) -> None:
    log = tmp_path / "stub.log"
    program = r"""
        steam.SteamAPI_ManualDispatch_Init()
        handle, given = request("müller \" \u2028".encode()), Message()
        while True:
            steam.SteamAPI_ManualDispatch_RunFrame(pipe)
            if steam.SteamAPI_ManualDispatch_GetNextCallback(pipe, ctypes.byref(given)):
                break
            time.sleep(0.005)
        print(ctypes.string_at(given.param, given.size).hex())
        steam.SteamAPI_ManualDispatch_FreeLastCallback(pipe)
        print(ctypes.string_at(given.param, given.size).strip(b"\xdd").hex(), ".")
        request(b"left open")
        steam.SteamAPI_ISteamUser_CancelAuthTicket(user, handle)
    """
    done = _run(program, STEAM_STUB_LOG=str(log), STEAM_STUB_CHATTER="0", STEAM_STUB_TICKET_SIZE="300")
    assert (done.returncode, done.stderr) == (0, "")
    answer_line, after_free = done.stdout.splitlines()
    assert after_free == " ."
    answer = bytes.fromhex(answer_line)
    handle, result, size = struct.unpack_from("<Iii", answer)
    ticket = read_stub_ticket(answer[12 : 12 + size])
    assert (handle, result, size, len(answer)) == (1, 1, 300, 2572)
    assert ticket is not None
    assert (ticket.steam_id, ticket.app_id, ticket.identity) == (76561197960287930, 480, 'müller " \u2028')
    assert ticket.to_bytes(300) == answer[12:312]

    calls = read_stub_log(log)
    assert [call.seq for call in calls] == list(range(1, len(calls) + 1))
    assert len({call.pid for call in calls}) == 1
    asked, left = (call for call in calls if call.call == TICKET)
    assert (asked.handle, asked.nonce, asked.details["identity"]) == (1, ticket.nonce.hex(), ticket.identity)
    assert open_tickets(calls) == [left]
    handed_over = next(call for call in calls if call.call == "callback")
    assert (handed_over.handle, handed_over.details["size"]) == (1, 300)
    assert handed_over.ms - asked.ms >= 59


def test_callback_object_of_ctypes_is_called() -> None:
    program = """
        windows = sys.platform == "win32"
        Run = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
        RunCallResult = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_bool, ctypes.c_uint64)
        Size = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)
        seen = []
        run = Run(lambda this, param: seen.append((this, ctypes.c_uint32.from_address(param).value)))
        functions = [run, RunCallResult(lambda *given: None), Size(lambda this: 2572)]
        if windows:
            functions[0], functions[1] = functions[1], functions[0]
        vtable = (ctypes.c_void_p * 3)(*(ctypes.cast(function, ctypes.c_void_p) for function in functions))
        class Object(ctypes.Structure):
            _fields_ = [("vtable", ctypes.c_void_p), ("flags", ctypes.c_uint8), ("id", ctypes.c_int32)]
        item = Object(ctypes.addressof(vtable), 0, 0)
        steam.SteamAPI_RegisterCallback(ctypes.byref(item), 168)
        assert (item.flags, item.id) == (1, 168)
        handle = request()
        while not seen:
            steam.SteamAPI_RunCallbacks()
            time.sleep(0.005)
        assert seen == [(ctypes.addressof(item), handle)]
        steam.SteamAPI_UnregisterCallback(ctypes.byref(item))
        assert item.flags == 0
        steam.SteamAPI_ISteamUser_CancelAuthTicket(user, handle)
        steam.SteamAPI_Shutdown()
    """
    done = _run(program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("[S_API] ")
    assert "Setting breakpad minidump AppID = 480" in done.stderr


def test_misuse_ends_the_process(tmp_path: Path) -> None:
    log = tmp_path / "stub.log"
    done = _run("request()\nsteam.SteamAPI_Shutdown()\nprint('alive')", STEAM_STUB_LOG=str(log))
    assert done.returncode != 0
    assert "alive" not in done.stdout
    assert "steam_api_stub: misuse: SteamAPI_Shutdown with 1 ticket still open\n" in done.stderr
    assert read_stub_log(log)[-1].call == "misuse"
    done = _run("request()\nsteam.SteamAPI_Shutdown()\nprint('alive')", STEAM_STUB_LENIENT="1")
    assert done.returncode == 0
    assert "alive" in done.stdout


def test_no_log_yet(tmp_path: Path) -> None:
    assert read_stub_log(tmp_path / "none") == []
