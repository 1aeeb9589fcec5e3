"""What commands there are, and how each ends."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from pathlib import Path

from .._extras import missing, require_extra
from .._runs.exhaustion import exhaustion_as_bridge_error
from .._runs.signals import interruptible
from .._values.errors import BridgeError, LoginCancelled
from .._values.logs import RedactingFormatter, describe_crash
from .._version import __version__
from .arguments import Parser, add_setting_flags, parse, visible_flags
from .descriptors import open_standard_descriptors
from .output import give_up_broken_streams, own_standard_output
from .terminal import Terminal

_log = logging.getLogger("sudomimus_bridge")

_BUG = 70  # EX_SOFTWARE in sysexits.h


def run_command(arguments: Sequence[str]) -> int:
    """Run one command to its exit status. Raises `SystemExit` after --help and --version."""
    terminal = Terminal()
    try:
        return _reported(arguments, terminal)
    finally:
        give_up_broken_streams()


def _reported(arguments: Sequence[str], terminal: Terminal) -> int:
    try:
        with exhaustion_as_bridge_error():
            return _run(arguments, terminal)
    except BridgeError as error:
        _log.debug("%s: %s", type(error).__name__, error.detail)
        terminal.error(error)
        return error.exit_status
    except KeyboardInterrupt:
        cancelled = LoginCancelled() if arguments[:1] in (["login"], ["demo"]) else LoginCancelled("Interrupted.")
        terminal.error(cancelled)
        return cancelled.exit_status
    except Exception as error:  # noqa: BLE001 - a crash is told without a secret
        terminal.line(f"sudomimus-bridge: this is a bug of the bridge. Please report it: {describe_crash(error)}")
        return _BUG


def _run(arguments: Sequence[str], terminal: Terminal) -> int:
    closed = open_standard_descriptors()
    parser = build_parser(emulator="emulator" in arguments)
    if arguments[:1] == ["emulator"]:
        require_extra("emulator")
    known = parse(parser, arguments)
    if known.verbose:
        _log_to(terminal, libraries=known.verbose > 1)
    require_extra(known.extra)
    command = getattr(importlib.import_module(f"..{known.module}", __package__), known.function)
    with interruptible():
        if not known.own_output:
            return int(command(known))
        with own_standard_output(terminal, closed, chatter=known.verbose > 0) as output:
            return int(command(known, terminal, output))


_STEAM = ("steam_app_id", "steam_library", "steam_hosted")
_PAGES = ("via_url", "browser_hosts", "no_browser", "page", "quietly", "timeout")

SETTINGS_USED: dict[str, tuple[str, ...]] = {
    "demo": (
        "application",
        "steam_app_id",
        "steam_library",
        "browser_hosts",
        "no_browser",
        "page",
        "quietly",
        "timeout",
    ),
    "login": ("application", *_STEAM, "native_url", "connect_url", "device_url", *_PAGES),
    "errand": ("native_url", *_PAGES),
    "refresh": ("application", "session_url", "timeout"),
    "logout": ("session_url", "timeout"),
    "doctor": ("application", *_STEAM, "native_url"),
    "renpy": (),
    "sidecar": ("application", *_STEAM, "native_url", "connect_url", "device_url", "session_url", *_PAGES),
    "emulator": ("application", "steam_app_id"),
}
"""The settings that each command uses, which its help shows. Every command accepts all of them."""


def build_parser(*, emulator: bool = False) -> Parser:
    """The parser of all commands. With `emulator` it also has that command's own flags, which takes heavy imports."""
    parser = Parser(prog="sudomimus-bridge", description="Signs players of a Steam game in to Sudomimus.")
    parser.add_argument("--version", action="version", version=f"sudomimus-bridge {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)

    def command(
        name: str, module: str, function: str, help_: str, *, extra: str = "", own_output: bool = True
    ) -> Parser:
        added = commands.add_parser(name, help=help_, description=f"{help_[0].upper()}{help_[1:]}.")
        add_setting_flags(added, SETTINGS_USED[name])
        added.add_argument(
            "-v",
            "--verbose",
            action="count",
            default=0,
            help="log each step to standard error, without secrets, and show what Steam prints; -vv: the libraries' logs too",
        )
        added.set_defaults(
            prog=added.prog,
            flags=lambda: visible_flags(added),
            module=module,
            function=function,
            extra=extra,
            own_output=own_output,
        )
        return added

    demo = command("demo", "_cli.demo", "demo", "a whole login with nothing outside this machine", extra="emulator")
    demo.add_argument("--claim-gate", action="store_true", help="have the first attempt need an errand in the browser")
    demo.add_argument("--auto", action="store_true", help="complete the errand without a person")

    login = command("login", "_cli.login", "login", "sign a player in")
    login.add_argument(
        "method",
        metavar="METHOD",
        choices=["steam", "access-key", "browser", "device"],
        help="steam, access-key, browser or device: what signs the player in",
    )
    login.add_argument("--json", action="store_true", help="print one JSON object with the tokens")
    login.add_argument("--access-key-id", metavar="ID", help="with access-key: acs_k_… [SUDOMIMUS_ACCESS_KEY_ID]")
    login.add_argument(
        "--secret-file",
        metavar="PATH",
        help="with access-key: a file that holds the secret, - for standard input; else SUDOMIMUS_ACCESS_KEY_SECRET",
    )
    login.add_argument(
        "--client-key-file",
        metavar="PATH",
        help="with browser: the application's private key, in PEM; else SUDOMIMUS_CLIENT_KEY, or an inquiry of your "
        "backend's in SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY",
    )
    login.add_argument(
        "--constraints-file",
        metavar="PATH",
        help="with --client-key-file: JSON as POST /establish has it, to narrow it",
    )

    errand = command("errand", "_cli.errand", "errand", "let a signed-in player share more with the game")
    errand.description = (
        "Let a signed-in player share more with the game. The access token comes from SUDOMIMUS_ACCESS_TOKEN or standard "
        "input."
    )
    errand.add_argument("--json", action="store_true", help="print one JSON object")

    for name, help_ in (("refresh", "renew a session"), ("logout", "end a session")):
        of_session = command(name, "_cli.session", name, help_)
        of_session.description = (
            f"{help_[0].upper()}{help_[1:]}. The refresh token comes from SUDOMIMUS_REFRESH_TOKEN or standard input."
        )
        of_session.add_argument("--json", action="store_true", help="print one JSON object")

    doctor = command("doctor", "_cli.doctor", "doctor", "check each thing that a login needs, and say what to do")
    doctor.add_argument("--json", action="store_true", help="print one JSON object")

    renpy = command("renpy", "_cli.renpy", "renpy", "put the bridge into a Ren'Py game, or take it out again")
    renpy.add_argument(
        "action", metavar="ACTION", choices=["install", "uninstall"], help="install (again: update) or uninstall"
    )
    renpy.add_argument("game_dir", metavar="GAME_DIR", type=Path, help="the folder of the game's project")

    command("sidecar", "_cli.sidecar", "sidecar", "serve a launcher: JSON-RPC on the standard pipes", own_output=False)

    service = command("emulator", "emulator.command", "run", "run the local service", extra="emulator")
    if emulator and not missing("emulator"):
        importlib.import_module("..emulator.command", __package__).add_arguments(service)
    return parser


class _TerminalHandler(logging.Handler):
    """Writes log lines through the terminal, which erases the status line first."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal
        self.setFormatter(RedactingFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.line(self.format(record))


def _log_to(terminal: Terminal, *, libraries: bool) -> None:
    """Log the bridge's own steps, and the libraries' too if asked for. Nothing moves on the terminal meanwhile."""
    terminal.still = True
    logging.basicConfig(level=logging.DEBUG if libraries else logging.WARNING, handlers=[_TerminalHandler(terminal)])
    _log.setLevel(logging.DEBUG)
