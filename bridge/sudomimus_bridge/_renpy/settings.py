"""The settings of a Ren'Py game: what its script defines in the store module `sudomimus`, below the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._settings import TABLE, Settings, read_settings
from .._values.errors import ConfigurationError


def settings_of_game(given: Mapping[str, Any], *, hosted: bool = False) -> Settings:
    """The settings, the environment's before the game's own; of `given`, what bears a setting's name is one.

    Raises `ConfigurationError` in the words of a Ren'Py script. Where Ren'Py runs Steam (`hosted`), Steam knows the app id.
    """
    keywords = {setting.keyword for setting in TABLE}
    chosen = {name: value for name, value in given.items() if name in keywords and value is not None}
    settings = read_settings(chosen, environment_first=True, spelled=lambda setting: f"sudomimus.{setting.keyword}")
    if settings.application is None:
        raise ConfigurationError(
            'No application is set: write  define sudomimus.application = "my-game"  into your script, with your game\'s '
            "application anchor."
        )
    if not hosted:
        try:
            settings.require_steam_app_id()
        except ConfigurationError:
            raise ConfigurationError(
                "No Steam app id is set: write  define sudomimus.steam_app_id = 480  into your script, with your game's "
                "own, or set config.steam_appid."
            ) from None
    return settings
