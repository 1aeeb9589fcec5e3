"""The reference of the command line, from its parser."""

from __future__ import annotations

import argparse

from sudomimus_bridge._cli.commands import COMMANDS, build_parser
from sudomimus_bridge._settings import TABLE

from .tables import code, marked_up, sentence, table

_SETTINGS = {setting.keyword: setting for setting in TABLE}


def commands() -> str:
    """Every command: what it does, its arguments, its own flags, and the settings that it uses."""
    (choices,) = (action.choices for action in build_parser(emulator=True)._actions if isinstance(action.choices, dict))
    return "\n\n".join(_command(command.name, choices[command.name]) for command in COMMANDS)


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    extra = next(command.extra for command in COMMANDS if command.name == name)
    own = [action for action in parser._actions if action.help != argparse.SUPPRESS and action.dest not in _SETTINGS]
    own.sort(key=lambda action: bool(action.option_strings))
    used = [
        _SETTINGS[action.dest].flag
        for action in parser._actions
        if action.dest in _SETTINGS and action.help != argparse.SUPPRESS
    ]
    parts = [f"## `{name}`", marked_up(sentence(parser.description or ""))]
    if extra:
        parts.append(f"Needs the extra `{extra}`: `pip install 'sudomimus-bridge[{extra}]'`.")
    arguments = [
        (code(_spelled(action)), marked_up(sentence(action.help or "")))
        for action in own
        if action.dest not in ("help", "verbose")
    ]
    if arguments:
        parts.append(table(("argument", "meaning"), arguments))
    if used:
        shown = ", ".join(f"`{flag}`" for flag in used)
        parts.append(f"[Settings](settings.md) that it uses: {shown}.")
    return "\n\n".join(parts)


def _spelled(action: argparse.Action) -> str:
    if not action.option_strings:
        return str(action.metavar or action.dest)
    value = "" if action.nargs == 0 else f" {action.metavar or '{' + ','.join(map(str, action.choices or [])) + '}'}"
    return ", ".join(action.option_strings) + value
