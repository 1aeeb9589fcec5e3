"""Draw the package's layers and the imports between its folders: `python docs/draw_layers.py docs/architecture.svg`.

The layers come from the import-linter contract in `pyproject.toml`, the arrows from the code's own import statements. An
arrow is left out if a path through other folders implies it. An import that points outward is drawn in red, and the command
then exits with status 1.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from html import escape
from pathlib import Path

import grimp

PACKAGE = "sudomimus_bridge"
PROJECT = Path(__file__).resolve().parents[1]

WIDTH, ROW, BOX_WIDTH, BOX_HEIGHT, LABELS = 1080, 92, 176, 46, 190

LAYERS = {
    "_public": "names",
    "_cli": "doors and tools",
    "testing": "doors and tools",
    "_sidecar": "doors and tools",
    "_program": "the Python door",
    "_session": "flows",
    "_login": "flows",
    "_service": "ports",
    "_settings": "settings",
    "_runs": "running",
    "_values": "values",
}

JOBS = {
    "_public": "the exported names",
    "_cli": "command line",
    "testing": "kit for games' tests",
    "_sidecar": "JSON-RPC on pipes",
    "_renpy": "Ren'Py games",
    "emulator": "local service",
    "_program": "Bridge, Session",
    "_session": "staying signed in",
    "_login": "methods, errands",
    "_service": "HTTP, rules",
    "steam": "tickets",
    "_browser": "pages, the gate",
    "_runs": "running a flow",
    "_settings": "flags, environment",
    "_extras": "optional packages",
    "_values": "secrets, errors, time",
}


def layers() -> list[list[str]]:
    """The folders of each layer, the outermost layer first."""
    config = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(each for each in config["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    rows = (row.replace("(", "").replace(")", "").replace(":", "|").split("|") for row in contract["layers"])
    return [[name.strip().removeprefix(f"{PACKAGE}.") for name in row] for row in rows]


def arrows(names: set[str]) -> Counter[tuple[str, str]]:
    """How many modules of one folder import how many modules of another, by the pair of folders."""
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            ends = tuple([*name.split("."), ""][1] for name in (module, imported))
            if ends[0] != ends[1] and set(ends) <= names:
                found[ends[0], ends[1]] += 1
    return found


def picture(rows: list[list[str]], counts: Counter[tuple[str, str]]) -> tuple[str, list[str]]:
    """The SVG, and each import that points outward."""
    level = {name: depth for depth, row in enumerate(rows) for name in row}
    place = {
        name: (LABELS + (WIDTH - LABELS) * (index + 1) / (len(row) + 1), 40 + depth * ROW)
        for depth, row in enumerate(rows)
        for index, name in enumerate(row)
    }
    outward = sorted(f"{a} imports {b}" for a, b in counts if level[a] >= level[b])
    parts = []
    shown = counts if outward else _without_detours(counts)
    for (a, b), count in sorted(shown.items()):
        (x1, y1), (x2, y2) = place[a], place[b]
        wrong = level[a] >= level[b]
        start, end = (y1 + BOX_HEIGHT, y2 - 4) if not wrong else (y1, y2 + BOX_HEIGHT + 4)
        bend = ROW * 0.45 * (1 if not wrong else -1)
        aside = BOX_WIDTH * 0.75 if x1 == x2 and abs(level[a] - level[b]) > 1 else 0  # around the boxes between the two
        kind = "outward" if wrong else "inward"
        parts.append(
            f'<path class="{kind}" d="M{x1:.0f} {start:.0f} C{x1 + aside:.0f} {start + bend:.0f} '
            f'{x2 + aside:.0f} {end - bend:.0f} {x2:.0f} {end:.0f}" '
            f'stroke-width="{min(3.0, 0.7 + count / 8):.1f}" marker-end="url(#{kind})">'
            f"<title>{a} imports {b}: {count}</title></path>"
        )
    for name, (x, y) in place.items():
        parts.append(
            f'<rect x="{x - BOX_WIDTH / 2:.0f}" y="{y:.0f}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="7"/>'
            f'<text class="name" x="{x:.0f}" y="{y + 20:.0f}">{name}</text>'
            f'<text class="job" x="{x:.0f}" y="{y + 36:.0f}">{escape(JOBS.get(name, ""))}</text>'
        )
    for depth, row in enumerate(rows):
        parts.append(f'<text class="layer" x="16" y="{40 + depth * ROW + 28}">{LAYERS.get(row[0], "")}</text>')
    height = 40 + len(rows) * ROW
    return _FRAME.format(width=WIDTH, height=height, body="\n".join(parts), light=_LIGHT, dark=_DARK), outward


def _without_detours(counts: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Only the imports that no path through other folders implies, so that the picture can be read."""
    below: dict[str, set[str]] = {}
    for a, b in counts:
        below.setdefault(a, set()).add(b)

    def reaches(start: str, end: str) -> bool:
        todo, seen = [start], {start}
        while todo:
            for name in below.get(todo.pop(), ()):
                if name == end:
                    return True
                if name not in seen:
                    seen.add(name)
                    todo.append(name)
        return False

    return {(a, b): n for (a, b), n in counts.items() if not any(c != b and reaches(c, b) for c in below[a])}


_LIGHT = "--ground: #fff; --box: #eef3f8; --edge: #5b7083; --text: #1c2733; --dim: #52616f; --line: #8aa0b4;"
_DARK = "--ground: #10161d; --box: #1c2733; --edge: #7f95a8; --text: #e6edf3; --dim: #a9b8c6; --line: #5b7083;"
# The system chooses the colours, or the fragment of the picture's URL, as the site's palette has it.
_FRAME = """<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}"
  font-family="system-ui, sans-serif">
<style>
  svg {{ {light} background: var(--ground) }}
  @media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}
  svg:has(#only-light:target) {{ {light} }}
  svg:has(#only-dark:target) {{ {dark} }}
  rect {{ fill: var(--box); stroke: var(--edge) }}
  text {{ fill: var(--text); text-anchor: middle }}
  .name {{ font-size: 15px; font-weight: 600 }}
  .job, .layer {{ font-size: 12px; fill: var(--dim) }}
  .layer {{ text-anchor: start }}
  path {{ fill: none }}
  path.inward {{ stroke: var(--line) }}
  path.outward {{ stroke: #c62828 }}
</style>
<defs>
  <marker id="inward" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">
    <path d="M0 0 L8 4 L0 8 z" style="fill: var(--line)"/></marker>
  <marker id="outward" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" markerHeight="6" orient="auto">
    <path d="M0 0 L8 4 L0 8 z" style="fill: #c62828"/></marker>
</defs>
<g id="only-light"/><g id="only-dark"/>
{body}
</svg>
"""


def main(path: str) -> int:
    """Write the picture. Returns the exit status."""
    rows = layers()
    svg, outward = picture(rows, arrows({name for row in rows for name in row}))
    Path(path).write_text(svg, encoding="utf-8")
    print("\n".join(outward) or f"{path}: every import points inward.")
    return 1 if outward else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
