"""Each part of the kit as a context manager, for every test framework. The pytest fixtures wrap these.

Each part also hides the Steam, the service and the browser of this machine from the test. The parts configure games through the
environment, so a game in another process uses them, too. Only Steam in Python, the browser without a process and virtual time
are limited to this process, whose bridges find them in `stand_ins`.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._program.stand_ins import StandIns, current, replace
from .._values.clock import SystemClock
from .._values.folders import TemporaryFolder
from ._scripted_browser import HandOver, ScriptedBrowser
from ._stub_library import SETTLE_SECONDS, StubLibrary, check_tickets
from ._stub_steam import StubBehaviour, StubSteam
from ._virtual_time import VirtualClock

if TYPE_CHECKING:
    from ..emulator._contract.dialects import DialectName
    from ._service import LocalService

APPLICATION = "my-game"
STEAM_APP_ID = 480

_NOWHERE = "http://127.0.0.1:9"  # the discard port, where nothing listens, so a connection is refused at once
_URLS = ("NATIVE", "CONNECT", "DEVICE", "SESSION", "VIA")
_TICKET_SECONDS = 0.005

_entered = 0
_entered_lock = threading.Lock()
_services: list[LocalService] = []


@contextmanager
def using_environment(application: str = APPLICATION, steam_app_id: int = STEAM_APP_ID) -> Iterator[None]:
    """Hide this machine: no settings, no Steam, no service, no browser, nobody signed in.

    All other parts enter this one first, unless it is entered already.

    Args:
        application: The application anchor that the game under test finds in its settings.
        steam_app_id: The Steam app id that it finds there.

    Returns:
        A context manager without a value.
    """
    global _entered
    with _entered_lock:
        _entered += 1
        first = _entered == 1
    try:
        with ExitStack() as stack:
            if first:
                folder = TemporaryFolder("sudomimus-bridge-test-", ignore_cleanup_errors=True)
                empty = stack.enter_context(folder)
                stack.enter_context(_no_keyring())
                stack.enter_context(_changed(_bare_machine(application, steam_app_id, Path(empty))))
            stack.enter_context(_standing_in())
            yield
    finally:
        with _entered_lock:
            _entered -= 1


def _bare_machine(application: str, steam_app_id: int, folder: Path) -> dict[str, str | None]:
    """Return the changes to the environment that remove this machine's settings and hide its programs and folders."""
    of_steam = "STEAM" if os.name == "nt" else "Steam"  # Windows turns names into capitals
    yours = dict.fromkeys(name for name in os.environ if name.startswith(("SUDOMIMUS_", "STEAM_STUB_", of_steam)))
    return {
        **yours,
        "SUDOMIMUS_APPLICATION": application,
        "SUDOMIMUS_STEAM_APP_ID": str(steam_app_id),
        **{f"SUDOMIMUS_{name}_URL": _NOWHERE for name in _URLS},
        "SUDOMIMUS_STEAM_LIBRARY": str(folder / "no-steam-in-this-test"),
        "SUDOMIMUS_NO_BROWSER": "1",
        "SUDOMIMUS_SESSION_FOLDER": str(folder / "sessions"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


@contextmanager
def _no_keyring() -> Iterator[None]:
    """Give the `keyring` library of this process no keyring. It reads the environment only once."""
    before = None
    if keyring := sys.modules.get("keyring"):
        from keyring.backends.fail import Keyring

        before = keyring.get_keyring()
        keyring.set_keyring(Keyring())  # type: ignore[no-untyped-call, unused-ignore]
    try:
        yield
    finally:
        if keyring := sys.modules.get("keyring"):
            keyring.core.init_backend() if before is None else keyring.set_keyring(before)


@contextmanager
def using_service(
    application: str = APPLICATION, steam_app_id: int = STEAM_APP_ID, dialect: DialectName = "v4"
) -> Iterator[LocalService]:
    """The local service, after a reset.

    Args:
        application: The anchor of the one application that it knows.
        steam_app_id: The Steam app id that layer 1 allows.
        dialect: The state of the real service that it plays: "v4", "openapi" or "documents".

    Returns:
        A context manager with the service.

    Raises:
        MissingExtra: The extra `emulator` is not installed.
    """
    service = _shared_service()
    with using_environment(application, steam_app_id):
        service.serve(application=application, steam_app_id=steam_app_id, dialect=dialect)
        urls = {name: service.urls[name.lower()] for name in _URLS}
        changes = {f"SUDOMIMUS_{name}_URL": url for name, url in urls.items() if url is not None}
        changes |= {"SUDOMIMUS_APPLICATION": application, "SUDOMIMUS_STEAM_APP_ID": str(steam_app_id)}
        _services.append(service)
        try:
            with _changed(changes), _standing_in():
                yield service
        finally:
            _services.remove(service)
            service.reset(settings=True)


@contextmanager
def using_browser() -> Iterator[ScriptedBrowser]:
    """A browser with a scripted player, for this process and for the processes that it starts.

    Returns:
        A context manager with the browser.
    """
    browser = ScriptedBrowser()
    with using_environment(), HandOver(browser) as hand_over:
        changes = {"BROWSER": hand_over.command, "SUDOMIMUS_NO_BROWSER": None}
        with _changed(changes), _standing_in(browser=browser):
            try:
                yield browser
            finally:
                browser.close()
    if browser.failures:
        raise browser.failures[0]


@contextmanager
def using_stub_steam() -> Iterator[StubSteam]:
    """Steam in pure Python, for this process. Its app id is that of the environment.

    Returns:
        A context manager with the stub.

    Raises:
        TicketLeftOpen: A ticket is open at the end.
    """
    with using_environment():
        app_id = int(os.environ["SUDOMIMUS_STEAM_APP_ID"])
        steam = StubSteam(SystemClock(), app_id=app_id, behaviours=[StubBehaviour(delay=_TICKET_SECONDS)])
        with _standing_in(steam=steam):
            yield steam
            _settle(steam)


@contextmanager
def using_steam_library(log: Path | None = None) -> Iterator[StubLibrary]:
    """The compiled stub, for this process and for the processes that it starts.

    Args:
        log: The file that the stub logs its calls to; None makes a temporary one.

    Returns:
        A context manager with the stub.

    Raises:
        StubNotCompiled: There is no C compiler.
        TicketLeftOpen: A ticket is open at the end.
    """
    with TemporaryFolder("sudomimus-bridge-test-", ignore_cleanup_errors=True) as folder:
        library = StubLibrary(log or Path(folder, "steam.jsonl"))
        with using_environment():
            library.start()
            try:
                with _changed({"SUDOMIMUS_STEAM_LIBRARY": str(library.library)}), _standing_in():
                    yield library
                    library.check()
            finally:
                library.stop()


@contextmanager
def using_virtual_time() -> Iterator[VirtualClock]:
    """Virtual time for every bridge of this process, and for the local service with it.

    Returns:
        A context manager with the clock.
    """

    def advance(seconds: float) -> None:
        for service in _services:
            service.advance(seconds)

    clock = VirtualClock(wall=time.time(), grace=0.0, on_advance=advance)
    with _standing_in(clock=clock, run=clock.run):
        yield clock


def _shared_service() -> LocalService:
    from ._service import shared_service

    return shared_service()


def _settle(steam: StubSteam) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    while steam.open_tickets and time.monotonic() < until:
        time.sleep(0.01)
    check_tickets(steam.open_tickets)


@contextmanager
def _standing_in(**ports: Any) -> Iterator[None]:
    """Replace these ports while the block runs. Without any, each bridge reads its settings again."""
    before = replace(StandIns(**{**vars(current()), **ports}))
    try:
        yield
    finally:
        replace(before)


@contextmanager
def _changed(changes: dict[str, str | None]) -> Iterator[None]:
    """Set these variables while the block runs, or unset them for None."""
    before = {name: os.environ.get(name) for name in changes}
    try:
        _put(changes)
        yield
    finally:
        _put(before)


def _put(values: dict[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
