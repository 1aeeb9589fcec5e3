"""The command `whoami`: the player of an access token."""

from __future__ import annotations

import argparse
import os
from functools import partial

from .._login.ports import Ports
from .._login.profile import find_player
from .._runs.done_signal import DoneSignal
from .._values.errors import ConfigurationError, LoginCancelled
from .._values.events import OnProgress
from .._values.player import Player
from .._values.secret import Secret, printable
from .arguments import given_settings
from .login import read_secret
from .output import Output
from .running import run
from .terminal import Terminal

_SHOWN = {"subject": "subject", "name": "name", "email": "e-mail address", "picture": "picture"}


def whoami(arguments: argparse.Namespace, _terminal: Terminal, output: Output) -> int:
    """Print the player of an access token, as far as the player is known."""
    ports = Ports(given_settings(arguments))
    value = os.environ.get("SUDOMIMUS_ACCESS_TOKEN", "").strip()
    token = Secret(value) if value else read_secret("the player's access token")
    if not token:
        raise ConfigurationError(
            "No access token was given: set SUDOMIMUS_ACCESS_TOKEN, or write the token to standard input."
        )
    player = run(partial(_found, token, ports), cancelled=partial(LoginCancelled, "Interrupted."))
    if arguments.json:
        output.json(player.to_json())
    else:
        output.text("\n".join(_summary(player)))
    return 0


async def _found(token: Secret, ports: Ports, _listen: OnProgress | None, _done: DoneSignal) -> Player:
    return await find_player(token, ports)


def _summary(player: Player) -> list[str]:
    """One line for each known member."""
    known = [(name, getattr(player, member)) for member, name in _SHOWN.items()]
    lines = [f"{name:<16} {printable(value) or '(empty)'}" for name, value in known if value is not None]
    return lines or ["The player is not known. The access token may have expired."]
