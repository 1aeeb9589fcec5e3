"""Whether Ren'Py runs Steam, asked without importing anything; and the port over it, built on the login's own thread."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from .._values.errors import SteamUnavailable

if TYPE_CHECKING:
    from .steam import RenpySteam


def hosting_achievement() -> Any:
    """Ren'Py's store module `achievement` where it has started Steam and has a binding of it, else None (renpy/FACTS)."""
    achievement = sys.modules.get("store.achievement")
    return achievement if in_use(achievement) else None


def in_use(achievement: Any) -> bool:
    """Whether Ren'Py runs Steam, in a way that others can use."""
    return getattr(achievement, "steam", None) is not None and getattr(achievement, "steamapi", None) is not None


class LateSteam:
    """The Steam port over Ren'Py's own Steam. Its imports take longer than a frame, so its first user's thread makes them."""

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
                "Steam is not running any more in this game. Restart the game from Steam, then try again."
            )
        return getattr(self._port, name)

    def listen_again(self) -> None:
        if self._port is not None:
            self._port.listen_again()

    def drop(self, seconds: float = 0.0) -> None:
        """A port that nobody used has nothing to let go of."""
        if self._port is not None:
            self._port.drop(seconds)
