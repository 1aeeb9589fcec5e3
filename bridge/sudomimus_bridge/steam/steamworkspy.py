"""The Steam port for a game that uses SteamworksPy, and the import of that package.

The game initialises Steam, calls `run_callbacks()` each frame and shuts Steam down; the port only listens. This module finds
the `libsteam_api` that SteamworksPy's library has loaded. It imports neither the package nor anything heavy before a caller
needs it. See docs/contracts/steam.md, "SteamworksPy".
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

from .._values.errors import ConfigurationError, SteamUnavailable

if TYPE_CHECKING:
    import ctypes

    from .._values.secret import Secret
    from ._connection import FlatApiSteam

_PIP_LINE = "pip install 'sudomimus-bridge[steamworkspy]'"

_ALIAS = "steamworks"
_DISTRIBUTED_AS = "steamworkspy"


def import_steamworks(libraries: str | Path | None = None) -> Any:
    """Return the class `STEAMWORKS` of the installed package, PyPI's or upstream's.

    PyPI's `steamworkspy` imports itself as `steamworks.steamworks`, but its installation does not create this name. This function
    creates the name, and `from steamworks.steamworks import STEAMWORKS` works afterwards.

    Args:
        libraries: The folder with the libraries of SteamworksPy and Steam, if the game keeps them outside the package.

    Returns:
        The class.

    Raises:
        ConfigurationError: The package or the folder is missing.
        OSError: Linux cannot load the folder's `libsteam_api.so`.
    """
    upstream = _upstream()
    if upstream is not None:
        if libraries is not None:
            raise ConfigurationError(
                detail="The installed package steamworks takes no folder: it looks for SteamworksPy's library in the working "
                "directory and beside itself. Put the libraries there and call import_steamworks() without a folder.",
            )
        return upstream.STEAMWORKS
    alias = sys.modules[_ALIAS] if f"{_ALIAS}.steamworks" in sys.modules else _alias()
    if libraries is not None:
        folder = Path(libraries).absolute()
        if not folder.is_dir():
            raise ConfigurationError(
                detail=f"There is no folder {folder}. Pass import_steamworks() the folder of SteamworksPy's library.",
            )
        alias.__path__ = [str(folder), *alias.__path__]  # the package loads its library from the first folder
    _load_first(Path(alias.__path__[0]))
    return importlib.import_module(f"{_ALIAS}.steamworks").STEAMWORKS


def _upstream() -> ModuleType | None:
    """Return the package in upstream's layout, or None. A folder of the game may have the same name."""
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
        raise ConfigurationError(
            detail=f"The Python package steamworkspy is not installed. Install it: {_PIP_LINE}.",
        )
    alias = sys.modules[_ALIAS] = ModuleType(
        _ALIAS, "The package steamworkspy, under the name by which it imports itself."
    )
    alias.__path__ = list(spec.submodule_search_locations)
    return alias


def _load_first(folder: Path) -> None:
    """On Linux, load libsteam_api.so first. SteamworksPy.so needs it by its bare name, and then the loader finds it."""
    if sys.platform.startswith("linux") and (library := folder / "libsteam_api.so").is_file():
        import ctypes

        ctypes.CDLL(str(library))


class SteamworksPySteam:
    """The Steam port for a game's `STEAMWORKS` object: `Bridge(steam=SteamworksPySteam(steamworks))`.

    Create it before or after `initialize()`. After `unload()`, a new `STEAMWORKS` object needs a new port. A login waits for the
    game's `run_callbacks()`, so start it with `start_login()`. A blocking `login()` on the thread that pumps gets no callback,
    and fails after 20 seconds.
    """

    def __init__(self, steamworks: Any) -> None:
        """Keep the game's object. The game may initialise Steam later.

        Args:
            steamworks: The game's `STEAMWORKS` object.

        Raises:
            ConfigurationError: The argument is not a `STEAMWORKS` object.
        """
        if not callable(getattr(steamworks, "run_callbacks", None)) or not hasattr(steamworks, "_cdll"):
            raise ConfigurationError(
                detail="The argument of SteamworksPySteam is not the game's STEAMWORKS object. Pass that object.",
            )
        self._steamworks = steamworks
        self._steam: FlatApiSteam | None = None
        self._lock = threading.Lock()

    async def open(self) -> int:
        """Open Steam and return the app id that the game runs as.

        Returns:
            The app id.

        Raises:
            SteamUnavailable: The game has not initialised Steam, or its library is too old.
        """
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
        """Unregister the callback objects. The game's Steam keeps running."""
        if self._steam is not None:
            await self._steam.aclose()

    def drop(self, seconds: float = 0.0) -> None:
        if self._steam is not None:
            self._steam.drop(seconds)

    def _connected(self, layer: ctypes.CDLL) -> FlatApiSteam:
        """Return the port on the library that SteamworksPy uses. All logins share it."""
        from .._values.clock import SystemClock
        from ._connection import FlatApiSteam

        with self._lock:
            if self._steam is None:
                self._steam = FlatApiSteam(_library_below(layer), _none_is_set, SystemClock(), hosted=True)
            return self._steam

    def _opened(self) -> FlatApiSteam:
        if self._steam is None:
            from ._results import not_opened

            raise not_opened()
        return self._steam


def _none_is_set() -> int:
    raise ConfigurationError(
        detail="The app id comes from the game's STEAMWORKS object, and Steam has none. Initialise Steam first.",
    )


def _library_below(layer: ctypes.CDLL) -> Path | None:
    """Return the path of the `libsteam_api` that SteamworksPy's library uses, or None if only its name is known.

    `dlsym` also searches the libraries that a library is linked with, and `dladdr` names the file of a symbol. On Windows, a
    process finds a loaded module by its name, as the loader has done for SteamworksPy.
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
    ctypes.CDLL(None).dladdr(address, ctypes.byref(found))
    path = Path(os.fsdecode(found.file or b""))  # dladdr sets no file if it does not know the address
    return path if path.is_file() else None


def _not_initialised() -> SteamUnavailable:
    return SteamUnavailable(
        "The game is not connected to Steam. Start Steam, then start the game again.",
        reason="HostHasNotInitialised",
        detail="initialize() of the game's STEAMWORKS object was not called before the login, or it failed. Call it first.",
    )


def _in_its_words(error: SteamUnavailable, layer: ctypes.CDLL) -> SteamUnavailable:
    """Return an error of the connection with a detail that fits SteamworksPy."""
    if error.reason == "HostHasNotInitialised":
        return _not_initialised()
    if error.reason != "LibraryTooOld":
        return error
    from ._library import find_library

    library, name = find_library(_library_below(layer)), Path(layer._name).name
    return SteamUnavailable(
        error.sentence,
        reason="LibraryTooOld",
        detail=f"{library} is too old for web API tickets. Replace it with {library.name} of Steamworks SDK 1.57, exactly: "
        f"{name} calls SteamAPI_Init, which later SDKs lack. Or rebuild {name} with a later SDK.",
    )
