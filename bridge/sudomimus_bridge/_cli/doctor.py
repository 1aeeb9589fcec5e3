"""The command `doctor`: checks each thing that a login needs, one by one, and says how to fix it.

It uses the login's own modules, so a check that passes here passes in a login. The service gets one request, for its health.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from time import perf_counter
from typing import Any

import anyio

from .._browser.system import available_browser
from .._login.ports import Ports
from .._runs.finishing import alongside
from .._runs.signals import DoneSignal
from .._runs.threads import in_thread
from .._service.answers import Answer, Trouble
from .._service.operations import Operation
from .._service.proxy import chosen_proxy, proxy_for, unsupported
from .._service.remote import open_exchange
from .._service.replies import Failed, Replied
from .._service.rules import error_for
from .._settings import Settings
from .._values.clock import Clock
from .._values.errors import BridgeError, ConfigurationError, ServiceUnavailable, SteamUnavailable
from .._values.events import OnProgress
from .._values.urls import host_of, is_loopback
from ..steam._connection import FlatApiSteam
from ..steam._library import find_library, load_library
from ..steam._ticket import web_api_ticket
from .arguments import given_settings
from .login import run
from .output import Output
from .terminal import Terminal

_INDENT = len("fail steam-logged-on  ")
_SKIPPED = "skipped: "

SKEW_SECONDS = 300
"""The most seconds by which the clock may differ. Tokens and certificates tolerate seconds, but not minutes."""


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


_MARKS = {
    Status.OK: ("ok", "32"),
    Status.WARNING: ("warn", "33"),
    Status.FAILED: ("fail", "31"),
    Status.SKIPPED: ("skip", "2"),
}
"""The word and the colour (SGR) of each status in the report."""


@dataclass(frozen=True)
class Check:
    """One line of the report. `exit_status` is the command's exit status if this is the first failed check."""

    name: str
    status: Status
    detail: str
    fix: str | None = None
    exit_status: int = 0

    @property
    def ok(self) -> bool:
        """Whether a login can work: the check passed or only warns."""
        return self.status in (Status.OK, Status.WARNING)

    def to_json(self) -> dict[str, Any]:
        """One member of `checks` in `doctor --json`."""
        return {"name": self.name, "ok": self.ok, "status": self.status, "detail": self.detail, "fix": self.fix}


def doctor(arguments: argparse.Namespace, terminal: Terminal, output: Output) -> int:
    """Run and report all checks. Return the exit status of the first failed check."""
    settings = given_settings(arguments)

    async def flow(_listen: OnProgress | None, _done: DoneSignal) -> list[Check]:
        checks = []
        async with alongside(terminal.animate):
            async for check in _checks(settings):
                checks.append(check)
                if not arguments.json:
                    output.text(_line(check, terminal if output.is_terminal else None))
        return checks

    checks = run(flow)
    if arguments.json:
        output.json({"checks": [check.to_json() for check in checks]})
    return next((check.exit_status for check in checks if check.status is Status.FAILED), 0)


async def _checks(settings: Settings) -> AsyncIterator[Check]:
    yield _attempt("application", settings.require_application, "the anchor is {}")
    app_id = _attempt("steam-app-id", settings.require_steam_app_id, "the app id is {}")
    yield app_id
    async for check in _steam(settings, app_id):
        yield check
    async for check in _service(settings):
        yield check
    browser = await in_thread(available_browser)
    if browser:
        yield _passed("browser", f"{browser} opens the pages")
    else:
        yield Check(
            "browser",
            Status.WARNING,
            "no browser was found, so the bridge shows a page's address instead of opening the page",
            "Install a browser, or name one in the environment variable BROWSER.",
        )


async def _steam(settings: Settings, app_id: Check) -> AsyncIterator[Check]:
    rest = ["steam-running", "steam-app", "steam-logged-on", "steam-ticket"]
    try:
        path = await in_thread(find_library, settings.steam_library)
    except BridgeError as error:
        yield _failed("steam-library", error)
        for name in ["steam-exports", *rest]:
            yield _skipped(name, "steam-library")
        return
    yield _passed("steam-library", f"found at {path}")
    try:
        library = await in_thread(load_library, path)
    except BridgeError as error:
        yield _failed("steam-exports", error)
        for name in rest:
            yield _skipped(name, "steam-exports")
        return
    yield _passed("steam-exports", f"the library has all needed functions; it is from SDK {library.sdk}")
    if not app_id.ok:
        for name in rest:
            yield _skipped(name, app_id.name)
        return
    ports = Ports(settings)
    steam = ports.steam
    if not isinstance(steam, FlatApiSteam):
        return
    try:
        try:
            running_as = await steam.open()
        except BridgeError as error:
            yield _failed("steam-running", error)
            for name in rest[1:]:
                yield _skipped(name, "steam-running")
            return
        yield _passed("steam-running", "Steam is running and has been initialised")
        yield _passed("steam-app", f"Steam runs this program as app {running_as}")
        if not await steam.logged_on():
            fix = "Take Steam out of offline mode, and sign in."
            yield Check("steam-logged-on", Status.FAILED, "Steam is not logged on", fix, SteamUnavailable.exit_status)
            yield _skipped("steam-ticket", "steam-logged-on")
            return
        yield _passed("steam-logged-on", "Steam is logged on to its servers")
        yield await _ticket(steam, ports.clock)
    finally:
        await ports.aclose()


async def _ticket(steam: FlatApiSteam, clock: Clock) -> Check:
    began = perf_counter()
    try:
        async with web_api_ticket(steam, clock) as ticket_hex:
            size, seconds = len(ticket_hex) // 2, perf_counter() - began
    except BridgeError as error:
        return _failed("steam-ticket", error)
    return _passed(
        "steam-ticket", f"Steam gave a ticket of {size} bytes in {seconds:.2f} s; the ticket is cancelled again"
    )


async def _service(settings: Settings) -> AsyncIterator[Check]:
    proxy = await in_thread(_proxy, settings.native_url)
    yield proxy
    if not proxy.ok:
        for name in ("service", "certificates", "clock"):
            yield _skipped(name, proxy.name)
        return
    clock = Ports(settings).clock
    try:
        exchange = await open_exchange(settings.native_url, clock)
    except ConfigurationError as error:
        yield _failed("certificates", error)
        yield _skipped("service", "certificates")
        yield _skipped("clock", "certificates")
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
        _, fix = _problem_and_fix(error_for(Operation.STEAM_TICKET, Answer(trouble=reply.trouble), None))
        untrusted = reply.trouble is Trouble.CERTIFICATE
        failed = "certificates" if untrusted else "service"
        if untrusted:
            yield _passed("service", f"{host} was reached")
            yield Check(
                failed, Status.FAILED, f"{host} is not trusted: {reply.detail}", fix, ServiceUnavailable.exit_status
            )
        else:
            detail = f"{host} did not answer as the sign-in service does: {reply.detail}"
            yield Check(failed, Status.FAILED, detail, fix, ServiceUnavailable.exit_status)
            yield _skipped("certificates", failed)
        yield _skipped("clock", failed)
        return
    yield _health(host, reply, seconds)
    trusted = (
        "no certificate is needed for a loopback host"
        if is_loopback(host) and settings.native_url.startswith("http:")
        else "the service's certificate is trusted"
    )
    yield _passed("certificates", trusted)
    yield _clock(reply, clock.wall())


def _proxy(url: str) -> Check:
    if is_loopback(host_of(url)):
        return _passed("proxy", "no proxy is used for a loopback host")
    try:
        proxy = proxy_for(url)
    except ConfigurationError as error:
        return _failed("proxy", error)
    if proxy is not None:
        return _passed("proxy", f"connections go through {proxy.shown}")
    source, address = chosen_proxy(url)
    if source is not None and unsupported(address):
        return Check(
            "proxy",
            Status.WARNING,
            f"{source} names a proxy that is not an HTTP proxy, so connections are direct",
            f"If connections fail, set {source} to an HTTP proxy.",
        )
    return _passed("proxy", "no proxy is set: connections are direct")


def _health(host: str, reply: Replied, seconds: float) -> Check:
    """An older API has no `/health` and answers 404, which shows that it can be reached."""
    if reply.status >= 500:
        _, fix = _problem_and_fix(error_for(Operation.STEAM_TICKET, Answer(status=reply.status), None))
        return Check("service", Status.FAILED, f"{host} answered {reply.status}", fix, ServiceUnavailable.exit_status)
    return _passed("service", f"{host} answered in {seconds:.2f} s")


def _clock(reply: Replied, here: float) -> Check:
    if reply.date is None:
        return _passed("clock", "the service did not send its time, so the clock was not compared")
    skew = here - reply.date
    if abs(skew) <= SKEW_SECONDS:
        return _passed("clock", f"within {max(1, round(abs(skew)))} s of the service's")
    direction = "ahead of" if skew > 0 else "behind"
    return Check(
        "clock",
        Status.FAILED,
        f"this computer's clock is {round(abs(skew) / 60)} minutes {direction} the service's",
        "Have the operating system set the clock automatically, then try again.",
        ConfigurationError.exit_status,
    )


def _attempt(name: str, value: object, detail: str) -> Check:
    try:
        return _passed(name, detail.format(value() if callable(value) else value))
    except BridgeError as error:
        return _failed(name, error)


def _failed(name: str, error: BridgeError) -> Check:
    problem, fix = _problem_and_fix(error)
    return Check(name, Status.FAILED, problem, fix, error.exit_status)


_LIBRARY_REASONS = {"LibraryNotFound", "LibraryNotLoaded", "LibraryTooOld", "NotASteamLibrary", "ThisCallNotSupported"}
"""Reasons of `SteamUnavailable` whose detail names the change that the developer must make."""


def _problem_and_fix(error: BridgeError) -> tuple[str, str]:
    """The problem and its fix. The detail has both if the developer must change something. Otherwise the sentence has both."""
    of_developer = isinstance(error, ConfigurationError) or error.reason in _LIBRARY_REASONS
    if of_developer and error.detail is not None:
        return _split(error.detail)
    problem, fix = _split(error.sentence)
    return (f"{problem} ({error.detail.rstrip('.')})" if error.detail else problem), fix


def _split(text: str) -> tuple[str, str]:
    """Split off the fix: the last sentence, or the part after the last colon. A path may hold a full stop or a colon, too."""
    for pattern in (r"(.*\S)\. ([A-Z].*)", r"(.*\S): ([a-z].*)"):
        if match := re.fullmatch(pattern, text, re.DOTALL):
            problem, fix = match.groups()
            return problem, fix[0].upper() + fix[1:]
    return text.rstrip("."), "Correct that, then try again."


def _passed(name: str, detail: str) -> Check:
    return Check(name, Status.OK, detail)


def _skipped(name: str, needs: str) -> Check:
    """A check that is skipped because the check `needs` has failed."""
    return Check(name, Status.SKIPPED, f"{_SKIPPED}needs {needs}", f"Fix {needs} first.")


def _line(check: Check, terminal: Terminal | None = None) -> str:
    """One check as lines of text. On a terminal they are wrapped to its width and coloured."""
    mark, colour = _MARKS[check.status]
    lines = [f"{mark:<4} {check.name:<16} {check.detail.removeprefix(_SKIPPED)}"]
    if check.fix is not None and check.status is not Status.SKIPPED:
        lines.append(f"{'':<{_INDENT}}{check.fix}")
    if terminal is not None:
        lines = [terminal.wrapped(line, _INDENT) for line in lines]
        if terminal.colour:
            lines[0] = f"\033[{colour}m{mark}\033[0m{lines[0][len(mark) :]}"
    return "\n".join(lines)
