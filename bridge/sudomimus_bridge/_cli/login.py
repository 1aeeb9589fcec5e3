"""The commands that sign a player in, and the commands that use a player's tokens.

`login` knows steam, access-key, browser and device. `errand` and `whoami` take an access token, `refresh` and `logout` a refresh
token, from the environment or from standard input. A signal cancels the flow of a command, and its ticket.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from .._login.credentials import read_secret_file
from .._login.errand import share
from .._login.methods import Method, method_named
from .._login.ports import Ports
from .._login.profile import find_player
from .._login.renewal import logout as end_session
from .._login.renewal import refresh as renew
from .._login.sign_in import sign_in
from .._runs.finishing import alongside
from .._runs.running import Flow, Running
from .._runs.signals import DoneSignal, exit_after, on_signal
from .._service.answers import Refreshed
from .._service.constraints import Constraints, read_constraints
from .._values.errors import ConfigurationError, LoginCancelled, LoginDenied, system_words
from .._values.events import ErrandResult, LoginResult, OnProgress
from .._values.player import Player
from .._values.secret import Secret, printable
from .arguments import given_settings
from .output import Output
from .terminal import Terminal, claims_summary, login_summary

T = TypeVar("T")

CLEAN_UP_SECONDS = 1.7
"""How long the clean-up after a signal may take. Then the process ends, even if a call into Steam's library hangs."""


def run(
    flow: Flow[T], on_progress: OnProgress | None = None, cancelled: Callable[[], LoginCancelled] = LoginCancelled
) -> T:
    """Run a flow to its end. After a signal and the clean-up, this raises the error that `cancelled` makes."""
    running = Running(flow, on_progress, cancelled=cancelled)
    with on_signal(partial(_cancel, running)):
        result = running.block()
    if running.cancel_called:  # the signal came too late to cancel anything
        raise cancelled()
    return result


def _cancel(running: Running[Any]) -> None:
    """Handle a signal. It may arrive while the event loop is being built or closed, so this raises nothing."""
    if not running.cancel_called:
        exit_after(CLEAN_UP_SECONDS, LoginCancelled.exit_status)
    running.cancel()


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
                "This way to sign in does not take one of the given flags.",
                detail=f"{flag} is for login {method}, and this is login {arguments.method}. Leave the flag out, or choose "
                "that method.",
            )


async def signed_in(
    method: Method, ports: Ports, terminal: Terminal, listen: OnProgress | None, done: DoneSignal
) -> LoginResult:
    terminal.overlay = ports.settings.page == "overlay"
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
        raise ConfigurationError(
            detail=f"The file of --constraints-file cannot be read: {system_words(error)}."
        ) from None
    except (ValueError, RecursionError):
        raise ConfigurationError(detail="The file of --constraints-file does not hold JSON.") from None
    return read_constraints(value)


_UNCERTAIN = "The refresh token may have been used. Do not send it again: a second use would end the session."


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
    terminal.overlay = ports.settings.page == "overlay"
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
    """One line for each known member. The player may share an empty value."""
    known = [(name, getattr(player, member)) for member, name in _SHOWN.items()]
    lines = [f"{name:<16} {printable(value) or '(empty)'}" for name, value in known if value is not None]
    return lines or ["The player is not known. The access token may have expired."]


def refresh(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Renew a session, and print the new pair of tokens as `login --json` does."""
    if not arguments.json:
        raise ConfigurationError(
            "The new tokens would be lost.",
            detail="Pass --json. Without it the new tokens are not printed, and the old refresh token is used up.",
        )
    settings = given_settings(arguments)
    settings.require_application()  # the output names the application, and the service's answer does not
    ports, token = Ports(settings), _token("refresh")
    renewed = run(
        partial(_renew, token, ports),
        cancelled=partial(LoginCancelled, "The renewal was cancelled.", detail=_UNCERTAIN),
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
        raise ConfigurationError(
            f"No {kind} token was given.", detail=f"Set {variable}, or write the token to standard input."
        )
    return token
