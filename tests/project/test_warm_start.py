"""Specifies `tests/helpers/warm_start.py`: a program that was forked sees what a program sees that Python has started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..helpers.warm_start import MAY_FORK, PROGRAM, closing

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has warm starts")

LOOKS = """
import ctypes  # libffi may keep its own file open
import json, os, signal, sys
streams = [sys.stdin, sys.stdout, sys.stderr]
print(json.dumps({
    "argv": sys.argv,
    "environ": dict(os.environ),
    "folder": os.getcwd(),
    "parent": os.getppid(),
    "leads a session": os.getsid(0) == os.getpid(),
    "descriptors": len(os.listdir("/proc/self/fd")),
    "streams": [[each.encoding, each.errors, each.line_buffering, each.write_through, each.isatty()] for each in streams],
    "input": sys.stdin.read(),
    "signals": [str(signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)],
    "mask": [str(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "name": __name__,
    "path": sys.path[0],
}))
print("the end", file=sys.stderr)
sys.exit(7); """
OPEN = """
import os, sys
with open(sys.argv[1], "w") as file:
    for number, stream in enumerate([sys.stdin, sys.stdout, sys.stderr]):
        name = f"/proc/self/fd/{number}"
        print(stream is None, os.path.exists(name) and os.readlink(name), file=file)
sys.exit(7); """
ENDING = """
import __main__, atexit, sys

class Game:
    def __del__(self):
        print("deleted")

game = Game()
atexit.register(print, "the interpreter ends")
print(__main__.game is game)
"""
LOADED = "import sys; print('httpx' in vars(sys)['modules']); sys.exit(); "


def seen(code: str, **changes: Any) -> tuple[dict[str, Any], str, int]:
    streams: dict[str, Any] = {"input": "typed\n", "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    done = subprocess.run([sys.executable, "-c", code, "a", "b c"], text=True, check=False, **streams, **changes)
    return json.loads(done.stdout), done.stderr, done.returncode


@pytest.mark.parametrize("new_session", [False, True])
def test_forked_program_sees_what_a_started_one_sees(tmp_path: Path, new_session: bool) -> None:
    changes = {"cwd": tmp_path, "env": {**os.environ, "ONE": "ünï\udcff"}, "start_new_session": new_session}
    assert seen(LOOKS + PROGRAM, **changes) == seen(LOOKS, **changes)


def test_signal_ends_a_forked_program() -> None:
    code = "import sys; print('runs', flush=True); sys.stdin.read(); "
    with subprocess.Popen(
        [sys.executable, "-c", code + PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"runs\n"
        program.send_signal(signal.SIGTERM)
        assert program.wait() == -signal.SIGTERM


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_forked_program_has_the_streams_that_a_shell_leaves_open(tmp_path: Path, closed: str) -> None:
    seen = tmp_path / "seen"

    def start(code: str) -> tuple[int, str]:
        words = closing(closed, [sys.executable, "-c", code, str(seen)])
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
        status = subprocess.run(words, check=False, **streams).returncode
        return status, seen.read_text()

    assert start(OPEN + PROGRAM) == start(OPEN)


def test_variables_of_a_forked_program_live_until_the_interpreter_ends() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING + MAY_FORK], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"True\nthe interpreter ends\ndeleted\n"


def test_program_has_its_modules_unless_python_itself_is_told_something_else(request: pytest.FixtureRequest) -> None:
    warm = not request.config.getoption("--cold")
    started = [sys.executable, "-c", LOADED + MAY_FORK]
    assert subprocess.run(started, stdout=subprocess.PIPE).stdout == f"{warm}\n".encode()
    environ = {**os.environ, "PYTHONUTF8": "1"}
    assert subprocess.run(started, stdout=subprocess.PIPE, env=environ).stdout == b"False\n"
