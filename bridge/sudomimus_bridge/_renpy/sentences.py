"""What a player of a Ren'Py game reads when a sign-in fails, and what the game's makers find in Ren'Py's log.txt.

Most errors' sentences are for players already. A few tell a developer which flag, variable or file to correct: of no use in
a game's window, which has no flags, and whose player made none of it.
"""

from __future__ import annotations

import re

from .._values.errors import BridgeError

_LIBRARY = "This game cannot use Steam's library: it is missing or damaged. Have Steam verify the game's files, then try again."
_SET_UP = "This game's sign-in is not set up correctly. Its makers find in the game's log.txt what to correct."

_SENTENCES = {
    "LibraryNotFound": _LIBRARY,
    "LibraryNotLoaded": _LIBRARY,
    "NotASteamLibrary": _LIBRARY,
    "LibraryTooOld": _LIBRARY,
    "RenpySteamFailed": _SET_UP,
}
_NAMES_A_SETTING = re.compile(r"--[a-z]|\bSUDOMIMUS_[A-Z]")


def for_player(error: BridgeError) -> str:
    """The sentence for the game's window."""
    if (sentence := _SENTENCES.get(error.reason or "")) is not None:
        return sentence
    return _SET_UP if _NAMES_A_SETTING.search(error.sentence) else error.sentence


def for_makers(error: BridgeError) -> str:
    """The line for the log: all that is known, and no secret, for errors carry none."""
    known = ", ".join(word for word in (type(error).__name__, error.reason, error.detail) if word)
    return f"{error.sentence} ({known})"
