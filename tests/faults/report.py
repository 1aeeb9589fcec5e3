"""The matrix as Markdown, and back: `docs/faults.md` says for each cell how the login ends and when."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .cells import CLEAN_UP_SECONDS, Result
from .table import CALL_FAULTS, CALLS, CELLS, FAULTS, REASONS, STEPS, Cell, impossible
from .world import TIMEOUT

ENDS = {
    0: "signed in, or the session renewed",
    3: "Steam is not usable",
    4: "the player has to sign in again",
    5: "the player could not finish the page",
    6: "the service is not usable",
    130: "interrupted",
}
"""The exit statuses of the command line that occur in the matrix."""


def report(results: Iterable[Result]) -> str:
    """The whole document."""
    by_cell = {result.cell: result for result in results}
    failed = [result for result in by_cell.values() if not result.holds]
    parts = [
        _HEAD.format(timeout=TIMEOUT, clean_up=CLEAN_UP_SECONDS, ran=len(by_cell), possible=len(CELLS)),
        _matrix(by_cell, STEPS, FAULTS),
        "## The calls of the other flows",
        _matrix(by_cell, CALLS, CALL_FAULTS),
        "## How to read a cell",
        "`6 0.4` is how the login ends, as the exit status of the command line, and when, as a part of its time limit.",
        _list({f"`{status}`": text for status, text in ENDS.items()}),
        _MARKS,
        "## Cells that cannot exist",
        "A letter in brackets says why the step cannot meet the fault.",
        _list({f"({letter})": text for letter, text in REASONS.items()}),
        "## The steps",
        _list(STEPS | CALLS),
        "## The faults",
        _list(FAULTS),
    ]
    if failed:
        parts[1:1] = ["**Does not hold:** " + "; ".join(f"{each.cell.step} × {each.cell.fault}" for each in failed)]
    return "\n\n".join(parts) + "\n"


_HEAD = """# The fault matrix

This page shows how a login ends if something goes wrong in one of its steps. Each cell of the tables is the result of one
game. The game loads the compiled stub of Steam, and signs in over TLS to the local service. In the step that the row names,
it meets the fault that the column names. `6 0.9` means: the login ended with exit status 6, after 0.9 of its time limit. [How
to read a cell](#how-to-read-a-cell) explains the other signs.

The fault lasts until the login has ended. The time limit is the setting `timeout`, here {timeout:g} seconds. A login may take
{clean_up:g} second more to end its requests and to cancel its ticket. When the fault is over, the same game signs in again.

A cell fails if the login takes longer than its limit, if a ticket stays open, if the stub reports misuse, or if the player
cannot sign in afterwards. {ran} of {possible} cells ran for this page.

`make faults` runs the games and writes this page. It needs Linux, because the name server, the sockets, the full disk, the
signals and the clocks are real, each game in network and mount namespaces of its own."""

_MARKS = """`*` after a time: the session could not be saved, so the player is signed in until the game ends.
The next login saves it.

`→ 4` after a time: the answer to the renewal was lost, so the service may have used the refresh token. The bridge never sends
such a token again, because a late second use would end the session for every game. When the fault is over, the player signs
in again. In all other cells the same call succeeds after the fault.

In the column "kill", Ctrl-C ends the first game, which cancels its ticket. SIGKILL ends the second game, which can cancel
nothing. Its ticket is the only one that may stay open. The third game signs in."""


def _matrix(by_cell: dict[Cell, Result], steps: Iterable[str], faults: Iterable[str]) -> str:
    names = ["step", *faults]
    rows = [[step, *(_cell(Cell(step, fault), by_cell) for fault in faults)] for step in steps]
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(cell: Cell, by_cell: dict[Cell, Result]) -> str:
    if (letter := impossible(cell)) is not None:
        return f"({letter})"
    if cell not in by_cell:
        return "did not run"
    result = by_cell[cell]
    # Rounded up, and not beyond 1 for a login that its limit has ended.
    part = min(1.0, math.ceil(10 * result.seconds / TIMEOUT) / 10)
    then = f" → {result.then}" if result.then else ""
    return f"{result.status} {part:.1f}{'' if result.saved else '*'}{then}"


def _list(items: dict[str, str]) -> str:
    return "\n".join(f"- {name}: {text}" for name, text in items.items())


def ends_in(document: Path) -> dict[Cell, int | None]:
    """For each cell of a document, how the login ends; None for a cell that cannot exist. Raises `ValueError` if one is empty."""
    rows: Sequence[list[str]] = [
        [each.strip() for each in line.strip("| ").split("|")]
        for line in document.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    ]
    found: dict[Cell, int | None] = {}
    names: list[str] = []
    for step, *cells in rows:
        if step == "step":
            names = cells
        elif step != "---":
            found |= {Cell(step, fault): _end(text) for fault, text in zip(names, cells, strict=True)}
    return found


def _end(text: str) -> int | None:
    if re.fullmatch(r"\([a-z]\)", text):
        return None
    if shown := re.match(r"(\d+) [01]\.\d", text):
        return int(shown[1])
    raise ValueError(f"this cell does not say how the login ends: {text!r}")
