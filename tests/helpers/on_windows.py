"""Runs tests on a Python for Windows, under Wine: python tests/helpers/on_windows.py [pytest's arguments]

Without arguments, it runs the tests that depend on the operating system (`TESTS`). Failed tests run once more, one at a time,
because Wine sometimes loses a race on a busy machine. Tests on trio are left out: Wine's sockets lack a call that trio needs.

The first run builds that Python in build/windows-VERSION, for this Python's version. It takes the interpreter's library from
Panda3D's wheel for Windows, the standard library from this Python, and the required packages from their wheels for Windows.
It compiles the program that starts Python, and two small libraries that Windows has and Wine lacks.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TESTS = [
    "project/test_windows",
    "program/test_bridge",
    "program/test_exit",
    "program/test_life",
    "browser/test_gate",
    "cli/test_session",
    "steam/test_flat_api",
    "renpy/test_steam",
    "session/test_calls",
    "session/test_crash",
    "session/test_keeper",
    "session/test_keyring",
    "session/test_store",
    "values/test_settings",
    "sidecar/test_shared",
    "sidecar/test_shutdown",
    "sidecar/test_reader",
    "sidecar/test_logins",
    "steam/test_host",
]
SECONDS = 1200.0
"""The most seconds that a run may take."""

VERSION = "{}.{}".format(*sys.version_info)
PLACE = PROJECT / "build" / f"windows-{VERSION}"
ZIG = [sys.executable, "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu", "-O1"]

NOT_NEEDED = ("sudomimus-bridge", "mypy", "pygame-ce", "ruff", "selenium", "types-jsonschema", "steamworkspy")
ONLY_ON_WINDOWS = ("colorama", "pywin32-ctypes")
"""Packages that pytest and keyring need on Windows. pip evaluates such conditions for the system on which it runs."""

STARTER = """
#include <windows.h>
typedef int (*entry)(int, wchar_t **);
int wmain(int count, wchar_t **arguments) {
    HMODULE python = LoadLibraryW(L"@PYTHON@.dll");
    entry run = python ? (entry)GetProcAddress(python, "Py_Main") : 0;
    return run ? run(count, arguments) : 120;
}
"""

PRNG = """
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T size) { return SystemFunction036(data, (ULONG)size); }
"""
"""bcryptprimitives.dll, from which programs in Rust take random bytes (Windows 10 and later)."""


class CannotRun(Exception):
    """The tests cannot run here. The message says what is missing."""


def main(arguments: list[str]) -> int:
    """Run the tests. Returns pytest's exit status, or 77 if that Python cannot run here."""
    try:
        if not (PLACE / "complete").exists():
            make_python()
        make_stubs()
    except CannotRun as reason:
        print(f"The Windows tests cannot run here: {reason}", file=sys.stderr)
        return 77
    tests = arguments or ["-q", "-n", "auto", "--dist", "worksteal", *(f"tests/{name}.py" for name in TESTS)]
    with wine() as run:
        pytest = ["python.exe", "-m", "pytest", "-o", f"cache_dir={windows_path(PLACE / 'cache')}", "-k", "not trio"]
        if run("python.exe", "-c", "import ssl, ctypes, pydantic, cryptography") != 0:
            print("The Windows tests cannot run here: Wine cannot run its Python.", file=sys.stderr)
            return 77
        if (status := run(*pytest, *tests)) == 1:
            print("Running the failed tests again, one at a time.")
            status = run(*pytest, *tests, "-n", "0", "--last-failed")
        return status


# --- the Python ------------------------------------------------------------------------------------------------------------


def make_python() -> None:
    """Build the Python in `PLACE`, completely or not at all."""
    if shutil.which("wine") is None:
        raise CannotRun("Wine is needed: apt install wine")
    if missing := [name for name in ("pefile", "ziglang") if find_spec(name) is None]:
        raise CannotRun(f"{' and '.join(missing)} must be installed: make windows")
    PLACE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=PLACE.parent) as folder:
        new = Path(folder, "new")
        new.mkdir()
        wheel = _download_runtime(Path(folder))
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.startswith("deploy_libs/") and name.endswith((".dll", ".pyd")):
                    Path(new, Path(name).name).write_bytes(archive.read(name))
        unneeded = shutil.ignore_patterns("lib-dynload", "site-packages", "test", "idlelib", "__pycache__", "config-*")
        shutil.copytree(sysconfig.get_path("stdlib"), new / "Lib", ignore=unneeded)
        _install(new / "Lib" / "site-packages")
        _compile(new)
        (new / "complete").touch()
        shutil.rmtree(PLACE, ignore_errors=True)
        new.rename(PLACE)


def _download_runtime(folder: Path) -> Path:
    pip("download", "--no-deps", "--dest", str(folder), *for_windows(), "panda3d")
    return next(folder.glob("*.whl"))


def _install(folder: Path) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *ONLY_ON_WINDOWS]
    for extra in project["optional-dependencies"].values():
        needed += [requirement for requirement in extra if not requirement.startswith(NOT_NEEDED)]
    pip("install", "--target", str(folder), *for_windows(), *needed)


def for_windows() -> list[str]:
    """The options by which pip chooses Windows' wheels."""
    return ["--platform", "win_amd64", "--python-version", VERSION, "--implementation", "cp", "--only-binary=:all:"]


def pip(*arguments: str) -> None:
    """Run this Python's pip. Raises `CannotRun`."""
    _run([sys.executable, "-m", "pip", "--disable-pip-version-check", arguments[0], "--quiet", *arguments[1:]])


def _compile(folder: Path) -> None:
    pefile = import_module("pefile")  # `make windows` installs it; type checkers need not know it
    python = f"python{VERSION.replace('.', '')}"
    (folder / "starter.c").write_text(STARTER.replace("@PYTHON@", python), encoding="ascii")
    (folder / "prng.c").write_text(PRNG, encoding="ascii")
    (folder / "empty.c").write_text("int DllMain(void) { return 1; }\n", encoding="ascii")
    # python3.dll has the same exports as the interpreter's library, and forwards each to it.
    exports = pefile.PE(str(folder / f"{python}.dll")).DIRECTORY_ENTRY_EXPORT.symbols
    lines = [f"  {name}={python}.{name}" for name in sorted(entry.name.decode() for entry in exports if entry.name)]
    (folder / "python3.def").write_text("\n".join(["LIBRARY python3.dll", "EXPORTS", *lines, ""]), encoding="ascii")
    _run([*ZIG, "-municode", "starter.c", "-o", "python.exe"], folder)
    _run([*ZIG, "-shared", "prng.c", "-ladvapi32", "-o", "bcryptprimitives.dll"], folder)
    _run([*ZIG, "-shared", "empty.c", "python3.def", "-o", "python3.dll"], folder)


def make_stubs() -> None:
    """Build the Steam stubs for Windows, of all SDKs, beside those for this system."""
    compiler = " ".join(ZIG)
    _run(["make", "-s", "-C", str(PROJECT / "native"), "OS=Windows_NT", f"CC={compiler}", "all"])


def _run(command: list[str], folder: Path | None = None) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        words = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise CannotRun(f"{' '.join(command[:4])} … said: {words}")


# --- Wine ------------------------------------------------------------------------------------------------------------------


def windows_path(path: Path) -> str:
    """The path under which a program in Wine finds this file."""
    return f"Z:{path}".replace("/", "\\")


@contextmanager
def wine() -> Iterator[Run]:
    """A Wine prefix of its own. At the end of the block its processes are ended and its files removed."""
    with tempfile.TemporaryDirectory(prefix="wine-", ignore_cleanup_errors=True) as prefix:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("WINE", "PYTHON", "SUDOMIMUS_"))
        }
        environment = {
            **kept,
            "WINEPREFIX": prefix,
            "WINEARCH": "win64",
            "WINEDEBUG": "-all",
            "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe=",
            "PYTHONPATH": windows_path(PROJECT / "bridge"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        run = Run(environment)
        try:
            yield run
        finally:
            run.end()


class Run:
    """Runs a program of `PLACE` in the checkout, under Wine, and prints its output."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment = environment

    def __call__(self, *command: str) -> int:
        # The output goes through a pipe: Python for Windows does not start with a Unix shell's descriptors under Wine.
        program = subprocess.Popen(
            ["wine", str(PLACE / command[0]), *command[1:]],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert program.stdout is not None
        too_long = threading.Timer(SECONDS, self.end)
        too_long.start()
        try:
            for line in program.stdout:
                sys.stdout.write(line.decode("utf-8", "replace").replace("\r\n", "\n"))
                sys.stdout.flush()
            return program.wait()
        finally:
            too_long.cancel()

    def end(self) -> None:
        """End all processes of the prefix."""
        for option in ("-k", "-w"):
            subprocess.run(["wineserver", option], env=self.environment, capture_output=True, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
