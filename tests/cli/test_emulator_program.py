"""Specifies `sudomimus-bridge emulator -- PROGRAM`: a program with the settings of a local service and a stub of Steam."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.patience import PATIENCE

SIGNS_IN = """
import sys
from sudomimus_bridge import Bridge

with Bridge() as bridge:
    print(bridge.login().application_anchor, sys.argv[1:])
    print(bridge.login("access-key").application_anchor)
sys.exit(7)
"""


def emulator(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sudomimus_bridge", "emulator", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.usefixtures("stub_library")
def test_program_signs_in_to_the_service_and_ends_it() -> None:
    done = emulator("--application", "lighthouse", "--", sys.executable, "-c", SIGNS_IN, "--flag")
    said = [
        line for line in done.stdout.splitlines() if not line.startswith("[S_API]")
    ]  # Steam's library writes there too
    assert (said, done.returncode) == (["lighthouse ['--flag']", "lighthouse"], 7), done.stderr


@pytest.mark.usefixtures("stub_library")
def test_steam_library_of_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDOMIMUS_STEAM_LIBRARY", str(tmp_path / "mine"))
    program = "import os; print(os.environ['SUDOMIMUS_STEAM_LIBRARY'])"
    assert emulator("--", sys.executable, "-c", program).stdout == f"{tmp_path / 'mine'}\n"


def test_program_that_does_not_exist_is_named() -> None:
    done = emulator("--", "no-such-program-here")
    assert done.returncode == 2
    assert "there is no program no-such-program-here to start" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_program_killed_by_a_signal_has_the_status_of_a_shell() -> None:
    done = emulator("--", sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    assert done.returncode == 128 + 9


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_program_writes_to_the_terminal() -> None:
    import pty

    ours, theirs = pty.openpty()
    program = "import sys; print('to output'); print('to error', file=sys.stderr)"
    command = [sys.executable, "-m", "sudomimus_bridge", "emulator", "--", sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                data = os.read(ours, 65536)
            except OSError:  # how Linux says that nobody has the terminal any more
                break
            if not data:
                break
            said += data
    os.close(ours)
    assert process.returncode == 0
    assert b"to output" in said and b"to error" in said
