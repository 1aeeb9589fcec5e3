"""Specifies the suite itself: it runs under `nohup` and in the background as it does in a terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX system is needed: its signals")

_PROGRAM = """
import subprocess, sys
from signals import pass_signals_on
pass_signals_on()
child = "import signal; print(*(signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)))"
subprocess.run([sys.executable, "-I", "-c", child], check=True)
"""


def test_programs_started_by_tests_react_to_signals_that_the_suite_ignores() -> None:
    line = ["sh", "-c", "trap '' HUP INT TERM; exec \"$@\"", "sh", sys.executable, "-c", _PROGRAM]
    done = subprocess.run(line, capture_output=True, text=True, cwd=Path(__file__).parents[1] / "helpers", check=True)
    assert "SIG_IGN" not in done.stdout and "default_int_handler" in done.stdout
