"""`doctor`: each thing that a login needs, checked one by one, with what to do about the one that fails.

It uses the login's own parts: what works here works there. Nothing is sent to the service but a request for its health.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from time import perf_counter

import anyio
from anyio import to_thread

from ..browser.gate import host_of, is_loopback
from ..browser.system import available_browser
from ..clock import Clock
from ..errors import BridgeError, ConfigurationError, ServiceUnavailable, SteamUnavailable
from ..login.concurrency import alongside
from ..login.engine import Engine
from ..service.port import Answer, Operation, Trouble
from ..service.remote import open_exchange
from ..service.reply import Failed, Replied
from ..service.rules import error_for
from ..settings import Settings
from ..steam.connection import FlatApiSteam
from ..steam.library import find_library, load_library
from ..steam.ticket import web_api_ticket
from .arguments import given_settings
from .output import Output
from .running import run
from .terminal import Terminal

_NOT_CHECKED = "not checked, for it needs"
_WARNING = "warning: "
_INDENT = len("fail steam-logged-on  ")

SKEW_SECONDS = 300
"""How wrong the clock may be: tokens and certificates are judged by the minute, not by the second."""


@dataclass(frozen=True)
class Check:
    """One line of the report. `status` is the exit status that this check asks for; 0 where it passed or only warns."""

    name: str
    ok: bool
    detail: str
    fix: str | None = None
    status: int = field(default=0, repr=False)


def doctor(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Run all checks, report them, and exit with the status of the first that failed."""
    settings = given_settings(arguments)

    async def flow() -> list[Check]:
        checks = []
        async with alongside(terminal.animate):
            async for check in _checks(settings):
                checks.append(check)
                if not arguments.json:
                    output.text(_line(check, terminal) if output.is_terminal else _plain(check))
        return checks

    checks = run(flow)
    if arguments.json:
        output.json({"checks": [{k: v for k, v in asdict(check).items() if k != "status"} for check in checks]})
    return next((check.status for check in checks if check.status), 0)


async def _checks(settings: Settings) -> AsyncIterator[Check]:
    yield _attempt("application", settings.require_application, "the anchor is {}")
    app_id = _attempt("steam-app-id", settings.require_steam_app_id, "the app id is {}")
    yield app_id
    async for check in _steam(settings, app_id):
        yield check
    async for check in _service(settings):
        yield check
    browser = await to_thread.run_sync(available_browser)
    if browser:
        yield Check("browser", True, f"{browser} would be opened")
    else:
        yield Check(
            "browser",
            True,
            f"{_WARNING}no browser was found, so a page would be shown as text and QR code",
            "Install a browser, or name one in the environment variable BROWSER.",
        )


async def _steam(settings: Settings, app_id: Check) -> AsyncIterator[Check]:
    rest = ["steam-running", "steam-app", "steam-logged-on", "steam-ticket"]
    try:
        path = await to_thread.run_sync(find_library, settings.steam_library)
    except BridgeError as error:
        yield _failed("steam-library", error)
        for name in ["steam-exports", *rest]:
            yield _skipped(name, "steam-library", error.exit_status)
        return
    yield Check("steam-library", True, f"found at {path}")
    try:
        library = await to_thread.run_sync(load_library, path)
    except BridgeError as error:
        yield _failed("steam-exports", error)
        for name in rest:
            yield _skipped(name, "steam-exports", error.exit_status)
        return
    yield Check("steam-exports", True, f"all there; the library is of SDK {library.sdk}")
    if not app_id.ok:
        for name in rest:
            yield _skipped(name, app_id.name, app_id.status)
        return
    engine = Engine(settings)
    steam = engine.steam
    if not isinstance(steam, FlatApiSteam):
        return
    try:
        try:
            running_as = await steam.open()
        except BridgeError as error:
            yield _failed("steam-running", error)
            for name in rest[1:]:
                yield _skipped(name, "steam-running", error.exit_status)
            return
        yield Check("steam-running", True, "Steam is running and was initialised")
        yield Check("steam-app", True, f"Steam runs this program as app {running_as}")
        if not await steam.logged_on():
            fix = "Take Steam out of offline mode, and sign in."
            yield Check("steam-logged-on", False, "Steam is not logged on", fix, SteamUnavailable.exit_status)
            yield _skipped("steam-ticket", "steam-logged-on", SteamUnavailable.exit_status)
            return
        yield Check("steam-logged-on", True, "Steam is logged on to its servers")
        yield await _ticket(steam, engine.clock)
    finally:
        await engine.aclose()


async def _ticket(steam: FlatApiSteam, clock: Clock) -> Check:
    began = perf_counter()
    try:
        async with web_api_ticket(steam, clock) as ticket_hex:
            size, seconds = len(ticket_hex) // 2, perf_counter() - began
    except BridgeError as error:
        return _failed("steam-ticket", error)
    return Check("steam-ticket", True, f"{size} bytes in {seconds:.2f} s, and cancelled")


async def _service(settings: Settings) -> AsyncIterator[Check]:
    clock = Engine(settings).clock
    try:
        exchange = await open_exchange(settings.native_url, clock)
    except ConfigurationError as error:
        yield _failed("certificates", error)
        yield _skipped("service", "certificates", error.exit_status)
        yield _skipped("clock", "certificates", error.exit_status)
        return
    try:
        began = perf_counter()
        reply = await exchange.get("/health")
        seconds = perf_counter() - began
    finally:
        with anyio.CancelScope(shield=True):
            await exchange.aclose()
    host = host_of(settings.native_url)
    if isinstance(reply, Failed):
        sentence = error_for(Operation.STEAM_TICKET, Answer(trouble=reply.trouble), None).sentence
        _, fix = _what_and_fix(sentence)
        untrusted = reply.trouble is Trouble.CERTIFICATE
        failed = "certificates" if untrusted else "service"
        if untrusted:
            yield Check("service", True, f"{host} was reached")
            yield Check(failed, False, f"{host} is not trusted: {reply.detail}", fix, ServiceUnavailable.exit_status)
        else:
            detail = f"{host} gave no answer of the service: {reply.detail}"
            yield Check(failed, False, detail, fix, ServiceUnavailable.exit_status)
            yield _skipped("certificates", failed, ServiceUnavailable.exit_status)
        yield _skipped("clock", failed, ServiceUnavailable.exit_status)
        return
    yield _health(host, reply, seconds)
    trusted = "not needed on loopback" if is_loopback(host) and settings.native_url.startswith("http:") else "trusted"
    yield Check("certificates", True, trusted)
    yield _clock(reply, clock.wall())


def _health(host: str, reply: Replied, seconds: float) -> Check:
    """An API from before `/health` answers 404, which shows as well that it is there."""
    if reply.status >= 500:
        sentence = error_for(Operation.STEAM_TICKET, Answer(status=reply.status), None).sentence
        _, fix = _what_and_fix(sentence)
        return Check("service", False, f"{host} answered {reply.status}", fix, ServiceUnavailable.exit_status)
    return Check("service", True, f"{host} answered in {seconds:.2f} s")


def _clock(reply: Replied, here: float) -> Check:
    if reply.date is None:
        return Check("clock", True, "the service does not say its time, so this was not compared")
    skew = here - reply.date
    if abs(skew) <= SKEW_SECONDS:
        return Check("clock", True, f"within {max(1, round(abs(skew)))} s of the service's")
    direction = "ahead of" if skew > 0 else "behind"
    return Check(
        "clock",
        False,
        f"this computer's clock is {round(abs(skew) / 60)} minutes {direction} the service's",
        "Have the operating system set the clock by itself, then try again.",
        ConfigurationError.exit_status,
    )


def _attempt(name: str, value: object, detail: str) -> Check:
    try:
        return Check(name, True, detail.format(value() if callable(value) else value))
    except BridgeError as error:
        return _failed(name, error)


def _failed(name: str, error: BridgeError) -> Check:
    detail, fix = _what_and_fix(error.sentence)
    return Check(name, False, detail, fix, error.exit_status)


def _what_and_fix(sentence: str) -> tuple[str, str]:
    """What is, and what to do: an error's last sentence, or what follows its colon. A path may hold both, so the last."""
    for pattern in (r"(.*\S)\. ([A-Z].*)", r"(.*\S): ([a-z].*)"):
        if match := re.fullmatch(pattern, sentence, re.DOTALL):
            detail, fix = match.groups()
            return detail, fix[0].upper() + fix[1:]
    return sentence.rstrip("."), "Correct that, then try again."


def _skipped(name: str, needs: str, status: int) -> Check:
    return Check(name, False, f"{_NOT_CHECKED} {needs}", f"See {needs}.", status)


def _plain(check: Check) -> str:
    word = "-" if check.detail.startswith(_NOT_CHECKED) else "fail" if not check.ok else "warn" if check.fix else "ok"
    line = f"{word:<4} {check.name:<16} {check.detail.removeprefix(_WARNING)}"
    return line if check.fix is None or word == "-" else f"{line}\n{'':<{_INDENT}}{check.fix}"


def _line(check: Check, terminal: Terminal) -> str:
    """The same as a terminal has room for, in colour."""
    line = "\n".join(terminal.wrapped(line, _INDENT) for line in _plain(check).split("\n"))
    colours = {"ok": 32, "warn": 33, "fail": 31}
    word = line.split()[0]
    return f"\033[{colours[word]}m{word}\033[0m{line[len(word) :]}" if terminal.colour and word in colours else line
