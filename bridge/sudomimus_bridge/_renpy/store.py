"""What the store module `sudomimus` imports: its door, and its live names.

`status`, `error` and `player` are read from the door each time. So they are never in the store's dictionary, which Ren'Py
saves and rolls back: a rollback signs nobody out, and a save holds no claims of a player.
This module runs on Python 3.9 (see `support`).
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from .support import UnsupportedDoor, what_is_missing

LIVE = ("status", "error", "player")


def _open_door() -> Any:
    missing = what_is_missing(sys.modules.get("renpy"))
    if missing is None:
        try:
            from .door import the_door as door_of_process

            return door_of_process()
        except ImportError as error:  # this Ren'Py lacks a module of Python's standard library
            missing = f"A sign-in needs a Python module that cannot be imported: {error}."
    return UnsupportedDoor(missing)


_door = _open_door()


def the_door() -> Any:
    """The only door of this process: `door.Door`, or `support.UnsupportedDoor`."""
    return _door


def make_live(module: Any) -> None:
    """Give the store module its live names. A second call, as after a reload, changes nothing."""
    kind = type(module)
    if not hasattr(kind, "live_names"):
        # Ren'Py's store modules have a __setattr__ that writes into their dictionary.
        object.__setattr__(module, "__class__", type(kind.__name__, (_Live, kind), {}))


class _Live:
    live_names: ClassVar = LIVE

    status = property(lambda _: the_door().status)
    error = property(lambda _: _in_language_of_game(the_door().error, the_door().general_error))
    player = property(lambda _: the_door().player)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in LIVE:
            raise AttributeError(f"sudomimus.{name} cannot be set. It reports the state of the sign-in.")
        super().__setattr__(name, value)


def _in_language_of_game(sentence: str | None, general: str | None) -> str | None:
    """The sentence in the game's language; if there is no translation, the translated sentence of its group."""
    translate = getattr(sys.modules.get("renpy.translation"), "translate_string", None)
    if sentence is None or translate is None:
        return sentence
    for known in (sentence, general):
        translated = translate(known) if known else known
        if translated != known:
            return str(translated)
    return sentence


_rank = 0
_state: object = None


def focus_rank(state: object) -> int:
    """The `default_focus` of a screen in this state. It rises with each state, because only then does Ren'Py move the focus."""
    global _rank, _state
    if state != _state:
        _rank, _state = _rank + 1, state
    return _rank
