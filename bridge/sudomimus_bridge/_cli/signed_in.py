"""The commands for a signed-in player: `errand` and `whoami` by an access token, `refresh` and `logout` by a refresh token.

A token comes from the environment or from standard input.
"""

from __future__ import annotations

import argparse
import os
from functools import partial

from .._login.errand import share
from .._login.ports import Ports
from .._login.profile import find_player
from .._login.renewal import logout as end_session
from .._login.renewal import refresh as renew
from .._runs.beside import alongside
from .._runs.done_signal import DoneSignal
from .._service.fate import Refreshed
from .._values.errors import ConfigurationError, LoginCancelled, LoginDenied
from .._values.events import ErrandResult, OnProgress
from .._values.player import Player
from .._values.secret import Secret, printable
from .arguments import given_settings
from .login import read_secret
from .output import Output
from .running import run
from .terminal import Terminal, claims_summary

_UNCERTAIN = "The refresh token may have been used. Do not send it again, which would end the session."


def errand(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Let the player share more, and print the result."""
    ports, token = Ports(given_settings(arguments)), _token("access")
    result = run(
        partial(_share, token, ports, terminal), terminal.progress, partial(LoginCancelled, "The errand was cancelled.")
    )
    if arguments.json:
        output.json(result.to_json())
        return 0
    text = "The player has finished the page." if result.completed else "Nothing is owed, so no page was needed."
    output.text("\n".join([text, *claims_summary(result.claims)]))
    return 0


async def _share(
    token: Secret, ports: Ports, terminal: Terminal, listen: OnProgress | None, done: DoneSignal
) -> ErrandResult:
    async with alongside(partial(terminal.animate, ports.settings.time_limit(patient=False))):
        return await share(token, ports, listen, done)


def whoami(arguments: argparse.Namespace, _terminal: Terminal, output: Output) -> int:
    """Print the player of an access token, as far as the player is known."""
    ports, token = Ports(given_settings(arguments)), _token("access")
    player = run(partial(_player, token, ports), cancelled=partial(LoginCancelled, "Interrupted."))
    if arguments.json:
        output.json(player.to_json())
    else:
        output.text("\n".join(_summary(player)))
    return 0


async def _player(token: Secret, ports: Ports, _listen: OnProgress | None, _done: DoneSignal) -> Player:
    return await find_player(token, ports)


_SHOWN = {"subject": "subject", "name": "name", "email": "e-mail address", "picture": "picture"}


def _summary(player: Player) -> list[str]:
    """One line for each known member. An empty one is shared and empty."""
    known = [(name, getattr(player, member)) for member, name in _SHOWN.items()]
    lines = [f"{name:<16} {printable(value) or '(empty)'}" for name, value in known if value is not None]
    return lines or ["The player is not known. The access token may have expired."]


def refresh(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Renew a session, and print the new pair of tokens as `login --json` does."""
    if not arguments.json:
        raise ConfigurationError(
            "Pass --json. Without it the new tokens would not be printed, and the old refresh token would be used up."
        )
    settings = given_settings(arguments)
    settings.require_application()  # the output names the application, and the service's answer does not
    ports, token = Ports(settings), _token("refresh")
    renewed = run(
        partial(_renew, token, ports), cancelled=partial(LoginCancelled, f"The renewal was cancelled. {_UNCERTAIN}")
    )
    if renewed.result is None:
        if renewed.uncertain:
            terminal.line(_UNCERTAIN)
        raise renewed.error or LoginDenied("This sign-in has ended. Sign in again.")
    output.json(renewed.result.to_json())
    return 0


async def _renew(token: Secret, ports: Ports, _listen: OnProgress | None, _done: DoneSignal) -> Refreshed:
    return await renew(token, ports)


def logout(arguments: argparse.Namespace, _terminal: Terminal, output: Output) -> int:
    """End a session, and print whether it was open."""
    ports, token = Ports(given_settings(arguments)), _token("refresh")
    cancelled = partial(
        LoginCancelled, "Signing out was cancelled. The session may still be open: sign out again to end it."
    )
    revoked = run(partial(_end_session, token, ports), cancelled=cancelled)
    if arguments.json:
        output.json({"revoked": revoked})
    else:
        output.text("Signed out." if revoked else "This session had already ended.")
    return 0


async def _end_session(token: Secret, ports: Ports, _listen: OnProgress | None, _done: DoneSignal) -> bool:
    return await end_session(token, ports)


def _token(kind: str) -> Secret:
    """The access or refresh token. Raises `ConfigurationError` if there is none."""
    variable = f"SUDOMIMUS_{kind.upper()}_TOKEN"
    value = os.environ.get(variable, "").strip()
    token = Secret(value) if value else read_secret(f"the player's {kind} token")
    if not token:
        raise ConfigurationError(f"No {kind} token was given: set {variable}, or write the token to standard input.")
    return token
