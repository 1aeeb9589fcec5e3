"""Specifies the single file (`make sidecar`): the sidecar's tests run on it, and tests of a program that unpacks itself."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from sudomimus_bridge._version import __version__
from sudomimus_bridge.emulator import Emulator

from ..cli.test_program import Program, on_stub
from ..conftest import StubLog
from ..helpers import sidecar_helpers
from ..helpers.patience import PATIENCE, until
from ..helpers.sidecar_helpers import Launcher, launchers
from . import test_docs as test_sidecar_docs
from . import test_logins as test_sidecar_logins
from . import test_other_ways as test_sidecar_other_ways
from . import test_shutdown as test_sidecar_shutdown
from .test_shutdown import alive

pytestmark = pytest.mark.once

BUILD = Path(__file__).parents[2] / "packaging" / "build_sidecar.py"
STEAM = {"method": "steam", "openBrowser": False}

Start = Callable[..., Launcher]

SMALL, SMALL_PACKED = 27_000_000, 12_500_000
"""The most bytes, unpacked and in an archive. Before you raise them, find out what has made the file larger."""

# These tests need only the document, or a client key (which the file does not take), or a sidecar with an added bug.
_NOT_FOR_A_FILE = {
    "test_crash_names_its_place_without_a_secret",
    "test_cancel_while_establishing",
    "test_document_covers_the_whole_interface",
    "test_matches_notices_a_difference",
    "test_document_names_only_settings_that_exist",
    "test_document_names_the_grace_window_and_its_setting",
}


@pytest.fixture(scope="session")
def single_file() -> Path:
    """The file, built unless it exists for the same sources."""
    done = subprocess.run([sys.executable, str(BUILD)], capture_output=True, text=True, check=False)
    if done.returncode and "is needed" in done.stderr:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(autouse=True)
def temporary(single_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Replace the installed sidecar by the file. The result is the folder where it unpacks itself, empty at the end."""
    for module in (sidecar_helpers, test_sidecar_shutdown):
        monkeypatch.setattr(module, "command", lambda *words: [str(single_file), *words])
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    deadline = time.monotonic() + PATIENCE
    while any(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(folder.iterdir()) == []


def _take_over(module: ModuleType) -> dict[str, Any]:
    """The tests of a module, under names that begin with `test_sidecar_`: `conftest` leaves out a part of their rows."""
    names = [name for name in vars(module) if name.startswith("test_") and name not in _NOT_FOR_A_FILE]
    return {
        f"test_sidecar_{module.__name__.rpartition('test_')[2]}_{name[5:]}": getattr(module, name) for name in names
    }


for _module in (test_sidecar_logins, test_sidecar_other_ways, test_sidecar_shutdown, test_sidecar_docs):
    globals().update({name: value for name, value in _take_over(_module).items() if callable(value)})
replay = test_sidecar_docs.replay
browser = test_sidecar_other_ways.browser


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


@pytest.fixture
def start(program: Program) -> Iterator[Start]:
    yield from launchers(program)


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            found.append(int(path.parent.name))
    return found


def run(single_file: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    line = json.dumps(sidecar_helpers.request("initialize", {}, 1)) + "\n"
    return subprocess.run(
        [str(single_file), *arguments],
        env=environ,
        input=line,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    "words", [[], ["sidecar"], ["--verbose"], ["sidecar", "--application", "my-game"]], ids=" ".join
)
def test_file_serves_without_python_and_environment(single_file: Path, temporary: Path, words: list[str]) -> None:
    """With and without the argument `sidecar`."""
    done = run(single_file, *words, TMPDIR=str(temporary), PATH="/nowhere")
    assert json.loads(done.stdout)["result"]["bridgeVersion"] == __version__ and done.returncode == 0, done.stderr


@pytest.mark.parametrize("locale", ["ja_JP.EUC-JP"])
def test_file_starts_in_a_locale_whose_codec_it_lacks(
    single_file: Path, temporary: Path, tmp_path: Path, locale: str
) -> None:
    (locales := tmp_path / "locales").mkdir()
    name, charset = locale.split(".")
    if (localedef := shutil.which("localedef")) is None or subprocess.run(
        [localedef, "-i", name, "-f", charset, str(locales / locale)], capture_output=True, check=False
    ).returncode:
        pytest.skip(f"localedef and the sources of {locale} are needed: apt-get install locales")
    done = run(single_file, TMPDIR=str(temporary), LOCPATH=str(locales), LC_ALL=locale)
    assert done.returncode == 0 and json.loads(done.stdout)["result"], done.stderr


def test_version_help_and_another_command(single_file: Path, temporary: Path) -> None:
    assert run(single_file, "--version", TMPDIR=str(temporary)).stdout == f"sudomimus-bridge {__version__}\n"
    assert "usage: sudomimus-bridge sidecar" in run(single_file, "--help", TMPDIR=str(temporary)).stdout
    refused = run(single_file, "login", "steam", TMPDIR=str(temporary))
    assert (refused.returncode, refused.stdout) == (2, "") and "too many" in refused.stderr


def test_file_is_small(single_file: Path) -> None:
    content = single_file.read_bytes()
    assert len(content) < SMALL and len(zlib.compress(content)) < SMALL_PACKED


def test_file_finds_the_steam_library_beside_itself(
    single_file: Path, start: Start, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shipped = tmp_path / "shipped"
    shipped.mkdir()
    for part in (single_file, program.library):
        shutil.copy2(part, shipped)
    monkeypatch.setattr(sidecar_helpers, "command", lambda *words: [str(shipped / single_file.name), *words])
    flags = program.flags(steam_library=None)
    program.flags = lambda **_: flags  # type: ignore[method-assign]
    assert start().call("login", STEAM)["result"]


@test_sidecar_shutdown.needs_proc
def test_file_loads_only_its_own_and_the_systems_libraries(start: Start, program: Program, temporary: Path) -> None:
    launcher = start()
    assert launcher.call("login", STEAM)["result"]
    (working,) = children(launcher.process.pid)
    maps = Path(f"/proc/{working}/maps").read_text(encoding="utf-8").splitlines()
    loaded = {line.split(maxsplit=5)[5] for line in maps if ".so" in line}
    assert any(path.startswith(str(temporary)) and "_pydantic_core" in path for path in loaded)
    own = (str(temporary), str(program.library))
    assert [path for path in loaded if not path.startswith((*own, "/lib", "/usr/lib"))] == []


@test_sidecar_shutdown.needs_proc
def test_killed_file_ends_its_working_process(start: Start, program: Program) -> None:
    """The working process removes the unpacked folder, which `temporary` checks."""
    program.environ["STEAM_STUB_TICKET_DELAY_MS"] = "10000"
    launcher = start()
    launcher.phase(launcher.ask("login", STEAM), "requesting-ticket")
    (working,) = children(launcher.process.pid)
    launcher.signal(signal.SIGKILL)
    deadline = time.monotonic() + 2
    while alive(working) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive(working)
    program.every_ticket_was_cancelled_once()


@test_sidecar_shutdown.needs_proc
def test_file_in_the_temporary_folder_ends_with_its_launcher(
    single_file: Path, program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The file and its unpacked folder are in the same folder."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    copy = shutil.copy2(single_file, folder)
    monkeypatch.setattr(test_sidecar_shutdown, "command", lambda *words: [str(copy), *words])
    program.environ |= {"TMPDIR": str(folder), "STEAM_STUB_TICKET_DELAY_MS": "10000"}
    test_sidecar_shutdown.kill_launcher_after(program, 0.2, heir=True)
    program.every_ticket_was_cancelled_once()
    assert [path.name for path in folder.iterdir()] == [single_file.name]


def test_file_takes_no_client_key(start: Start, program: Program) -> None:
    program.environ["SUDOMIMUS_CLIENT_KEY"] = Path(program.emulator.urls["clientKeyFile"]).read_text(encoding="utf-8")
    launcher = start()
    error = launcher.call("login", {"method": "browser"})["error"]
    assert error["data"]["kind"] == "configuration"
    launcher.close_input()
    launcher.end()
    assert "exposureKey" in launcher.err and "pip" not in launcher.err


def test_browser_gets_the_environment_of_the_launcher(start: Start, program: Program, tmp_path: Path) -> None:
    script, seen = tmp_path / "browser.py", tmp_path / "seen.json"
    script.write_text(
        "import json, os, sys\n"
        "with open(sys.argv[1] + '.part', 'w') as file: json.dump(dict(os.environ), file)\n"
        "os.rename(sys.argv[1] + '.part', sys.argv[1])\n"
    )
    program.environ["BROWSER"] = f"{sys.executable} -I {script} {seen} %s"
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start()
    launcher.phase(launcher.ask("login", {"method": "steam"}), "waiting-for-browser")
    deadline = time.monotonic() + PATIENCE
    while not seen.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    environ = json.loads(seen.read_text())
    assert [name for name, value in environ.items() if name.startswith("_PYI") or "_MEI" in value] == []
    assert "LD_LIBRARY_PATH" not in environ and environ["BROWSER"] == program.environ["BROWSER"]


def test_browser_can_start_the_file_again(
    single_file: Path, start: Start, program: Program, temporary: Path, tmp_path: Path
) -> None:
    """A page may start the game again. The folder that the first process had unpacked is gone by then."""
    script, opened, said = (tmp_path / name for name in ("browser", "opened", "said"))
    script.write_text(
        f"#!/bin/sh\n: > {opened}\n"
        f'while [ -n "$(ls -A {temporary})" ]; do sleep 0.05; done\n'
        f"{single_file} --version > {said}.part 2>&1; mv {said}.part {said}\n"
    )
    script.chmod(0o755)
    program.environ["BROWSER"] = f"{script} %s"
    program.emulator.update({"claims.email": "REQUIRED"})
    launcher = start()
    launcher.phase(launcher.ask("login", {"method": "steam"}), "waiting-for-browser")
    until(opened.exists)
    launcher.close_input()
    launcher.end()
    until(said.exists)
    assert said.read_text() == f"sudomimus-bridge {__version__}\n"
