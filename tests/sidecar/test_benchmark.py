"""Specifies that benchmarks/sidecar.py runs with its smallest numbers. The test checks none of its figures."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ..helpers.patience import PATIENCE
from .test_shutdown import needs_proc

pytestmark = pytest.mark.once

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "sidecar.py"


@needs_proc
def test_benchmark_measures_each_program(stub_library: Path) -> None:
    arguments = [sys.executable, str(BENCHMARK), "--runs", "1", "--logins", "1"]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 0, done.stderr
    for row in ("floor", "and anyio", "python -m"):
        assert re.search(rf"^  {row} +\d+ ms +\d\.\d\d times the floor$", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"^  python -m +idle .* MB, after a login .* MB, after 1 more .* MB", done.stdout, re.MULTILINE)
