"""What the bridge costs, in one table of ratios to what a user would use otherwise: the bare libraries, or the vendor's packages.

    python benchmarks/costs.py [--write] [--short]

Each ratio is measured in one run: both sides in turn, in fresh processes, with their modules compiled. `--write` puts the table
into `benchmarks/README.md` (`make costs`). The other benchmarks show the single figures. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import first_login
import frame_time
import idle_errand
import import_time
import login_time
from figures import run_fresh

import sidecar

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- written by benchmarks/costs.py -->", "<!-- until here -->"
TICKET_MS = 80
VENDORS = ("sudomimus_connect", "sudomimus_device")
SIDECAR_LIMIT = 1.3
"""The most that a sidecar may take to start, beside the import of the libraries."""


class Sizes(NamedTuple):
    """How much is measured."""

    imports: int = 15
    logins: int = 12
    later: int = 30
    frames: int = 10
    errand_seconds: float = 40.0
    starts: int = 15
    sidecar_logins: int = 100


SHORT = Sizes(1, 1, 5, 1, 3.0, 2, 5)


class Row(NamedTuple):
    """One line of the table."""

    group: str
    ours: str
    other: str
    ratio: float


def turns(count: int, ours: Callable[[], float], *others: Callable[[], float]) -> list[float]:
    """Measure all in turn, and return for each of `others` the median ratio of ours to it."""
    ratios: list[list[float]] = [[] for _ in others]
    for _ in range(count):
        mine = ours()
        for found, other in zip(ratios, others, strict=True):
            found.append(mine / other())
    return [median(found) for found in ratios]


# --- the groups ----------------------------------------------------------------------------------------------------------


def imports(sizes: Sizes) -> Iterable[Row]:
    """What a game pays before its first frame."""
    statements = ["import httpx, pydantic", *(f"import {name}" for name in VENDORS)]
    ours, *others = (partial(import_time.one, statement) for statement in ("import sudomimus_bridge", *statements))
    ratios = turns(sizes.imports, ours, *others)
    for statement, ratio in zip(statements, ratios, strict=True):
        yield Row("import", "`import sudomimus_bridge`", f"`{statement}`", ratio)


def logins(sizes: Sizes, settings: dict[str, Any]) -> Iterable[Row]:
    """A login beside what no client can do without: one ticket by bare ctypes, and one POST by bare httpx."""

    def one(side: str, prepared: bool) -> dict[str, float]:
        told = json.dumps({"side": side, "prepared": prepared, "settings": settings})
        found: dict[str, float] = run_fresh(first_login.__file__, told)
        return found

    def ratio(prepared: bool, what: str) -> float:
        return median(ours[what] / floor[what] for ours, floor in pairs[prepared])

    pairs = {
        prepared: [(one("bridge", prepared), one("bare", prepared)) for _ in range(sizes.logins)]
        for prepared in (False, True)
    }
    bare = "a bare ctypes ticket and a bare httpx POST"
    yield Row("login", "the first login, imports included", f"{bare}, imports included", ratio(False, "seconds"))
    yield Row("login", "the first login after `prepare()`", f"{bare}, imported before", ratio(True, "seconds"))
    later = run_fresh(login_time.__file__, "--runs", str(sizes.later), "--ticket-ms", str(TICKET_MS), "--json")
    yield Row("login", "a later login", bare, later["ratio"])
    yield Row("memory", "a game after a login", f"the same game after {bare}", ratio(False, "resident"))


def frames(sizes: Sizes) -> Iterable[Row]:
    """A pygame loop at 240 frames a second, with and without a login beside it."""
    found = run_fresh(frame_time.__file__, "--runs", str(sizes.frames), "--json")
    names = {
        "prepared": "the worst frame of a login after `prepare()`",
        "unprepared": "the worst frame of a login that imports in small steps",
        "plain": "the worst frame of a thread that imports the same plainly",
    }
    for way, name in names.items():
        ratio = found[way]["worst_p50"] / found["without"]["worst_p50"]
        yield Row("frames", name, "the worst frame without a login", ratio)


def errand(sizes: Sizes) -> Iterable[Row]:
    """A login that waits for the player's page."""
    found = idle_errand.measure(sizes.errand_seconds)
    other = "an httpx client that polls as often"
    yield Row("errand", "CPU time while a login waits for a page", other, found["cpu_ratio"])
    yield Row("errand", "wake-ups while a login waits for a page", other, found["wake_ups_ratio"])
    yield Row(
        "errand",
        "memory while a login waits for a page",
        other,
        found["resident_after"] / found["httpx"]["resident_after"],
    )


def starts(sizes: Sizes, flags: list[str]) -> Iterable[Row]:
    """The sidecar: its first answer, and its memory."""
    program = [sys.executable, "-m", "sudomimus_bridge", "sidecar", *flags]
    libraries = [sys.executable, "-c", "import asyncio, httpx, pydantic"]
    sides = (
        partial(sidecar.first_answer, program),
        partial(sidecar.seconds_of, libraries),
        partial(sidecar.first_answer, [sys.executable, "-c", sidecar.ANSWERS_ONE_LINE]),
    )
    for side in sides:
        side()  # compiles its modules, and is not counted
    beside, bare = turns(sizes.starts, *sides)
    yield Row("sidecar", "start to first answer", "`python -c 'import asyncio, httpx, pydantic'`", beside)
    yield Row("sidecar", "start to first answer", "a script on bare asyncio and json that answers one line", bare)
    idle, once, many = sidecar.memory(program, sizes.sidecar_logins)
    floor, name = sidecar.floor_memory(), "an interpreter that has imported httpx and pydantic"
    yield Row("memory", "an idle sidecar", name, idle / floor)
    yield Row("memory", "a sidecar after a login", name, once / floor)
    yield Row("memory", f"a sidecar after {sizes.sidecar_logins} more logins", name, many / floor)


def sizes_on_disk() -> Iterable[Row]:
    """The rows about the size of the installed packages."""
    ours, libraries = _closure("sudomimus-bridge"), _closure("httpx") | _closure("pydantic")
    vendors = _closure("sudomimus-connect") | _closure("sudomimus-device")
    own = {name for name in vendors if name.startswith("sudomimus")}
    with_all = "with all that it needs"
    yield Row("size", "the bridge, local service and kit for tests included", "the vendor's packages",
              _bytes({"sudomimus-bridge"}) / _bytes(own))  # fmt: skip
    yield Row("size", f"the bridge, {with_all}", f"httpx and pydantic, {with_all}", _bytes(ours) / _bytes(libraries))
    yield Row("size", f"the bridge, {with_all}", "the vendor's packages, with all that they need",
              _bytes(ours) / _bytes(vendors))  # fmt: skip


def _closure(name: str) -> set[str]:
    """The names of a distribution and of everything that it needs here, extras left out."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        each = _plain(waiting.pop())
        if each not in found:
            found.add(each)
            needed = [one for one in distribution(each).requires or [] if "extra ==" not in one]
            waiting += [re.split(r"[^A-Za-z0-9._-]", one)[0] for one in needed if _is_installed(one)]
    return found


def _is_installed(requirement: str) -> bool:
    try:
        distribution(_plain(re.split(r"[^A-Za-z0-9._-]", requirement)[0]))
    except ModuleNotFoundError:  # for another platform or another Python
        return False
    return True


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _bytes(names: set[str]) -> int:
    total = 0
    for name in names:
        if name == "sudomimus-bridge":  # installed from a checkout, it lists no files
            package = Path(__file__).parents[1] / "bridge" / "sudomimus_bridge"
            files = [path for path in package.rglob("*") if path.is_file()]
        else:
            listed = distribution(name)
            folder = str(listed.locate_file(""))
            files = [Path(folder, *file.parts) for file in listed.files or []]
        total += sum(path.stat().st_size for path in files if path.suffix != ".pyc" and path.is_file())
    return total


# --- the table -----------------------------------------------------------------------------------------------------------


def measure(sizes: Sizes) -> list[Row]:
    """Every row."""
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing import compiled_stub

    os.environ |= {"STEAM_STUB_TICKET_DELAY_MS": str(TICKET_MS), "STEAM_STUB_CHATTER": "0"}
    unlimited = {"attempts_per_application": 10**6, "attempts_global": 10**6}
    with sidecar.compiled_modules(), Emulator({"budgets": unlimited}) as service:
        urls, library = service.urls, str(compiled_stub())
        settings = {
            "application": urls["application"],
            "steam_app_id": 480,
            "native_url": urls["native"],
            "steam_library": library,
        }
        flags = ["--application", urls["application"], "--steam-app-id", "480", "--steam-library", library]
        flags += ["--native-url", urls["native"], "--via-url", urls["via"]]
        rows = [*imports(sizes), *logins(sizes, settings), *starts(sizes, flags)]
    rows += [*frames(sizes), *errand(sizes), *sizes_on_disk()]
    order = ("import", "login", "frames", "errand", "sidecar", "memory", "size")
    return sorted(rows, key=lambda row: order.index(row.group))


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| | the bridge | beside | ratio |", "| --- | --- | --- | ---: |"]
    before = ""
    for row in rows:
        shown = f"{row.ratio:.2f}" if row.ratio >= 0.1 else f"{row.ratio:.4f}"
        lines.append(f"| {row.group if row.group != before else ''} | {row.ours} | {row.other} | {shown} |")
        before = row.group
    return "\n".join(lines)


def main() -> int:
    """Measure and print. The exit status is 1 if the sidecar starts too slowly."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    parser.add_argument("--short", action="store_true", help="one measurement of each, within a minute")
    arguments = parser.parse_args()
    rows = measure(SHORT if arguments.short else Sizes())
    shown = table(rows)
    print(shown)
    if arguments.write:
        text = README.read_text(encoding="utf-8")
        where = f"Measured with Python {platform.python_version()} on {platform.system()}, {platform.machine()}."
        begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
        README.write_text(f"{text[:begin]}\n{shown}\n\n{where}\n{text[end:]}", encoding="utf-8")
    start = next(row.ratio for row in rows if row.group == "sidecar")
    return 0 if start <= SIDECAR_LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
