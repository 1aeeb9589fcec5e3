"""The player's own browser, chosen as Python's `webbrowser` chooses and started as a game must start it.

`webbrowser.open` cannot be used as it is: it hands on the environment of Steam's runtime, in which browsers often fail
(steamworks/ABI, "The process"), and it waits, up to seconds, for some browsers. So its choice is taken, and the start is
ours. The URL has passed the gate before it comes here, and no shell ever sees it.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from .._runs.threads import in_thread
from .._values.clock import Clock
from .._values.sealed import sealed
from .._values.secret import Secret

T = TypeVar("T")

_log = logging.getLogger("sudomimus_bridge")

WATCH_SECONDS = 0.5
"""How long a start is watched for an early failure, such as a launcher that finds no browser."""

ANSWER_SECONDS = 10.0
"""How long the system may take to say which browsers there are, and to start one. Then the page is shown instead."""

_STEP_SECONDS = 0.05

# They would draw on the terminal that the game runs in; whoever wants one says so with BROWSER.
_TEXT_BROWSERS = {"www-browser", "lynx", "links", "elinks", "w3m", "browsh"}

_CREDENTIALS = (
    "SUDOMIMUS_ACCESS_KEY_SECRET",
    "SUDOMIMUS_ACCESS_TOKEN",
    "SUDOMIMUS_CLIENT_KEY",
    "SUDOMIMUS_EXPOSURE_KEY",
    "SUDOMIMUS_HIDDEN_KEY",
    "SUDOMIMUS_REFRESH_TOKEN",
)

_DROPPED = {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_LIBRARY_PATH_ORIG", "_MEIPASS2", *_CREDENTIALS}

_OF_PACKAGES = ("_PYI_", "NUITKA_ONEFILE_")
"""What the start programs of PyInstaller and Nuitka tell their own child process. The game, if a page starts it again, would
take itself for that child."""

_started: list[subprocess.Popen[bytes]] = []


class SystemBrowser:
    """The browser port on this machine's browser."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def open(self, page: Secret) -> bool:
        """Tries one browser after the other until one starts and does not fail at once."""
        for controller in await self._in_time(lambda: list(_controllers())) or ():
            if await self._start(controller, page):
                return True
        return False

    async def _in_time(self, ask: Callable[[], T]) -> T | None:
        """What the system says; None if it does not answer."""
        with self._clock.move_on_after(ANSWER_SECONDS):
            return await in_thread(ask)
        _log.warning("the system did not answer within %.0f seconds when it was asked for a browser", ANSWER_SECONDS)
        return None

    async def _start(self, controller: webbrowser.BaseBrowser, page: Secret) -> bool:
        template = _template(controller)
        if template is None:  # macOS and Windows: the system opens it, and there is no environment to clean
            return bool(await self._in_time(lambda: _ask_system(controller, page)))
        process = await self._in_time(lambda: _spawn(template, page))
        if process is None:
            return False
        for _ in range(round(WATCH_SECONDS / _STEP_SECONDS)):
            if (status := process.poll()) is not None:
                return status == 0
            await self._clock.sleep(_STEP_SECONDS)
        return True


def available_browser() -> str | None:
    """The name of the browser that would be started, for `doctor`; None where there is none."""
    for controller in _controllers():
        template = _template(controller)
        if template is None or shutil.which(template[0]):
            return str(getattr(controller, "name", None) or type(controller).__name__)
    return None


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for a browser: without the bridge's credentials, and without what Steam's runtime and the game's own
    package (PyInstaller, Nuitka, an AppImage) put into it, which would lead the browser to their libraries.
    """
    places = _unpacked_at(environ)
    cleaned = {}
    for name, value in environ.items():
        if (
            name not in _DROPPED
            and not name.startswith(_OF_PACKAGES)
            and (outside := _outside(places, value)) is not None
        ):
            cleaned[name] = outside
    # Steam's runtime keeps the system's value in the one, PyInstaller the value from before, Steam's perhaps, in the other.
    original = environ.get("SYSTEM_LD_LIBRARY_PATH", environ.get("LD_LIBRARY_PATH_ORIG"))
    if original and (outside := _outside(places, original)):
        cleaned["LD_LIBRARY_PATH"] = outside
    return cleaned


def _unpacked_at(environ: Mapping[str, str]) -> list[str]:
    """The folders of the game's own package, whose libraries and settings are for the game alone."""
    names = ("APPDIR", "_MEIPASS2", "_PYI_APPLICATION_HOME_DIR", "NUITKA_ONEFILE_DIRECTORY")
    places = [getattr(sys, "_MEIPASS", None), *map(environ.get, names)]
    return [place for place in places if place and os.path.isabs(place) and os.path.dirname(place) != place]  # noqa: PTH117, PTH120


def _outside(places: list[str], value: str) -> str | None:
    """The value without the entries that lie in one of these folders; None if there is no other entry."""
    entries = [value] if "://" in value else value.split(os.pathsep)
    kept = [entry for entry in entries if not any(_lies_in(entry, place) for place in places)]
    return os.pathsep.join(kept) if kept == entries or any(kept) else None


def _lies_in(entry: str, folder: str) -> bool:
    path = entry.removeprefix("file://")
    if not os.path.isabs(path):  # noqa: PTH117
        return False
    path, folder = (os.path.normcase(os.path.normpath(each)) for each in (path, folder))
    return path == folder or path.startswith(folder + os.sep)


def _controllers() -> Iterator[webbrowser.BaseBrowser]:
    """Python's choice: the entries of BROWSER in their order, then all that is registered for this system."""
    chosen = [entry for entry in os.environ.get("BROWSER", "").split(os.pathsep) if entry.strip()]
    _controller(None)  # has Python look for what there is, which fails by itself where BROWSER cannot be read
    for entry in chosen:
        if (controller := _controller(entry)) is not None:
            yield controller
    for entry in getattr(webbrowser, "_tryorder", None) or [None]:
        controller = None if entry in chosen else _controller(entry)
        if controller is not None and os.path.basename(getattr(controller, "name", "")) not in _TEXT_BROWSERS:  # noqa: PTH119
            yield controller


def _controller(entry: str | None) -> webbrowser.BaseBrowser | None:
    try:
        return webbrowser.get(entry)
    except (webbrowser.Error, ValueError, IndexError):  # the latter two for an entry of BROWSER that it cannot read
        return None


def _template(controller: webbrowser.BaseBrowser) -> list[str] | None:
    """The command line of a browser that is a program, with %s for the page; None for one that the system is asked for."""
    name = getattr(controller, "name", None)
    if sys.platform in ("win32", "darwin") and not isinstance(controller, webbrowser.GenericBrowser):
        return None
    if isinstance(controller, webbrowser.UnixBrowser):
        template = [argument.replace("%action", "") for argument in controller.remote_args]
    elif isinstance(controller, webbrowser.GenericBrowser):
        template = list(controller.args)
    else:
        template = ["%s"]
    if not name:
        return None
    return [str(name), *(argument for argument in template if argument)]


@sealed
def _spawn(template: list[str], page: Secret) -> subprocess.Popen[bytes] | None:
    _started[:] = [process for process in _started if process.poll() is None]  # reaps those that have ended
    try:
        process = subprocess.Popen(
            [template[0], *(argument.replace("%s", page.reveal()) for argument in template[1:])],
            env=clean_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the game's terminal is not for the browser
        )
    except (OSError, ValueError) as error:
        _log.info("browser %s did not start: %s", os.path.basename(template[0]), type(error).__name__)  # noqa: PTH119
        return None
    _started.append(process)
    return process


@sealed
def _ask_system(controller: webbrowser.BaseBrowser, page: Secret) -> bool:
    try:
        return bool(controller.open(page.reveal()))
    except (OSError, webbrowser.Error):
        return False
