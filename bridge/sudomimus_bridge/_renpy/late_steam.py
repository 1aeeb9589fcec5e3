"""The Steam port over Ren'Py's own Steam, built on the login's own thread."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from .._values.errors import SteamUnavailable

if TYPE_CHECKING:
    from .steam import RenpySteam


class LateSteam:
    """Imports and builds `RenpySteam` on its first use: the imports take longer than a frame, and the main thread draws."""

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
        """As `RenpySteam.listen_again`; does nothing before the first use."""
        if self._port is not None:
            self._port.listen_again()

    def drop(self, seconds: float = 0.0) -> None:
        """As `RenpySteam.drop`; does nothing before the first use."""
        if self._port is not None:
            self._port.drop(seconds)
