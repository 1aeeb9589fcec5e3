"""What the bridge reads from the game and its Ren'Py: the settings, and whether Ren'Py runs Steam. It imports no Ren'Py.

The Steam port over Ren'Py's own Steam is built on its first use, on the login's own thread.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._settings import TABLE, Settings, read_settings
from .._values.errors import ConfigurationError, SteamUnavailable

if TYPE_CHECKING:
    from .steam import RenpySteam


def hosting_achievement() -> Any:
    """Ren'Py's store module `achievement` if Ren'Py has started Steam, else None (docs/contracts/renpy.md, "Steam")."""
    achievement = sys.modules.get("store.achievement")
    return achievement if runs_steam(achievement) else None


def runs_steam(achievement: Any) -> bool:
    """Whether Ren'Py runs Steam and has the binding that the bridge can call."""
    return getattr(achievement, "steam", None) is not None and getattr(achievement, "steamapi", None) is not None


def settings_of_game(given: Mapping[str, Any], *, hosted: bool = False) -> Settings:
    """The settings of a game: the entries of `given` with a setting's name. The environment wins over them.

    Raises `ConfigurationError`, which names settings as a script writes them. If Ren'Py runs Steam (`hosted`), no app id
    is needed.
    """
    keywords = {setting.keyword for setting in TABLE}
    chosen = {name: value for name, value in given.items() if name in keywords and value is not None}
    settings = read_settings(chosen, environment_first=True, spelled=lambda setting: f"sudomimus.{setting.keyword}")
    if settings.application is None:
        raise ConfigurationError(
            "This game's sign-in is not set up: it has no application.",
            detail='Write  define sudomimus.application = "my-game"  into the script, with the application anchor of the game.',
        )
    if not hosted:
        try:
            settings.require_steam_app_id()
        except ConfigurationError:
            raise ConfigurationError(
                "This game's sign-in is not set up: it has no Steam app id.",
                detail="Write  define sudomimus.steam_app_id = 480  into the script, with the app id of the game, or set "
                "config.steam_appid.",
            ) from None
    return settings


class LateSteam:
    """Imports and builds `RenpySteam` on its first use, because the imports take longer than a frame of the main thread."""

    def __init__(self, achievement: Any) -> None:
        self._achievement = achievement
        self._port: RenpySteam | None = None
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        with self._lock:
            if self._port is None:
                from .steam import steam_port

                self._port = steam_port(self._achievement)
        if self._port is None:
            raise SteamUnavailable(
                "This game lost its connection to Steam. Restart the game from Steam, then try again.",
                reason="HostHasNotInitialised",
                detail="achievement.steam or achievement.steamapi is None now.",
            )
        return getattr(self._port, name)

    def listen_again(self) -> None:
        """Call `RenpySteam.listen_again`, or do nothing before the first use."""
        if self._port is not None:
            self._port.listen_again()

    def drop(self, seconds: float = 0.0) -> None:
        """Call `RenpySteam.drop`, or do nothing before the first use."""
        if self._port is not None:
            self._port.drop(seconds)
