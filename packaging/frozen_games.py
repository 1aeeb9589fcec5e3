"""Freezes a game with each freezer's default flags and plays it: python packaging/frozen_games.py [NAME ...]

Each game is built twice, without and with the extra `keyring`, in a virtual environment that has no part of the local service.
It is played outside that environment, on the stub of Steam and the local service: it signs in with an errand, and in a second
run, without Steam, the player is still signed in. The table names a freezer or a keyring that this machine lacks.
"""

from __future__ import annotations

import argparse
import sys
import time
import zlib
from pathlib import Path

import frozen_play
from freezers import BUILD, FREEZERS, CannotBuild, NotHere, build

EXTRAS = ("", "keyring")
COLUMNS = (*frozen_play.COLUMNS, "MB", "seconds to build")
QUICK = [name for name in FREEZERS if not name.startswith(("nuitka", "briefcase")) and name != "pyinstaller-windows"]

BARE_GAME = "import pygame\n\n\ndef main():\n    pygame.init()\n"
WITH_BRIDGE = "from sudomimus_bridge import Bridge\n" + BARE_GAME + "    Bridge().prepare()\n"


def row(name: str, extra: str) -> dict[str, str]:
    """Build one game, play it, and return its row of the table."""
    began = time.monotonic()
    try:
        game = build(name, extra)
    except NotHere as reason:
        return {"starts": f"not built: {reason}"[:160]}
    except CannotBuild as reason:
        return {"starts": f"no: {reason}"[:160]}
    took = time.monotonic() - began
    size = sum(len(content) for content in _contents(game.folder))
    cells = frozen_play.play(game.command, game.folder, extra, game.system)
    return {**cells, "MB": f"{size / 1e6:.0f}", "seconds to build": f"{took:.0f}"}


def added_size(name: str, extra: str) -> tuple[float, float]:
    """The megabytes that the bridge adds to a game that has pygame, unpacked and compressed. Raises `CannotBuild`."""
    sizes = []
    for number, script in enumerate((BARE_GAME, WITH_BRIDGE)):
        source = BUILD / f"added-{number}"
        source.mkdir(parents=True, exist_ok=True)
        (source / "__main__.py").write_text(f'{script}\n\nif __name__ == "__main__":\n    main()\n')
        contents = _contents(build(name, extra, source).folder)
        sizes.append((sum(map(len, contents)), sum(len(zlib.compress(content)) for content in contents)))
    (bare, packed_bare), (full, packed_full) = sizes
    return (full - bare) / 1e6, (packed_full - packed_bare) / 1e6


def _contents(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]


def main() -> int:
    """Build and play the games, and print the table. Returns 1 if a game cannot be built or does not work."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(FREEZERS)}; default: the quick ones")
    parser.add_argument(
        "--extra",
        choices=["plain", "keyring"],
        help="build only without, or only with, the extra keyring",
    )
    parser.add_argument(
        "--added", action="store_true", help="measure the megabytes that the bridge adds to a game, and play nothing"
    )
    options = parser.parse_args()
    if unknown := set(options.names) - set(FREEZERS):
        parser.error(f"no such freezer: {', '.join(sorted(unknown))}")
    extras = {None: EXTRAS, "plain": EXTRAS[:1], "keyring": EXTRAS[1:]}[options.extra]
    names = options.names or QUICK
    if options.added:
        for name in names:
            for extra in extras:
                full, packed = added_size(name, extra)
                print(f"{name}, {extra or 'no extra'}: {full:.1f} MB more, {packed:.1f} MB compressed", flush=True)
        return 0
    good = True
    _print("freezer", "extra", *COLUMNS)
    _print(*["---"] * (len(COLUMNS) + 2))
    for name in names:
        for extra in extras:
            cells = row(name, extra)
            _print(name, extra or "none", *(cells.get(each, "") for each in COLUMNS))
            good = good and not any(cell.startswith("no:") for cell in cells.values())
    return 0 if good else 1


def _print(*cells: str) -> None:
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
