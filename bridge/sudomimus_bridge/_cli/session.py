"""`refresh` and `logout`: a session by its refresh token, which comes from the environment or standard input."""

from __future__ import annotations

import argparse
import os
from functools import partial

from .._login.ports import Ports
from .._login.renewal import logout as end_session
from .._login.renewal import refresh as renew
from .._runs.done_signal import DoneSignal
from .._service.fate import Refreshed
from .._values.errors import ConfigurationError, LoginCancelled, LoginDenied
from .._values.events import OnProgress
from .._values.secret import Secret
from .arguments import given_settings
from .login import read_secret
from .output import Output
from .running import run
from .terminal import Terminal

_UNCERTAIN = "The refresh token may have been used. Do not send it again, which would end the session."


def refresh(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Renew a session, and print the new pair as `login --json` does: whoever has used the old one needs it."""
    if not arguments.json:
        raise ConfigurationError(
            "Pass --json: it alone prints the new tokens, and the old refresh token is used up by then."
        )
    settings = given_settings(arguments)
    settings.require_application()  # the service's answer does not name it
    ports, token = Ports(settings), _refresh_token()
    renewed = run(
        partial(_renewed, token, ports),
        cancelled=partial(LoginCancelled, f"The renewal was cancelled. {_UNCERTAIN}"),
    )
    if renewed.result is None:
        if renewed.uncertain:
            terminal.line(_UNCERTAIN)
        raise renewed.error or LoginDenied("This sign-in has ended. Sign in again.")
    output.json(renewed.result.to_json())
    return 0


def logout(arguments: argparse.Namespace, _terminal: Terminal, output: Output) -> int:
    """End a session, and print whether there was one to end."""
    ports, token = Ports(given_settings(arguments)), _refresh_token()
    cancelled = partial(LoginCancelled, "Signing out was cancelled. The session may go on: try again to end it.")
    revoked = run(partial(_ended, token, ports), cancelled=cancelled)
    if arguments.json:
        output.json({"revoked": revoked})
    else:
        output.text("Signed out." if revoked else "This session had ended already.")
    return 0


async def _renewed(token: Secret, ports: Ports, _listen: OnProgress | None, _done: DoneSignal) -> Refreshed:
    return await renew(token, ports)


async def _ended(token: Secret, ports: Ports, _listen: OnProgress | None, _done: DoneSignal) -> bool:
    return await end_session(token, ports)


def _refresh_token() -> Secret:
    value = os.environ.get("SUDOMIMUS_REFRESH_TOKEN", "").strip()
    token = Secret(value) if value else read_secret("the player's refresh token")
    if not token:
        raise ConfigurationError(
            "No refresh token was given: set SUDOMIMUS_REFRESH_TOKEN, or write the token to standard input."
        )
    return token
