"""The command `completion`: prints a shell's completion script, which shtab makes from the parser of all commands."""

from __future__ import annotations

import argparse

from .output import Output
from .terminal import Terminal

_FILES = ("PATH", "FILE", "FILE.json")


def completion(arguments: argparse.Namespace, _terminal: Terminal, output: Output) -> int:
    """Print the completion script of one shell."""
    import shtab

    parser: argparse.ArgumentParser = arguments.root
    for command in _subparsers(parser):
        for action in command._actions:
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar == "GAME_DIR":
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    output.text(str(shtab.complete(parser, arguments.shell)))
    return 0


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    actions = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return list(actions[0].choices.values())
