"""The command `login`: steam, access-key, browser or device."""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import Any

from .._login.credentials import read_secret_file
from .._login.methods import Method, method_named
from .._login.ports import Ports
from .._login.sign_in import sign_in
from .._runs.beside import alongside
from .._runs.done_signal import DoneSignal
from .._service.constraints import Constraints, read_constraints
from .._values.errors import ConfigurationError, system_words
from .._values.events import LoginResult, OnProgress
from .._values.secret import Secret
from .arguments import given_settings
from .output import Output
from .running import run
from .terminal import Terminal, login_summary

_OWN_FLAGS = {
    "access_key_id": "access-key",
    "secret_file": "access-key",
    "client_key_file": "browser",
    "constraints_file": "browser",
}
"""The flags that belong to one method only."""


def login(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Sign in and print the tokens, or a summary without them."""
    _refuse_flags_of_others(arguments)
    ports = Ports(given_settings(arguments))
    method = method_named(arguments.method)(**_credentials(arguments))
    result = run(partial(signed_in, method, ports, terminal), terminal.progress)
    if arguments.json:
        output.json(result.to_json())
    else:
        output.text(login_summary(result))
    return 0


def _refuse_flags_of_others(arguments: argparse.Namespace) -> None:
    """Refuse a flag of another method, which would have no effect. Raises `ConfigurationError`."""
    for name, method in _OWN_FLAGS.items():
        if getattr(arguments, name) is not None and arguments.method != method:
            flag = f"--{name.replace('_', '-')}"
            raise ConfigurationError(
                f"{flag} is for login {method}, and this is login {arguments.method}. Leave the flag out, or choose that method."
            )


async def signed_in(
    method: Method, ports: Ports, terminal: Terminal, listen: OnProgress | None, done: DoneSignal
) -> LoginResult:
    async with alongside(partial(terminal.animate, ports.settings.time_limit(ports.settings.patient))):
        try:
            return await sign_in(method, ports, listen, done)
        finally:
            await ports.aclose()


def _credentials(arguments: argparse.Namespace) -> dict[str, Any]:
    """The credentials from the flags, by the keywords of the method's class. Raises `ConfigurationError`."""
    given = {
        "access_key_id": arguments.access_key_id,
        "access_key_secret": _secret_file(arguments.secret_file),
        "client_key_file": arguments.client_key_file,
        "constraints": _constraints(arguments.constraints_file),
    }
    return {name: value for name, value in given.items() if value is not None}


def _secret_file(file: str | None) -> Secret | None:
    """The secret from the file that `--secret-file` names. Raises `ConfigurationError`."""
    if file is None:
        return None
    if file == "-":
        return read_secret("the access-key secret")
    return read_secret_file(file, "--secret-file", "the secret")


def read_secret(what: str) -> Secret:
    """A secret from standard input: typed without echo on a terminal, otherwise everything up to the end."""
    if sys.stdin is None:
        raise ConfigurationError(f"Standard input is closed, so {what} cannot be read from it.")
    try:
        if sys.stdin.isatty():
            from getpass import getpass

            return Secret(getpass(f"Paste {what} (it is not shown): ", stream=sys.stderr).strip())
        return Secret(sys.stdin.read(100_000).strip())
    except (OSError, ValueError, EOFError):
        raise ConfigurationError(f"Standard input fails, so {what} cannot be read from it.") from None


def _constraints(file: str | None) -> Constraints | None:
    if file is None:
        return None
    try:
        with Path(file).open(encoding="utf-8-sig") as text:
            value = json.loads(text.read(1_000_000))
    except OSError as error:
        raise ConfigurationError(f"The file of --constraints-file cannot be read: {system_words(error)}.") from None
    except (ValueError, RecursionError):
        raise ConfigurationError("The file of --constraints-file does not hold JSON.") from None
    return read_constraints(value)
