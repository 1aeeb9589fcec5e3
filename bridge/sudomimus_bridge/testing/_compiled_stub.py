"""The compiled stub of `libsteam_api`: where it lies, or how it is compiled, and how its log is read.

`native/README.md` lists the variables that steer the stub. What it does is C's business; nothing here loads it.
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

SDKS = (156, 157, 158, 159, 165, 999)
"""The SDK generations that the stub can stand for; 999 is one that does not exist yet."""

_HERE = Path(__file__).resolve().parent
_CHECKOUT = _HERE.parents[2] / "native"
_SOURCE = "steam_api_stub.c"
_REQUEST = "SteamAPI_ISteamUser_GetAuthTicketForWebApi"
_CANCEL = "SteamAPI_ISteamUser_CancelAuthTicket"
_lock = threading.Lock()


class StubNotCompiled(Exception):
    """There is no compiled stub and none can be made here; the message says why."""


def stubbed_steam() -> dict[str, Any]:
    """What gives a `Bridge` a stubbed Steam: the compiled stub, else, where none can be made, the Python one."""
    try:
        return {"steam_library": compiled_stub()}
    except StubNotCompiled:
        from .._values.clock import SystemClock
        from ._stub_steam import StubSteam

        return {"steam": StubSteam(SystemClock())}


def library_name() -> str:
    """The file name of Steam's library on this platform, which the stub bears too."""
    if sys.platform == "win32":
        return "steam_api64.dll" if sys.maxsize > 2**32 else "steam_api.dll"
    return "libsteam_api.dylib" if sys.platform == "darwin" else "libsteam_api.so"


def compiled_stub(sdk: int | None = None) -> Path:
    """The stub for this machine, of the newest SDK or the given one of `SDKS`; raises `StubNotCompiled`.

    The checkout's `native/build` serves while it is newer than the source. Otherwise a C compiler makes one, in a
    private folder that is removed when the process ends.
    """
    if sdk is not None and sdk not in SDKS:
        raise ValueError(f"the stub knows no SDK {sdk}, only {', '.join(map(str, SDKS))}")
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
    raise StubNotCompiled(f"{_SOURCE} is neither in this package nor in a checkout around it.")


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
    # What is linked with it later looks for it by its name, not where it was compiled.
    if sys.platform == "linux":
        flags.append(f"-Wl,-soname,{library_name()}")
    elif sys.platform == "darwin":
        flags += ["-install_name", f"@loader_path/{library_name()}"]
    flags += [f"-DSTEAM_STUB_SDK={sdk}"] if sdk else []
    compile_with_any(flags, [source], library)
    return library


def compile_with_any(flags: list[str], sources: list[Path], library: Path) -> None:
    """Have the first compiler that can make the library. Raises `StubNotCompiled` with what each of them said."""
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
    """One line of the stub's log: a call into it, a `callback` that it handed over, or a `misuse`."""

    seq: int
    ms: int
    pid: int
    tid: int
    call: str
    details: Mapping[str, object]
    """What else the line says, by the log's names: `handle`, `nonce`, `identity`, `result`, …"""

    @property
    def handle(self) -> int | None:
        """The ticket handle that the line is about; 0 where a request was given none."""
        value = self.details.get("handle")
        return value if isinstance(value, int) else None

    @property
    def nonce(self) -> str | None:
        """What makes the line's ticket unique among all processes' tickets, in hexadecimal."""
        value = self.details.get("nonce")
        return value if isinstance(value, str) else None


def read_stub_log(path: str | os.PathLike[str]) -> list[StubCall]:
    """Every line of the log, in the file's order; none where nothing was logged yet."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    calls = []
    for line in text.split("\n")[:-1]:  # splitlines would cut at U+2028 too; every whole line ends in a newline
        entry = json.loads(line)
        seq, ms, pid, tid, call = (entry.pop(name) for name in ("seq", "ms", "pid", "tid", "call"))
        calls.append(StubCall(seq, ms, pid, tid, call, entry))
    return calls


def open_tickets(calls: Iterable[StubCall]) -> list[StubCall]:
    """The requests whose tickets were given and not cancelled since, oldest first."""
    still_open: dict[str, StubCall] = {}
    for call in calls:
        if call.call == _REQUEST and call.nonce:
            still_open[call.nonce] = call
        elif call.call == _CANCEL and call.nonce:
            still_open.pop(call.nonce, None)
    return list(still_open.values())
