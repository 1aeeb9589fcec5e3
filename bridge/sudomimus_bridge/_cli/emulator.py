"""The command `sudomimus-bridge emulator`: its flags and its output.

With `--json`, standard output has one line for a program to read, and everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._values.errors import system_words
from ..emulator._config.config import EmulatorConfig, merged
from ..emulator._config.fault_rule import FaultRule, parse_fault
from ..emulator._config.model import SettingRefused, refusing
from ..emulator._contract.dialects import DIALECTS
from ..emulator._emulator import HOST, Emulator
from ..testing._compiled_stub import StubNotCompiled, compiled_stub

if TYPE_CHECKING:
    from .output import Output
    from .terminal import Terminal

_EXIT_USAGE = 2
_EXIT_INTERRUPTED = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of `emulator`."""
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port on 127.0.0.1 (default: any free one)")
    parser.add_argument(
        "--json",
        action="store_true",
        help="print one JSON object with everything that a client needs, and nothing else",
    )
    parser.add_argument(
        "--dialect",
        choices=list(DIALECTS),
        help="the state of the service to play: docs/contracts/service.md (default: v4)",
    )
    parser.add_argument("--config", type=Path, metavar="FILE.json", help="settings, as a JSON object")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="PATH=VALUE",
        help="one setting, e.g. claims.email=REQUIRED or sessions.graceSeconds=0; repeatable, wins over --config",
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        dest="faults",
        metavar="RULE",
        help="let something go wrong, e.g. 'POST /direct-issue/* 503 times=2 retry-after=3', or JSON; repeatable",
    )
    parser.add_argument(
        "--steam-log", type=Path, metavar="PATH", help="the stub Steam library's log, to refuse cancelled tickets"
    )
    parser.add_argument(
        "program",
        nargs="*",
        metavar="-- PROGRAM",
        help="a program to start with the settings of this service and a stub of Steam; the service ends with it",
    )


def run(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Serve until SIGINT or SIGTERM, or until the given program ends. Returns the exit status."""
    try:
        if not 0 <= arguments.port <= 65535:
            raise ValueError(f"--port: {arguments.port} is not a port; give one from 1 to 65535, or 0 for any free one")
        emulator = Emulator(_config(arguments), port=arguments.port)
    except (ValueError, OSError) as error:
        return _usage(terminal, str(error))
    ended = threading.Event()
    with _until_signal(ended):
        try:
            emulator.start()
        except OSError as error:
            return _usage(
                terminal, f"cannot listen on {HOST}:{arguments.port}: {system_words(error)}; give another --port"
            )
        try:
            if arguments.program:
                return _run_program(arguments.program, emulator, terminal, output, ended)
            _announce(emulator, output, as_json=arguments.json)
            # On Windows, Ctrl-C does not interrupt a wait without a timeout.
            while not ended.wait(0.5):
                pass
        except KeyboardInterrupt:
            pass  # no signal handler was set, because this is not the main thread
        finally:
            emulator.stop()
    return _EXIT_INTERRUPTED


def _run_program(
    command: list[str], emulator: Emulator, terminal: Terminal, output: Output, ended: threading.Event
) -> int:
    """Run a program beside the service. Its exit status, as a shell reports it."""
    program = shutil.which(command[0])
    if program is None:
        return _usage(terminal, f"there is no program {command[0]} to start")
    terminal.line(f"The local service listens at {emulator.urls['native']}. Starting {command[0]}.")
    environment = _environment(emulator, terminal)
    # This process's own descriptors lead elsewhere while a command runs: see `own_standard_output`.
    stdout = subprocess.DEVNULL if output.descriptor is None else output.descriptor
    stderr = terminal.stream if terminal.alive else None
    with subprocess.Popen([program, *command[1:]], env=environment, stdout=stdout, stderr=stderr) as process:
        while process.poll() is None and not ended.wait(0.1):
            pass
        if process.poll() is None:
            process.terminate()
        status = process.wait()
    return 128 - status if status < 0 else status


def _environment(emulator: Emulator, terminal: Terminal) -> dict[str, str]:
    """The environment of a program that signs in to this service, with a ticket of the compiled stub."""
    settings = {f"SUDOMIMUS_{name.upper()}": str(value) for name, value in emulator.settings.items() if value}
    keys = {
        "SUDOMIMUS_ACCESS_KEY_ID": emulator.urls["accessKeyId"],
        "SUDOMIMUS_ACCESS_KEY_SECRET": emulator.urls["accessKeySecret"],
    }
    settings |= {name: str(value) for name, value in keys.items() if value}
    settings["RENPY_NO_STEAM"] = "1"  # a Ren'Py that finds Valve's library would start the real Steam
    if "SUDOMIMUS_STEAM_LIBRARY" not in os.environ:
        try:
            settings["SUDOMIMUS_STEAM_LIBRARY"] = str(compiled_stub())
        except StubNotCompiled as error:
            terminal.line(f"There is no stub of Steam, so only the other ways to sign in work. {error}")
    return {"STEAM_STUB_TICKET_DELAY_MS": "400", **os.environ, **settings}


def _config(arguments: argparse.Namespace) -> EmulatorConfig:
    config = EmulatorConfig()
    # The flags of the game's application and app id also configure the service.
    if (anchor := getattr(arguments, "application", None)) is not None:
        config = _merged(config, {"application.anchor": anchor}, "--application")
    if (app_id := getattr(arguments, "steam_app_id", None)) is not None:
        config = _merged(config, {"application.allowed_steam_app_ids": [_value(app_id)]}, "--steam-app-id")
    if arguments.config is not None:
        config = _merged(config, _read(arguments.config), f"--config {arguments.config}")
    if arguments.dialect is not None:
        config = _merged(config, {"dialect": arguments.dialect}, "--dialect")
    for setting in arguments.settings:
        path, separator, text = setting.partition("=")
        if not separator or not path:
            raise ValueError("--set takes PATH=VALUE, for instance claims.email=REQUIRED")
        config = _merged(config, {path: _value(text)}, "--set")
    for text in arguments.faults:
        try:
            with refusing(FaultRule):
                config.faults = [*config.faults, parse_fault(text)]
        except ValueError as error:
            raise ValueError(f"--fault: {error}") from None
    if arguments.steam_log is not None:
        config = _merged(config, {"steam_log": arguments.steam_log}, "--steam-log")
    return config


def _merged(config: EmulatorConfig, changes: dict[str, Any], where: str) -> EmulatorConfig:
    try:
        with refusing(EmulatorConfig):
            return merged(config, changes)
    except SettingRefused as refused:
        raise ValueError(f"{where}: {refused}") from None


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"--config: {path} cannot be read: {system_words(error)}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--config: {path} is not JSON: {error}") from None
    if not isinstance(settings, dict):
        raise ValueError(f"--config: {path} must hold a JSON object")  # noqa: TRY004 - a mistake of the user
    return settings


def _value(text: str) -> Any:
    """The value of a text that is JSON, such as a list or a number; otherwise the text itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _usage(terminal: Terminal, sentence: str) -> int:
    terminal.line(f"sudomimus-bridge emulator: {sentence}")
    return _EXIT_USAGE


@contextlib.contextmanager
def _until_signal(ended: threading.Event) -> Iterator[None]:
    def end(_number: int, _frame: object) -> None:
        ended.set()

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():  # only the main thread may set handlers
        before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _announce(emulator: Emulator, output: Output, *, as_json: bool) -> None:
    if as_json:
        output.json(dict(emulator.urls))
        return
    urls = emulator.urls
    native, anchor = urls["native"], urls["application"]
    app_id = f" SUDOMIMUS_STEAM_APP_ID={urls['steamAppId']}" if urls["steamAppId"] else ""
    policy = ", ".join(f"{name} {requirement}" for name, requirement in emulator.config.claims.model_dump().items())
    players = ", ".join(
        f"{player.shown_name} ({player.steam_id}, {player.email or 'no email'})" for player in emulator.players.values()
    )
    output.text(
        f"""The local Sudomimus service is listening. Ctrl-C ends it.

  Native API    {native}
  Connect API   {urls["connect"]}
  Device API    {urls["device"]}
  Session API   {urls["session"]}
  pages         {urls["via"]}
  dialect       {emulator.config.dialect}
  application   {anchor}, Steam app id {urls["steamAppId"] or "none"}
  claims        {policy}
  players       {players}
  access key    {urls["accessKeyId"] or "none"}
  its secret    {urls["accessKeySecret"] or "none"}
  client key    {urls["clientKeyFile"]}

Start a game with it and a stub of Steam: sudomimus-bridge emulator -- python game.py. Or point a game at it:

  export SUDOMIMUS_NATIVE_URL={native} SUDOMIMUS_VIA_URL={urls["via"]}
  export SUDOMIMUS_CONNECT_URL={urls["connect"]} SUDOMIMUS_DEVICE_URL={urls["device"]}
  export SUDOMIMUS_SESSION_URL={urls["session"]}
  export SUDOMIMUS_APPLICATION={shlex.quote(anchor)}{app_id}

Play the game's backend, for SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY:

  curl -X POST  {native}/_emulator/inquiries -H 'Content-Type: application/json' -d '{{}}'

Change it while it runs:

  curl -X PATCH {native}/_emulator/config -H 'Content-Type: application/json' -d '{{"claims": {{"email": "REQUIRED"}}}}'
  curl -X POST  {native}/_emulator/faults -H 'Content-Type: application/json' -d '"POST /direct-issue/* 503 times=2"'
  curl -X POST  {native}/_emulator/clock  -H 'Content-Type: application/json' -d '{{"advance": 1800}}'
  curl -X POST  {native}/_emulator/sessions -H 'Content-Type: application/json' -d '{{"revoked": true}}'
  curl {native}/_emulator/state    curl {native}/_emulator/requests"""
    )
