"""Reading the command line: every command takes every setting's flag, and no secret is taken or repeated.

What a setting means is `settings`' business; here it only gets its flag.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from ..errors import ConfigurationError
from ..secret import looks_secret, redact
from ..settings import TABLE, Settings, read_settings

# Flags that a hurried person would try. They do not exist, and what follows them is a secret.
_SECRET_FLAGS = re.compile(
    r"--(?:access-token|refresh-token|access-key-secret|secret|client-key|private-key|exposure-key|hidden-key|token|password)(?:=.*)?",
    re.DOTALL,
)

NO_SECRETS = (
    "A secret does not belong on the command line, where other programs can read it. Put an access-key secret into "
    "SUDOMIMUS_ACCESS_KEY_SECRET or a file (--secret-file), an access token into SUDOMIMUS_ACCESS_TOKEN or standard input, a "
    "refresh token into SUDOMIMUS_REFRESH_TOKEN or standard input, a client key into SUDOMIMUS_CLIENT_KEY or a file "
    "(--client-key-file), an inquiry's keys into SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY."
)


# What argparse says that repeats a value, or that a person would have to think about.
_ARGPARSE_SAYS = (
    (r"argument (\w+): invalid choice: .* \(choose from (.*)\)", r"there is no such \1; there are \2"),
    (r"argument (\S+): invalid int value: .*", r"\1 must be a whole number"),
    (r"argument (\S+): invalid .* value: .*", r"the value of \1 is not valid"),
    (r"argument (\S+): ignored explicit argument .*", r"\1 takes no value"),
    (r"argument (\S+): expected one argument", r"\1 needs a value"),
    (r"the following arguments are required: (.*)", r"\1 is missing"),
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors never repeat a value, for a value may be a secret in the wrong place."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Raise a `ConfigurationError` in place of printing and exiting."""
        for pattern, words in _ARGPARSE_SAYS:
            message = re.sub(pattern, words, message, flags=re.DOTALL)
        raise usage_error(message, self.prog)


def _is_path(argument: str) -> bool:
    """A folder may be called exp_edition or hold a hash in its name; no secret has a slash, but for keys in PEM and URLs."""
    return bool(re.search(r"[/\\]", argument)) and "://" not in argument and "-----BEGIN" not in argument


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments, read. Raises `ConfigurationError`; `SystemExit` after --help and --version."""
    for argument in arguments:
        if _SECRET_FLAGS.fullmatch(argument) or (looks_secret(argument) and not _is_path(argument)):
            raise ConfigurationError(NO_SECRETS)
    known, unknown = parser.parse_known_args(arguments)
    if unknown:
        flags = [argument.partition("=")[0] for argument in unknown if argument.startswith("-")]
        # Only what is spelled like a flag is repeated: -pPASSWORD is not.
        spelled = next((flag for flag in flags if re.fullmatch(r"--[a-z]+(-[a-z]+)*", flag)), None)
        known_as = f"there is no flag {spelled}" if spelled else "there is a flag that does not exist"
        raise usage_error(known_as if flags else "there is one argument too many", known.prog)
    return known


def usage_error(what: str, prog: str) -> ConfigurationError:
    """The error for a command line that cannot be read."""
    what = redact(what)
    return ConfigurationError(f"{what[:1].upper()}{what[1:]}. See {prog} --help.")


def setting_flags() -> Parser:
    """A parent parser with the flag of every setting."""
    parent = Parser(add_help=False)
    group = parent.add_argument_group("settings (the flag wins over the variable)")
    for setting in TABLE:
        options: dict[str, Any] = {"dest": setting.keyword, "default": None}
        if setting.switch:
            options["action"] = "store_true"
        else:
            options["metavar"] = setting.metavar
        if setting.repeatable:
            options["action"] = "append"
        group.add_argument(setting.flag, help=f"{setting.help} [{setting.variable}]", **options)
    return parent


def given_settings(arguments: argparse.Namespace, **overrides: Any) -> Settings:
    """The settings from the flags and the environment. `overrides` win over both."""
    given = {setting.keyword: getattr(arguments, setting.keyword) for setting in TABLE}
    return read_settings({**given, **overrides})
