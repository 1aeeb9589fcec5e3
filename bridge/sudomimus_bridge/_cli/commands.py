"""The commands of the program, and how each ends. To add one, add a row to `COMMANDS`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._extras import missing, require_extra
from .._runs.signals import interruptible
from .._runs.threads import exhaustion_as_bridge_error
from .._values.errors import BridgeError, LoginCancelled
from .._values.logs import RedactingFormatter, describe_crash
from .._version import __version__
from .arguments import Parser, add_setting_flags, given_settings, parse
from .output import open_standard_descriptors, own_standard_output, replace_broken_streams
from .terminal import MARK, Terminal

_log = logging.getLogger("sudomimus_bridge")

_BUG = 70  # EX_SOFTWARE in sysexits.h


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status. Raises `SystemExit` after --help and --version."""
    terminal = Terminal()
    try:
        return _run_and_report(arguments, terminal)
    finally:
        replace_broken_streams()


def _run_and_report(arguments: Sequence[str], terminal: Terminal) -> int:
    try:
        with exhaustion_as_bridge_error():
            return _run(arguments, terminal)
    except BridgeError as error:
        terminal.error(error)
        return error.exit_status
    except KeyboardInterrupt:
        cancelled = LoginCancelled() if arguments[:1] in (["login"], ["demo"]) else LoginCancelled("Interrupted.")
        terminal.error(cancelled)
        return cancelled.exit_status
    except Exception as error:  # noqa: BLE001 - a traceback could show a secret
        terminal.line(f"{MARK} this is a bug of the bridge. Please report it: {describe_crash(error)}")
        return _BUG


def _run(arguments: Sequence[str], terminal: Terminal) -> int:
    closed = open_standard_descriptors()
    parser = build_parser(emulator=not {"emulator", "completion"}.isdisjoint(arguments))
    if arguments[:1] == ["emulator"]:
        require_extra("emulator")
    known = parse(parser, arguments)
    if known.verbose:
        _log_to(terminal, libraries=known.verbose > 1)
    command: Command = known.command
    require_extra(command.extra)
    function = _implementation(command.name)
    with interruptible():
        if not command.own_output:
            return int(function(given_settings(known)))
        with own_standard_output(terminal, closed, chatter=known.verbose > 0) as output:
            return int(function(known, terminal, output))


@dataclass(frozen=True)
class Command:
    """One command: its help, its settings, and how it is run."""

    name: str
    help: str
    settings: tuple[str, ...]
    """The settings that it uses, which its help shows. Every command accepts all settings."""
    description: str = ""
    """The text of its own help, if that is longer than `help`."""
    add_arguments: Callable[[Parser], None] | None = None
    extra: str = ""
    """The extra of the distribution that it needs."""
    own_output: bool = True
    """Whether its function takes the arguments, a `Terminal` and an `Output`. The sidecar takes only its settings."""


def _demo_arguments(parser: Parser) -> None:
    parser.add_argument(
        "--claim-gate", action="store_true", help="make the first attempt need an errand in the browser"
    )
    parser.add_argument("--auto", action="store_true", help="complete the errand without a person")


def _login_arguments(parser: Parser) -> None:
    parser.add_argument(
        "method",
        metavar="METHOD",
        choices=["steam", "access-key", "browser", "device"],
        help="how to sign the player in: steam, access-key, browser or device",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object with the tokens")
    parser.add_argument("--access-key-id", metavar="ID", help="for access-key: acs_k_… [SUDOMIMUS_ACCESS_KEY_ID]")
    parser.add_argument(
        "--secret-file",
        metavar="PATH",
        help="for access-key: a file with the secret, - for standard input; default: SUDOMIMUS_ACCESS_KEY_SECRET",
    )
    parser.add_argument(
        "--client-key-file",
        metavar="PATH",
        help="for browser: the application's private key, in PEM; default: SUDOMIMUS_CLIENT_KEY, or an inquiry of your "
        "backend in SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY",
    )
    parser.add_argument(
        "--constraints-file",
        metavar="PATH",
        help="with --client-key-file: constraints for the inquiry, JSON as in POST /establish",
    )


def _json_argument(parser: Parser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _completion_arguments(parser: Parser) -> None:
    parser.add_argument("shell", metavar="SHELL", choices=["bash", "zsh", "fish"], help="bash, zsh or fish")


def _renpy_arguments(parser: Parser) -> None:
    parser.add_argument(
        "action", metavar="ACTION", choices=["install", "uninstall"], help="install (also: update) or uninstall"
    )
    parser.add_argument("game_dir", metavar="GAME_DIR", type=Path, help="the folder of the game's project")


_STEAM = ("steam_app_id", "steam_library", "steam_hosted")
_PAGES = ("via_url", "browser_hosts", "no_browser", "page", "quietly", "patient", "timeout")
_REFRESH_SOURCE = "The refresh token comes from SUDOMIMUS_REFRESH_TOKEN or standard input."

COMMANDS = (
    Command(
        "demo",
        "run a whole login on this machine only",
        ("application", "steam_app_id", "steam_library", *(name for name in _PAGES if name != "via_url")),
        add_arguments=_demo_arguments,
        extra="emulator",
    ),
    Command(
        "login",
        "sign a player in",
        ("application", *_STEAM, "native_url", "connect_url", "device_url", *_PAGES),
        add_arguments=_login_arguments,
    ),
    Command(
        "errand",
        "let a signed-in player share more with the game",
        ("native_url", *_PAGES),
        description="Let a signed-in player share more with the game. The access token comes from SUDOMIMUS_ACCESS_TOKEN or "
        "standard input.",
        add_arguments=_json_argument,
    ),
    Command(
        "whoami",
        "print the player of an access token",
        ("session_url", "browser_hosts", "via_url", "timeout"),
        description="Print the player of an access token, as far as the player is known. The access token comes from "
        "SUDOMIMUS_ACCESS_TOKEN or standard input.",
        add_arguments=_json_argument,
    ),
    Command(
        "refresh",
        "renew a session",
        ("application", "session_url", "timeout"),
        description=f"Renew a session. {_REFRESH_SOURCE}",
        add_arguments=_json_argument,
    ),
    Command(
        "logout",
        "end a session",
        ("session_url", "timeout"),
        description=f"End a session. {_REFRESH_SOURCE}",
        add_arguments=_json_argument,
    ),
    Command(
        "doctor",
        "check each thing that a login needs, and say how to fix it",
        ("application", *_STEAM, "native_url"),
        add_arguments=_json_argument,
    ),
    Command(
        "renpy",
        "install the bridge in a Ren'Py game, or remove it",
        (),
        add_arguments=_renpy_arguments,
    ),
    Command(
        "sidecar",
        "serve a launcher: JSON-RPC on the standard pipes",
        ("application", *_STEAM, "native_url", "connect_url", "device_url", "session_url", *_PAGES),
        own_output=False,
    ),
    Command(
        "emulator",
        "run the local service",
        ("application", "steam_app_id"),
        extra="emulator",
    ),
    Command(
        "completion",
        "print a completion script for a shell",
        (),
        description='Print a completion script for a shell. For bash: eval "$(sudomimus-bridge completion bash)"',
        add_arguments=_completion_arguments,
        extra="completion",
    ),
)


def build_parser(*, emulator: bool = False) -> Parser:
    """The parser of all commands. `emulator` adds that command's own flags, whose import is slow."""
    parser = Parser(prog="sudomimus-bridge", description="Signs players of a Steam game in to Sudomimus.")
    parser.add_argument("--version", action="version", version=f"sudomimus-bridge {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        description = command.description or f"{command.help[0].upper()}{command.help[1:]}."
        added = subparsers.add_parser(command.name, help=command.help, description=description)
        add_setting_flags(added, command.settings)
        added.add_argument(
            "-v",
            "--verbose",
            action="count",
            default=0,
            help="log each step to standard error, without secrets, and show Steam's own output; -vv: the libraries' logs, too",
        )
        added.set_defaults(command=command, parser=added, root=parser)
        if command.add_arguments is not None:
            command.add_arguments(added)
        if command.name == "emulator" and emulator and not missing("emulator"):
            from .emulator import add_arguments

            add_arguments(added)
    return parser


def _implementation(command: str) -> Callable[..., int]:
    """The function that runs a command. Only that command's modules are imported; each statement is literal, for freezers."""
    if command == "demo":
        from . import demo

        return demo.demo
    if command in ("login", "errand", "whoami", "refresh", "logout"):
        from . import login

        return {
            "login": login.login,
            "errand": login.errand,
            "whoami": login.whoami,
            "refresh": login.refresh,
            "logout": login.logout,
        }[command]
    if command == "doctor":
        from . import doctor

        return doctor.doctor
    if command == "completion":
        from . import completion

        return completion.completion
    if command == "renpy":
        from . import renpy

        return renpy.renpy
    if command == "sidecar":
        from .._sidecar import server

        return server.run
    from . import emulator

    return emulator.run


def _log_to(terminal: Terminal, *, libraries: bool) -> None:
    """Log the bridge's own steps, and on request the libraries' too. The status line does not move meanwhile."""
    terminal.still = True
    logging.basicConfig(level=logging.DEBUG if libraries else logging.WARNING, handlers=[_TerminalHandler(terminal)])
    _log.setLevel(logging.DEBUG)


class _TerminalHandler(logging.Handler):
    """Writes each log line above the status line."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__()
        self._terminal = terminal
        self.setFormatter(RedactingFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.line(self.format(record))
