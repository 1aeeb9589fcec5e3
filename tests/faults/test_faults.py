"""A sample of the fault matrix runs in the suite, and agrees with `docs/faults.md`. `make faults` runs every cell."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fcntl", reason="the matrix needs Linux's namespaces")

from ..helpers.patience import PATIENCE
from .__main__ import namespaces_can_be_made
from .report import ends_in
from .table import CELLS, FAULTS, STEPS, Cell, impossible
from .world import TIMEOUT

PROJECT = Path(__file__).resolve().parents[2]
MATRIX = PROJECT / "docs" / "faults.md"
SAMPLE = 16


def test_matrix_has_no_empty_cell() -> None:
    ends = ends_in(MATRIX)
    assert ends.keys() == {Cell(step, fault) for step in STEPS for fault in FAULTS} | set(CELLS)
    assert {cell for cell, status in ends.items() if status is None} == {cell for cell in ends if impossible(cell)}
    assert "does not hold" not in MATRIX.read_text(encoding="utf-8").lower()


@pytest.mark.usefixtures("stub_library")
def test_sample_of_the_matrix_holds() -> None:
    """Other cells each day, so that all have their turn. On a busy machine, a cell may need a longer time limit."""
    if sys.platform != "linux" or not namespaces_can_be_made():
        pytest.skip("this user may not make the network and mount namespaces that the matrix needs")
    cells = random.Random(datetime.now(UTC).toordinal()).sample(CELLS, SAMPLE)
    documented, seconds = ends_in(MATRIX), TIMEOUT
    while cells and seconds <= 16 * TIMEOUT:
        results = run(cells, seconds)
        differing = [each for each in results if not each["holds"] or each["status"] != documented[Cell(*each["cell"])]]
        cells, seconds = [Cell(*each["cell"]) for each in differing], 4 * seconds
    assert not cells, differing


def run(cells: list[Cell], seconds: float) -> list[dict[str, Any]]:
    named = [argument for step, fault in cells for argument in ("--cell", f"{step} × {fault}")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--json", "--timeout", f"{seconds:g}", *named],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == len(cells), f"{done.stdout}\n{done.stderr}"
    return results
