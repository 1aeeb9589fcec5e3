"""Reads the command line. Every command accepts the flag of every setting. No secret is accepted or repeated.

`_settings` defines the settings; this module only adds their flags.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from typing import Any, NoReturn

from .._settings import TABLE, Settings, read_settings
from .._values.errors import ConfigurationError
from .._values.secret import looks_secret, redact
from .output import print_plainly

# Flags that do not exist, but that a person might use to pass a secret.
_SECRET_FLAGS = re.compile(
    r"--(?:access-token|refresh-token|access-key-secret|secret|client-key|private-key|exposure-key|hidden-key|token|password)(?:=.*)?",
    re.DOTALL,
)

_NO_SECRETS = "A secret does not belong on the command line, where other programs can read it."
_WHERE_SECRETS_GO = (
    "Put an access-key secret into "
    "SUDOMIMUS_ACCESS_KEY_SECRET or a file (--secret-file), an access token into SUDOMIMUS_ACCESS_TOKEN or standard input, a "
    "refresh token into SUDOMIMUS_REFRESH_TOKEN or standard input, a client key into SUDOMIMUS_CLIENT_KEY or a file "
    "(--client-key-file), an inquiry's keys into SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY."
)


# argparse's messages that repeat a value or are hard to understand, and their replacements.
_REWORDED = (
    (r"argument (\S+): invalid int value: .*", r"\1 must be a whole number"),
    (r"argument (\S+): invalid .* value: .*", r"the value of \1 is not valid"),
    (r"argument (\S+): ignored explicit argument .*", r"\1 takes no value"),
    (r"argument (\S+): expected one argument", r"\1 needs a value"),
    (r"the following arguments are required: (.*)", r"\1 is missing"),
)


_INVALID_CHOICE = re.compile(
    r"argument (?P<name>\w+): invalid choice: (?P<given>.*) \(choose from (?P<choices>.*)\)", re.DOTALL
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors never repeat a value, because it may be a secret in the wrong place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)
        self.suggest_on_error = False  # Python's own suggestion, the default from 3.15 on, repeats the value

    def _print_message(self, message: str, file: Any = None) -> None:  # noqa: ARG002 - argparse's hook for all that it prints
        """Print --help and --version. argparse's own method ignores an error of standard output."""
        print_plainly(message)

    def error(self, message: str) -> NoReturn:
        """Raise a `ConfigurationError` instead of printing and exiting."""
        if choice := _INVALID_CHOICE.fullmatch(message):
            choices = re.findall(r"[\w-]+", choice["choices"])
            meant = _did_you_mean(choice["given"].strip("'\""), choices)
            raise usage_error(f"there is no such {choice['name']}.{meant} Choose from {', '.join(choices)}", self.prog)
        for pattern, words in _REWORDED:
            message = re.sub(pattern, words, message, flags=re.DOTALL)
        raise usage_error(message, self.prog)


def _is_path(argument: str) -> bool:
    """Whether this is a path. A folder's name may look like a secret. Of secrets, only PEM and URLs contain a slash."""
    return bool(re.search(r"[/\\]", argument)) and "://" not in argument and "-----BEGIN" not in argument


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments. Raises `ConfigurationError`, and `SystemExit` after --help and --version."""
    for argument in arguments:
        if _SECRET_FLAGS.fullmatch(argument) or (looks_secret(argument) and not _is_path(argument)):
            raise ConfigurationError(_NO_SECRETS, detail=_WHERE_SECRETS_GO)
    if arguments and arguments[0].startswith("-") and arguments[0] not in ("-h", "--help", "--version"):
        raise usage_error("the command comes first, then its flags", parser.prog)
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
        if not flags:
            raise usage_error("there is one argument too many", known.parser.prog)
        raise usage_error(_unknown_flag(flags, _visible_flags(known.parser)), known.parser.prog)
    return known


def _unknown_flag(given: Sequence[str], known: Collection[str]) -> str:
    """Name the first unknown flag, unless it may hold a secret (-pPASSWORD), and the known flag that is similar."""
    spelled = next((flag for flag in given if re.fullmatch(r"--[a-z]+(-[a-z]+)*", flag)), None)
    problem = f"there is no flag {spelled}" if spelled else "there is a flag that does not exist"
    return (problem + "." + _did_you_mean(spelled or given[0], known)).removesuffix(".")


def _did_you_mean(given: str, known: Iterable[str]) -> str:
    """A sentence with the only known word that begins like `given`, or the most similar one; empty if there is none."""
    known = sorted(known)
    begins = [word for word in known if len(given.strip("-")) > 1 and word.startswith(given)]
    near = begins if len(begins) == 1 else get_close_matches(given, known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def usage_error(problem: str, prog: str) -> ConfigurationError:
    """The error for a wrong command line. The reader is the person who typed it, so the sentence names the flag."""
    problem = redact(problem)
    end = "" if problem.endswith("?") else "."
    return ConfigurationError(f"{problem[:1].upper()}{problem[1:]}{end} See {prog} --help.")


def add_setting_flags(parser: argparse.ArgumentParser, used: Collection[str]) -> None:
    """Add the flag of every setting. The help shows only those that the command uses."""
    group = parser.add_argument_group("settings (the flag wins over the variable)")
    for setting in TABLE:
        options: dict[str, Any] = {"dest": setting.keyword, "default": None}
        if setting.switch:
            options["action"] = "store_true"
        else:
            options["metavar"] = setting.metavar
        if setting.repeatable:
            options["action"] = "append"
        shown = f"{setting.help} [{setting.variable}]" if setting.keyword in used else argparse.SUPPRESS
        group.add_argument(setting.flag, help=shown, **options)


def _visible_flags(parser: argparse.ArgumentParser) -> list[str]:
    """The flags that the command's help shows."""
    shown = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    return [flag for action in shown for flag in action.option_strings]


def given_settings(arguments: argparse.Namespace, **overrides: Any) -> Settings:
    """The settings from the flags and the environment; `overrides` win over both."""
    given = {setting.keyword: getattr(arguments, setting.keyword) for setting in TABLE}
    return read_settings({**given, **overrides})
