"""The commands `renpy install` and `renpy uninstall`."""

from __future__ import annotations

import argparse
from pathlib import Path

from .._renpy.installer import Report, install, uninstall
from .output import Output
from .terminal import Terminal


def renpy(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Install the bridge in a Ren'Py game, or remove it."""
    game_dir: Path = arguments.game_dir
    if arguments.action == "install":
        report = install(game_dir)
        output.text(_installed(report))
    elif (removed := uninstall(game_dir)) is not None:
        report = removed
        output.text(f"Removed sudomimus-bridge {report.version} from {report.game}.")
    else:
        output.text("The bridge is not installed in this game: there is nothing to remove.")
        return 0
    for note in report.notes:
        terminal.line(f"Note: {note}")
    return 0


def _installed(report: Report) -> str:
    return (
        f"Installed sudomimus-bridge {report.version} in {report.game}, with {', '.join(report.packages) or 'nothing else'}.\n"
        "\n"
        "In a script of the game:\n"
        '    define sudomimus.application = "my-game"\n'
        "    define sudomimus.steam_app_id = 480\n"
        "and at the place where the player signs in:\n"
        "    call screen sudomimus_login"
    )
