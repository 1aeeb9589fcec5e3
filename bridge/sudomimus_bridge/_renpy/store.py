"""The store module `sudomimus` made live: `status`, `error` and `player` are looked up at the door each time.

So they are never in the store's dictionary, which Ren'Py saves and rolls back: a rollback does not sign anybody out, and
no save holds what a player shared.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from .door import the_door
from .pictures import plain_png

LIVE = ("status", "error", "player")


def make_live(module: Any) -> None:
    """Give the store module its live names. Twice, as after a reload, does no harm."""
    kind = type(module)
    if not hasattr(kind, "live_names"):
        # Ren'Py's store modules have a __setattr__ that writes into their dictionary.
        object.__setattr__(module, "__class__", type(kind.__name__, (_Live, kind), {}))


class _Live:
    live_names: ClassVar = LIVE

    status = property(lambda _: the_door().status)
    error = property(lambda _: the_door().error)
    player = property(lambda _: the_door().player)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in LIVE:
            raise AttributeError(f"sudomimus.{name} cannot be set: it says how the sign-in stands.")
        super().__setattr__(name, value)


class Thumbnails:
    """While a page's QR code may be on the screen, what Ren'Py keeps as the next save's thumbnail is an empty picture.

    In a thumbnail the code could still be scanned. Ren'Py takes one when the game menu or the quit dialogue opens, and at a
    save that has none yet.
    """

    def __init__(self) -> None:
        self._empty: bytes | None = None

    def look(self) -> None:
        """To be called some 20 times a second, on the main thread."""
        if (page := the_door().errand_url() is not None) or self._empty is not None:
            renpy: Any = sys.modules["renpy"]  # Ren'Py's own
            interface = renpy.game.interface
            if page and self._empty is None:
                self._empty = plain_png(renpy.config.thumbnail_width, renpy.config.thumbnail_height)
            if page:
                interface.screenshot = self._empty
            else:
                if interface.screenshot == self._empty:
                    interface.lose_screenshot()
                self._empty = None
