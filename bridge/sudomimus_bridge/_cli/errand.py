"""`errand`: the proactive errand."""

from __future__ import annotations

import argparse
import os
from functools import partial

from .._login.errand import share
from .._login.ports import Ports
from .._runs.beside import alongside
from .._runs.done_signal import DoneSignal
from .._values.errors import ConfigurationError, LoginCancelled
from .._values.events import ErrandResult, OnProgress
from .._values.secret import Secret
from .arguments import given_settings
from .login import read_secret
from .output import Output
from .running import run
from .terminal import Terminal, claims_summary


def errand(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Let the player share more, and print how it ended."""
    ports = Ports(given_settings(arguments))
    value = os.environ.get("SUDOMIMUS_ACCESS_TOKEN", "").strip()
    access_token = Secret(value) if value else read_secret("the player's access token")
    if not access_token:
        raise ConfigurationError(
            "No access token was given: set SUDOMIMUS_ACCESS_TOKEN, or write the token to standard input."
        )

    async def flow(listen: OnProgress | None, done: DoneSignal) -> ErrandResult:
        async with alongside(lambda: terminal.animate(ports.settings.timeout)):
            return await share(access_token, ports, listen, done)

    result = run(flow, terminal.progress, partial(LoginCancelled, "The errand was cancelled."))
    if arguments.json:
        output.json(result.to_json())
        return 0
    said = "The player has been through the page." if result.completed else "Nothing is owed: there was nothing to ask."
    output.text("\n".join([said, *claims_summary(result.claims)]))
    return 0
