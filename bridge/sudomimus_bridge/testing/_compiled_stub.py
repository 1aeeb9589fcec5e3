"""The compiled stub of `libsteam_api`: this module finds or compiles it and reads its log. It does not load it.

`native/README.md` describes the stub and lists the variables that script it.
"""

from __future__ import annotations

import atexit
import functools
import importlib.util
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..steam._library import library_name

SDKS = (156, 157, 158, 159, 165, 999)
"""The SDKs that the stub can imitate. 999 is an imagined future one."""

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[2] / "native"
_SOURCE = "steam_api_stub.c"
_REQUEST = "SteamAPI_ISteamUser_GetAuthTicketForWebApi"
_CANCEL = "SteamAPI_ISteamUser_CancelAuthTicket"
_lock = threading.Lock()


class StubNotCompiled(Exception):
    """There is no compiled stub, and it cannot be compiled here. The message says why."""


def stubbed_steam() -> dict[str, Any]:
    """Return keywords for `Bridge` (dict) with a stub of Steam: the compiled one, or the Python one if there is no compiler."""
    try:
        return {"steam_library": compiled_stub()}
    except StubNotCompiled:
        from .._values.clock import SystemClock
        from ._stub_steam import StubSteam

        return {"steam": StubSteam(SystemClock())}


def compiled_stub(sdk: int | None = None) -> Path:
    """Return the compiled stub of Steam's library for this machine, and compile it if there is none.

    The stub in the checkout's `native/build` is used if it is newer than its source. Otherwise a C compiler builds one in a
    private folder, which is removed when the process ends.

    Args:
        sdk: The Steamworks SDK to imitate: 156 to 159, 165, or 999 for a future one; None is the newest.

    Returns:
        The path of the library.

    Raises:
        StubNotCompiled: There is no C compiler. The message says what to install.
        ValueError: The stub does not know this SDK.
    """
    if sdk is not None and sdk not in SDKS:
        raise ValueError(f"the stub knows no SDK {sdk}; it knows {', '.join(map(str, SDKS))}")
    source = _source()
    built = _CHECKOUT / "build" / (f"sdk-{sdk}" if sdk else "") / library_name()
    if source.parent == _CHECKOUT and built.is_file() and built.stat().st_mtime >= source.stat().st_mtime:
        return built
    with _lock:
        return _compile(source, sdk)


def _source() -> Path:
    for folder in (_CHECKOUT, _HERE / "native"):
        if (folder / _SOURCE).is_file():
            return folder / _SOURCE
    raise StubNotCompiled(
        f"{_SOURCE} is neither in this package nor in a checkout around it. Install the package again."
    )


def _compilers() -> list[list[str]]:
    if chosen := os.environ.get("CC"):
        return [shlex.split(chosen)]
    found = [[path] for name in ("cc", "gcc", "clang") if (path := shutil.which(name))]
    if importlib.util.find_spec("ziglang"):
        found.append([sys.executable, "-m", "ziglang", "cc"])
    return found


@functools.cache
def _compile(source: Path, sdk: int | None) -> Path:
    folder = tempfile.mkdtemp(prefix="steam-api-stub-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    library = Path(folder, library_name())
    flags = ["-std=c11", "-O1", "-fvisibility=hidden", "-shared"]
    flags += [] if sys.platform == "win32" else ["-fPIC", "-pthread"]
    # A library that is linked with the stub must find it by its bare name, not by its path.
    if sys.platform == "linux":
        flags.append(f"-Wl,-soname,{library_name()}")
    elif sys.platform == "darwin":
        flags += ["-install_name", f"@loader_path/{library_name()}"]
    flags += [f"-DSTEAM_STUB_SDK={sdk}"] if sdk else []
    compile_with_any(flags, [source], library)
    return library


def compile_with_any(flags: list[str], sources: list[Path], library: Path) -> None:
    """Compile the library with the first compiler that can. Raises `StubNotCompiled` with the error of each."""
    complaints = []
    for compiler in _compilers():
        command = [*compiler, *flags, "-o", str(library), *map(str, sources)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            complaints.append(f"{compiler[0]}: {error}")
            continue
        if done.returncode == 0 and library.is_file():
            return
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        complaints.append(f"{compiler[0]}: {last}")
    if not complaints:
        raise StubNotCompiled("No C compiler was found: install cc, gcc or clang, or the Python package ziglang.")
    raise StubNotCompiled(f"The stub of {library.stem} did not compile: {'; '.join(complaints)}")


@dataclass(frozen=True)
class StubCall:
    """One line of the stub's log: a call of one of its functions, a `callback` that it delivered, or a `misuse`."""

    seq: int
    ms: int
    pid: int
    tid: int
    call: str
    details: Mapping[str, object]
    """The line's other fields, by the log's names: `handle`, `nonce`, `identity`, `result`, …"""

    @property
    def handle(self) -> int | None:
        """The ticket's handle. 0 if a request got none; None if the line has no handle."""
        value = self.details.get("handle")
        return value if isinstance(value, int) else None

    @property
    def nonce(self) -> str | None:
        """The bytes, in hex, that make the ticket unique among the tickets of all processes."""
        value = self.details.get("nonce")
        return value if isinstance(value, str) else None


def read_stub_log(path: str | os.PathLike[str]) -> list[StubCall]:
    """Return every line of the log in the file's order. The list is empty if there is no file yet."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    calls = []
    for line in text.split("\n")[:-1]:  # `splitlines` would also split at U+2028; an incomplete line has no newline yet
        entry = json.loads(line)
        seq, ms, pid, tid, call = (entry.pop(name) for name in ("seq", "ms", "pid", "tid", "call"))
        calls.append(StubCall(seq, ms, pid, tid, call, entry))
    return calls


def open_tickets(calls: Iterable[StubCall]) -> list[StubCall]:
    """Return the requests whose tickets are not cancelled, oldest first."""
    still_open: dict[str, StubCall] = {}
    for call in calls:
        if call.call == _REQUEST and call.nonce:
            still_open[call.nonce] = call
        elif call.call == _CANCEL and call.nonce:
            still_open.pop(call.nonce, None)
    return list(still_open.values())
