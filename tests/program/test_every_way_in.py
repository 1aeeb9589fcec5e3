"""Every way in, errand, refresh, player and logout: three doors, three dialects, and no empty cell."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..conftest import StubLog
from ..helpers.every_way_in import DIALECTS, DOORS, ROWS, column, markdown

_PAGE = Path(__file__).parents[2] / "docs" / "contracts" / "service.md"


def _documented() -> dict[tuple[str, str], dict[str, str]]:
    """The columns of the table in the documentation."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in _PAGE.read_text("utf-8").splitlines()]
    cells = {(line[0], line[1]): line[2:] for line in lines if line[0] in ROWS and len(line) == 2 + len(DIALECTS)}
    return {
        (door, dialect): {row: cells[row, door][index] for row in ROWS}
        for door in DOORS
        for index, dialect in enumerate(DIALECTS)
    }


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("door", DOORS)
def test_door_does_everything_in_each_dialect(door: str, dialect: str, stub_library: Path, stub_log: StubLog) -> None:
    cells = column(door, dialect, stub_library)
    assert tuple(cells) == ROWS and all(cells.values()), cells
    assert cells == _documented()[door, dialect]


def test_documentation_has_the_table_as_it_is_printed() -> None:
    table = _documented()
    assert all(cell for cells in table.values() for cell in cells.values())
    assert markdown(table) in _PAGE.read_text("utf-8")
