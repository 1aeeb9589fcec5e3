"""`login steam` and `login access-key`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ..errors import ConfigurationError
from ..events import LoginResult
from ..login.concurrency import alongside
from ..login.engine import Engine
from ..secret import Secret
from .arguments import given_settings
from .output import Output
from .running import run
from .terminal import Terminal, login_summary


def login(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Sign in and print the tokens, or a summary without them."""
    engine = Engine(given_settings(arguments))
    secret = access_key_secret(arguments.secret_file) if arguments.method == "access-key" else None

    async def flow() -> LoginResult:
        async with alongside(terminal.animate):
            try:
                if arguments.method == "steam":
                    return await engine.login_steam(terminal.progress)
                identifier = arguments.access_key_id or os.environ.get("SUDOMIMUS_ACCESS_KEY_ID")
                return await engine.login_access_key(identifier, secret, terminal.progress)
            finally:
                await engine.aclose()

    result = run(flow)
    if arguments.json:
        output.json(result.to_json())
    else:
        output.text(login_summary(result))
    return 0


def access_key_secret(file: str | None) -> Secret | None:
    """The secret half: from `--secret-file`, else from the environment. Raises `ConfigurationError`."""
    if file is None:
        value = os.environ.get("SUDOMIMUS_ACCESS_KEY_SECRET")
        return Secret(value.strip()) if value else None
    if file == "-":
        return read_secret("the access-key secret")
    try:
        with Path(file).open(encoding="utf-8-sig") as lines:
            return Secret(lines.read(10_000).strip())
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise ConfigurationError(
            f"The file of --secret-file cannot be read: {why}. Pass the path of a text file that holds the secret."
        ) from None


def read_secret(what: str) -> Secret:
    """A secret from standard input: asked for without echo on a terminal, else everything there is."""
    if sys.stdin is None:
        raise ConfigurationError(f"Standard input is closed, and {what} was to come from it.")
    try:
        if sys.stdin.isatty():
            from getpass import getpass

            return Secret(getpass(f"Paste {what} (it is not shown): ", stream=sys.stderr).strip())
        return Secret(sys.stdin.read(100_000).strip())
    except (OSError, ValueError, EOFError):
        raise ConfigurationError(f"Standard input cannot be read, and {what} was to come from it.") from None
