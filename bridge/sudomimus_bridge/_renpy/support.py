"""Whether this Ren'Py can sign a player in, and the door of a game on one that cannot.

A game imports this module first, on any Python that its Ren'Py may have: the module runs on Python 3.9, on the Web and on
phones (docs/contracts/renpy.md, "Which Ren'Py"). The game also starts and runs there, and the player plays offline.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

from .texts import UNSUPPORTED

_MODULES = ("_ctypes", "_socket", "_ssl", "asyncio", "ctypes", "select", "socket", "ssl", "threading")
_OTHER_PLATFORMS = ("emscripten", "android", "ios")


def what_is_missing(renpy: Any) -> str | None:
    """A sentence for log.txt about what this Ren'Py lacks for a sign-in; None if it lacks nothing."""
    for platform in _OTHER_PLATFORMS:
        if getattr(renpy, platform, False):
            return f"A sign-in needs Windows, macOS or Linux; this is {platform}."
    version = tuple(sys.version_info)
    if version < (3, 11):
        return (
            "A sign-in needs Python 3.11 or later, which Ren'Py carries from 8.4 on; this Ren'Py carries "
            f"{version[0]}.{version[1]}."
        )
    if missing := [name for name in _MODULES if not _is_there(name)]:
        return f"A sign-in needs Python modules that this Ren'Py does not carry: {', '.join(missing)}."
    return None


def _is_there(name: str) -> bool:
    try:
        return name in sys.modules or find_spec(name) is not None
    except ImportError:
        return False


class UnsupportedDoor:
    """Replaces `door.Door`: nobody is signed in, and `error` says what the player needs."""

    supported = False
    prepared = True
    status = "failed"
    error = general_error = UNSUPPORTED
    player = None
    shared = False
    busy = False
    browser_opened = False
    address_copied = False
    qr_code = None
    qr_pixels = 0
    log: Callable[[str], None] = print

    def __init__(self, missing: str) -> None:
        self.missing = missing

    def prepare(self, _given: Mapping[str, Any]) -> None:
        """Do nothing."""

    def login(self, _given: Mapping[str, Any]) -> None:
        """Do nothing: `error` says why."""

    def play_offline(self, _given: Mapping[str, Any]) -> None:
        """Do nothing."""

    def share(self) -> None:
        """Do nothing."""

    def done(self) -> None:
        """Do nothing."""

    def cancel(self) -> None:
        """Do nothing."""

    def logout(self) -> None:
        """Do nothing."""

    def copied(self) -> None:
        """Do nothing."""

    def errand_url(self) -> None:
        """There is never a page."""

    def access_token(self) -> None:
        """There is never a token."""

    def seconds_left(self) -> None:
        """There is never a page."""

    def take_notice(self) -> None:
        """There is never a notice."""

    def tick(self) -> bool:
        """Nothing ever changes."""
        return False
