"""The browser port, and the player's own browser. Python's `webbrowser` chooses it; the bridge starts it as a game must.

`webbrowser.open` passes on the environment of Steam's runtime, in which browsers often fail (docs/contracts/steam.md, "The
process around it"), and waits seconds for some browsers. So this module takes `webbrowser`'s choice and starts the
browser itself. The URL has passed the gate, and no shell receives it.
"""

from __future__ import annotations

import logging
import os
import shutil
import subprocess
import sys
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol, TypeVar

from .._runs.threads import in_thread
from .._values.clock import Clock
from .._values.secret import Secret, sealed


class Browser(Protocol):
    """Something that shows pages to the player."""

    async def open(self, page: Secret) -> bool:
        """Open the page, without waiting for the player. False if it could not be opened. Never raises."""
        ...


T = TypeVar("T")

_log = logging.getLogger("sudomimus_bridge")

WATCH_SECONDS = 0.5
"""How long the start is watched: a launcher that finds no browser fails early."""

ANSWER_SECONDS = 10.0
"""The longest time for finding the browsers, and for starting one. After it, the player is shown the address."""

_STEP_SECONDS = 0.05

# These browsers would draw on the game's terminal. A player who wants one sets BROWSER.
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
"""Variables by which the start programs of PyInstaller and Nuitka talk to their child process. If a page starts the game
again, the new game must not find them: it would behave as that child."""

_started: list[subprocess.Popen[bytes]] = []


class SystemBrowser:
    """Opens pages in the browser of this machine."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def open(self, page: Secret) -> bool:
        """Start the first browser that can be started."""
        for controller in await self._in_time(lambda: list(_controllers())) or ():
            if await self._start(controller, page):
                return True
        return False

    async def _in_time(self, ask: Callable[[], T]) -> T | None:
        """Run `ask` on a thread and return its result; None if it takes too long."""
        with self._clock.move_on_after(ANSWER_SECONDS):
            return await in_thread(ask)
        _log.warning("the system found no browser within %.0f seconds", ANSWER_SECONDS)
        return None

    async def _start(self, controller: webbrowser.BaseBrowser, page: Secret) -> bool:
        template = _template(controller)
        if template is None:  # macOS and Windows: the system opens the page, with an environment of its own
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
    """Return the name of the browser that would be started, for `doctor`; None if there is none."""
    for controller in _controllers():
        template = _template(controller)
        if template is None or shutil.which(template[0]):
            return str(getattr(controller, "name", None) or type(controller).__name__)
    return None


def clean_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a browser.

    It has none of the bridge's credentials, and no entries of Steam's runtime or of the game's package (PyInstaller, Nuitka, an
    AppImage): with those, the browser would load the wrong libraries.
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
    # Steam's runtime keeps the system's value in SYSTEM_…, and PyInstaller keeps it in …_ORIG.
    original = environ.get("SYSTEM_LD_LIBRARY_PATH", environ.get("LD_LIBRARY_PATH_ORIG"))
    if original and (outside := _outside(places, original)):
        cleaned["LD_LIBRARY_PATH"] = outside
    return cleaned


def _unpacked_at(environ: Mapping[str, str]) -> list[str]:
    """Return the folders of the game's package. Its libraries and settings are for the game only."""
    names = ("APPDIR", "_MEIPASS2", "_PYI_APPLICATION_HOME_DIR", "NUITKA_ONEFILE_DIRECTORY")
    places = [getattr(sys, "_MEIPASS", None), *map(environ.get, names)]
    return [place for place in places if place and os.path.isabs(place) and os.path.dirname(place) != place]  # noqa: PTH117, PTH120


def _outside(places: list[str], value: str) -> str | None:
    """Return the value without the entries in these folders; None if no entry is left."""
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
    """Yield Python's choice: the entries of BROWSER in their order, then the browsers registered for this system."""
    chosen = [entry for entry in os.environ.get("BROWSER", "").split(os.pathsep) if entry.strip()]
    _controller(None)  # makes Python look for browsers, even if it cannot parse BROWSER
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
    except (webbrowser.Error, ValueError, IndexError):  # the last two: it cannot parse an entry of BROWSER
        return None


def _template(controller: webbrowser.BaseBrowser) -> list[str] | None:
    """Return the command line of a browser, with %s for the page; None if the system opens the page."""
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
    _started[:] = [process for process in _started if process.poll() is None]  # `poll` reaps a browser that has ended
    try:
        process = subprocess.Popen(
            [template[0], *(argument.replace("%s", page.reveal()) for argument in template[1:])],
            env=clean_environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in the game's terminal must not end the browser
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
