"""The sentences that a player of a Ren'Py game reads if a sign-in fails, and the line for the game's makers in log.txt.

Each error has a sentence of its own, which the player reads in English. A game in another language needs a fixed set of
sentences to translate: those below, one for each group of errors. `game/sudomimus_sentences.rpy` lists them for Ren'Py.
This module runs on Python 3.9 (see `support`).
"""

from __future__ import annotations

from typing import Any

UNSUPPORTED = (
    "Signing in needs a version of this game for Windows, macOS or Linux that was made with Ren'Py 8.4 or later."
)
SIGN_IN_FIRST = "Sign in first: only a player who is signed in can share something."
POSTPONED = "You play offline for now. You will be signed in as soon as possible."
SIGNED_IN_LATER = "You are signed in to your account now."
BUG = "Something went wrong inside the sign-in. Please tell the game's makers."

_LIBRARY = "This game cannot use Steam's library: it is missing or damaged. Have Steam verify the game's files, then try again."
_SET_UP = "This game's sign-in is not set up correctly. Please tell the game's makers."
_BUSY = "This computer is too busy to sign you in. Close other programs, then try again."

BY_REASON = {
    "SteamNotRunning": "Steam is not running. Start Steam, sign in, then try again.",
    "LibraryNotFound": _LIBRARY,
    "LibraryNotLoaded": _LIBRARY,
    "NotASteamLibrary": _LIBRARY,
    "LibraryTooOld": _LIBRARY,
    "RenpySteamFailed": _SET_UP,
    "NoThreadsLeft": _BUSY,
    "NoFilesLeft": _BUSY,
    "AccountDisabled": "This Sudomimus account is disabled. Ask Sudomimus support.",
}
BY_KIND = {
    "configuration": _SET_UP,
    "steam-unavailable": "Steam did not confirm who you are. Check that Steam is online and signed in, then try again.",
    "denied": "This player may not sign in to this game. If that seems wrong, ask the game's makers.",
    "errand-not-completed": "The page in the browser was not finished. Start the sign-in again when you have time for it.",
    "service-unavailable": "The sign-in service cannot be reached right now. Check the internet connection, then try again.",
    "cancelled": "The sign-in was cancelled.",
}
ALL = sorted({*BY_REASON.values(), *BY_KIND.values(), UNSUPPORTED, SIGN_IN_FIRST, POSTPONED, SIGNED_IN_LATER, BUG})

_ONLY_FOR_MAKERS = {_LIBRARY, _SET_UP}
"""Groups whose errors' own sentences tell a developer what to correct, which no player can."""


def general_sentence(error: Any) -> str:
    """The sentence of the group that a `BridgeError` belongs to."""
    return BY_REASON.get(error.reason) or BY_KIND.get(error.kind) or BUG


def for_player(error: Any) -> str:
    """The sentence for the game's window, in English."""
    general = general_sentence(error)
    return general if general in _ONLY_FOR_MAKERS else str(error.sentence)


def for_makers(error: Any) -> str:
    """The line for log.txt: everything that is known. No error carries a secret."""
    known = ", ".join(word for word in (type(error).__name__, error.reason, error.detail) if word)
    return f"{error.sentence} ({known})"
