"""The command `demo`: a whole login on this machine only, with the same code as a real login."""

from __future__ import annotations

import argparse
import os
from functools import partial
from pathlib import Path
from typing import Any

from .._browser.system import Browser
from .._login.methods import Steam
from .._login.ports import Ports
from .._settings import TABLE, Settings
from .._values.clock import SystemClock
from .._values.errors import ConfigurationError
from .._values.events import Phase, ProgressEvent
from .._values.folders import TemporaryFolder
from ..emulator import Emulator
from ..testing._compiled_stub import StubNotCompiled, compiled_stub, open_tickets, read_stub_log
from ..testing._scripted_browser import AutoBrowser
from ..testing._stub_steam import StubBehaviour, StubSteam
from .arguments import given_settings
from .login import run, signed_in
from .output import Output
from .terminal import Terminal, login_summary

TICKET_MS = 400
"""How long the stub takes to give a ticket. A real Steam client takes about as long."""

_OWN_SETTINGS = ("native_url", "connect_url", "device_url", "session_url", "via_url", "steam_hosted", "session_folder")
"""The settings that the demo sets itself. It ignores their variables and refuses their flags."""


def demo(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Sign the local service's player in with a ticket of the stub, and print a summary."""
    for setting in TABLE:
        if setting.keyword in _OWN_SETTINGS and getattr(arguments, setting.keyword) is not None:
            raise ConfigurationError(
                "The demo does not take one of the given flags.",
                detail=f"{setting.flag} does not go with demo, which uses its own sign-in service and its own Steam. Leave the "
                "flag out, or use login.",
            )
    with TemporaryFolder("sudomimus-bridge-demo-") as folder:
        return _demo(arguments, terminal, output, Path(folder) / "steam.jsonl")


def _demo(arguments: argparse.Namespace, terminal: Terminal, output: Output, steam_log: Path) -> int:
    game = given_settings(arguments, **{name: getattr(Settings, name) for name in _OWN_SETTINGS})
    config: dict[str, Any] = {"application": {}}
    if game.application is not None:
        config["application"]["anchor"] = game.application
    if game.steam_app_id is not None:
        config["application"]["allowed_steam_app_ids"] = [game.steam_app_id]
    if arguments.claim_gate:
        config["claims"] = {"email": "REQUIRED"}
    os.environ |= {"STEAM_STUB_LOG": str(steam_log), "STEAM_STUB_TICKET_DELAY_MS": str(TICKET_MS)}
    library, clock = arguments.steam_library, SystemClock()
    steam: StubSteam | None = None
    try:
        library = library or compiled_stub()
        terminal.line(f"Steam: a stub, loaded like the real {Path(library).name}.")
    except StubNotCompiled as error:
        steam = StubSteam(clock, behaviours=[StubBehaviour(delay=TICKET_MS / 1000)])
        terminal.line(f"Steam: the Python stub, because the compiled one is missing. {error}")
    with Emulator({**config, "steam_log": steam_log if steam is None else None}) as service:
        terminal.line(f"Sign-in service: the local one, at {service.urls['native']}.")
        settings = given_settings(
            arguments,
            **service.settings,
            steam_library=library,
            steam_hosted=False,
            **({"no_browser": False, "page": "browser"} if arguments.auto else {}),
        )
        browser: Browser | None = AutoBrowser() if arguments.auto else None
        ports = Ports(settings, steam=steam, browser=browser, clock=clock)
        progress = _Progress(terminal)
        result = run(partial(signed_in, Steam(), ports, terminal), progress)
        left = len(steam.open_tickets) if steam else len(open_tickets(read_stub_log(steam_log)))
    output.text(login_summary(result, hint=""))
    output.text(
        f"Steam gave {progress.tickets} ticket{'s' * (progress.tickets != 1)}; {left or 'none'} of them left open."
    )
    return 0


class _Progress:
    """Shows the events of the login, and counts its tickets."""

    def __init__(self, terminal: Terminal) -> None:
        self.tickets = 0
        self._terminal = terminal

    def __call__(self, event: ProgressEvent) -> None:
        self.tickets += event.phase is Phase.REQUESTING_TICKET
        self._terminal.progress(event)
