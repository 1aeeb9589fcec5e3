"""SteamworksPy as a host: the Steam port of a game whose `STEAMWORKS` object runs Steam, and its package's odd import.

The game initialises, calls `run_callbacks()` each frame and shuts down; the port only listens (`dispatch.HostDispatch`).
What belongs here is what is SteamworksPy's own: which `libsteam_api` its library has brought, and what to say when that
does not do. Nothing of the package, nor anything heavy, is imported before it is asked for.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .._values.errors import BridgeError, ConfigurationError, SteamUnavailable

if TYPE_CHECKING:
    import ctypes

    from .._values.secret import Secret
    from ._connection import FlatApiSteam

_PIP_LINE = "pip install 'sudomimus-bridge[steamworkspy]'"

_ALIAS = "steamworks"
_DISTRIBUTED_AS = "steamworkspy"


def import_steamworks(libraries: str | Path | None = None) -> Any:
    """The class `STEAMWORKS`, of the package as PyPI has it or of upstream's layout, whichever is installed.

    PyPI's `steamworkspy` imports itself as `steamworks.steamworks`, a name that installing it does not make. It is made
    here, so that `from steamworks.steamworks import STEAMWORKS` works everywhere afterwards. `libraries` is the folder of
    SteamworksPy's library and of Steam's, for a game that keeps them beside itself; else they are in the package's folder.

    Raises `ConfigurationError` where the package is missing, or the folder; `OSError` where Linux cannot load the
    `libsteam_api.so` that lies there.
    """
    upstream = _upstream()
    if upstream is not None:
        if libraries is not None:
            raise ConfigurationError(
                "The steamworks package that is installed chooses its folder by itself: it looks for SteamworksPy's library "
                "in the working directory, then beside itself. Put the libraries there, and name no folder."
            )
        return upstream.STEAMWORKS
    alias = sys.modules[_ALIAS] if f"{_ALIAS}.steamworks" in sys.modules else _alias()
    if libraries is not None:
        folder = Path(libraries).absolute()
        if not folder.is_dir():
            raise ConfigurationError(f"There is no folder {folder}, where SteamworksPy's library was said to be.")
        alias.__path__ = [str(folder), *alias.__path__]  # the package loads its library from the first
    _load_first(Path(alias.__path__[0]))
    return importlib.import_module(f"{_ALIAS}.steamworks").STEAMWORKS


def _upstream() -> ModuleType | None:
    """The package in upstream's layout; None for a folder that merely bears its name, such as the game's own."""
    try:
        module = importlib.import_module(_ALIAS)
    except ModuleNotFoundError as error:
        if error.name != _ALIAS:
            raise
        return None
    return module if hasattr(module, "STEAMWORKS") else None


def _alias() -> ModuleType:
    spec = importlib.util.find_spec(_DISTRIBUTED_AS)
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(f"The Python package steamworkspy is not installed. Install it: {_PIP_LINE}")
    alias = sys.modules[_ALIAS] = ModuleType(_ALIAS, "The package steamworkspy, by the name that it imports itself by.")
    alias.__path__ = list(spec.submodule_search_locations)
    return alias


def _load_first(folder: Path) -> None:
    """On Linux SteamworksPy.so asks for libsteam_api.so by its bare name, which is found where it is loaded already."""
    if sys.platform.startswith("linux") and (library := folder / "libsteam_api.so").is_file():
        import ctypes

        ctypes.CDLL(str(library))


class SteamworksPySteam:
    """The Steam port beside a game's `STEAMWORKS` object: `Bridge(steam=SteamworksPySteam(steamworks))`.

    It may be made before `initialize()`; a new object after `unload()` needs a new port. A login waits for the game's own
    `run_callbacks()`, so start it with `start_login()`: a blocking `login()` on the thread that pumps waits for itself.
    """

    def __init__(self, steamworks: Any) -> None:
        """Raises `ConfigurationError` for anything but a `STEAMWORKS` object."""
        if not callable(getattr(steamworks, "run_callbacks", None)) or not hasattr(steamworks, "_cdll"):
            raise ConfigurationError(
                "SteamworksPySteam takes the game's STEAMWORKS object, and was given something else."
            )
        self._steamworks = steamworks
        self._steam: FlatApiSteam | None = None
        self._lock = threading.Lock()

    async def open(self) -> int:
        """Raises `SteamUnavailable` where the game has not initialised, or its library is too old."""
        layer = self._steamworks._cdll
        if not self._steamworks.loaded():
            raise _not_initialised()
        try:
            return await self._connected(layer).open()
        except SteamUnavailable as error:
            raise _in_its_words(error, layer) from None

    async def get_auth_ticket_for_web_api(self, identity: str) -> int:
        return await self._opened().get_auth_ticket_for_web_api(identity)

    async def ticket_response(self, handle: int) -> Secret:
        return await self._opened().ticket_response(handle)

    async def cancel_auth_ticket(self, handle: int) -> None:
        await self._opened().cancel_auth_ticket(handle)

    async def activate_game_overlay_to_web_page(self, page: Secret) -> bool:
        return await self._opened().activate_game_overlay_to_web_page(page)

    async def aclose(self) -> None:
        """The callback objects are taken back, and the game's Steam stays as it is."""
        if self._steam is not None:
            await self._steam.aclose()

    def drop(self, seconds: float = 0.0) -> None:
        if self._steam is not None:
            self._steam.drop(seconds)

    def _connected(self, layer: ctypes.CDLL) -> FlatApiSteam:
        """The one port below this one, whichever of several logins comes first."""
        from .._values.clock import SystemClock
        from ._connection import FlatApiSteam

        with self._lock:
            if self._steam is None:
                self._steam = FlatApiSteam(_library_below(layer), _none_is_set, SystemClock(), hosted=True)
            return self._steam

    def _opened(self) -> FlatApiSteam:
        if self._steam is None:
            raise BridgeError("Steam was asked for a ticket before it was opened.")
        return self._steam


def _none_is_set() -> int:
    raise ConfigurationError("The game's STEAMWORKS object says which app this is.")


def _library_below(layer: ctypes.CDLL) -> Path | None:
    """The `libsteam_api` that SteamworksPy's library is linked with; None where only its name can find it.

    `dlsym` on a library looks into those that it was linked with too, and `dladdr` says where the find lies. On Windows
    a process finds a module by its name, which is how SteamworksPy's own imports were bound.
    """
    if sys.platform == "win32":
        return None
    import ctypes

    class Found(ctypes.Structure):  # dlfcn.h, Dl_info
        _fields_ = (
            ("file", ctypes.c_char_p),
            ("base", ctypes.c_void_p),
            ("symbol", ctypes.c_char_p),
            ("address", ctypes.c_void_p),
        )

    found = Found()
    try:
        address = ctypes.cast(layer["SteamAPI_GetHSteamPipe"], ctypes.c_void_p)
    except AttributeError:
        return None
    if not ctypes.CDLL(None).dladdr(address, ctypes.byref(found)):
        return None
    path = Path(os.fsdecode(found.file or b""))
    return path if path.is_file() else None


def _not_initialised() -> SteamUnavailable:
    return SteamUnavailable(
        "The game has not started Steam: initialize() of its STEAMWORKS object was not called before the login, or has "
        "failed. Start Steam, then start the game again.",
        reason="HostHasNotInitialised",
    )


def _in_its_words(error: SteamUnavailable, layer: ctypes.CDLL) -> SteamUnavailable:
    """What the connection says of any host, as it is with SteamworksPy."""
    if error.reason == "HostHasNotInitialised":
        return _not_initialised()
    if error.reason != "LibraryTooOld":
        return error
    from ._library import find_library

    library, name = find_library(_library_below(layer)), Path(layer._name).name
    return SteamUnavailable(
        f"{library} is too old to sign in with: put {library.name} of Steamworks SDK 1.57 in its place, of exactly that "
        f"one, since {name} calls the SteamAPI_Init that later SDKs lack, or rebuild {name} with a later one.",
        reason="LibraryTooOld",
        detail=error.detail,
    )
