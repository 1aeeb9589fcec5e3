"""The sentences that a player of a Ren'Py game reads, and their translations.

Each error has a sentence of its own, which the player reads in English. A game in another language needs a fixed set of
sentences to translate: those below, for frequent errors and for each group of errors. `game/sudomimus_sentences.rpy` lists
them for Ren'Py.

`game/translations/*.rpy` are ordinary translations of Ren'Py, under Ren'Py's own names of the languages. But a game may call
German "de", and a game without German must not list German in its menu of languages (docs/contracts/renpy.md). So
`fit_translations` gives the texts to the game's languages under the game's names, and adds no language.

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

LIBRARY = (
    "A file that connects this game to Steam is missing or damaged. Have Steam verify the game's files, then try again."
)
OWN = (
    LIBRARY,
    "Steam is not running. Start Steam, sign in, then try again.",
    "This computer is too busy to sign you in. Close other programs, then try again.",
    "This Sudomimus account is disabled. Ask Sudomimus support.",
)
"""Sentences of frequent errors. They are translated themselves, so such an error needs no sentence of its group."""

SET_UP = "This game's sign-in is not set up correctly. Please tell the game's makers."
BY_KIND = {
    "configuration": SET_UP,
    "steam-unavailable": "Steam did not confirm who you are. Check that Steam is online and signed in, then try again.",
    "denied": "This player may not sign in to this game. If that seems wrong, ask the game's makers.",
    "errand-not-completed": "The page in the browser was not finished. Start the sign-in again when you have time for it.",
    "service-unavailable": "The sign-in service cannot be reached right now. Check the internet connection, then try again.",
    "cancelled": "The sign-in was cancelled.",
}
ALL = sorted({*OWN, *BY_KIND.values(), UNSUPPORTED, SIGN_IN_FIRST, POSTPONED, SIGNED_IN_LATER, BUG})


def general_sentence(error: Any) -> str:
    """The sentence for the group of a `BridgeError`."""
    if error.reason == "RenpySteamFailed":
        return SET_UP
    return BY_KIND.get(error.kind, BUG)


def for_player(error: Any) -> str:
    """The sentence for the game's window, in English. A player cannot correct the settings, so it does not name them."""
    general = general_sentence(error)
    return general if general == SET_UP else str(error.sentence)


def for_makers(error: Any) -> str:
    """The line for log.txt, with sentence, class, reason and detail. No error contains a secret."""
    known = ", ".join(word for word in (type(error).__name__, error.reason, error.detail) if word)
    return f"{error.sentence} ({known})"


FOLDERS = ("sudomimus/translations/", "_renpy/game/translations/")
"""The folders of the translations, from the installer and from pip."""

NAMES = {
    "french": "fr fr_fr francais français",
    "german": "de de_de deutsch",
    "japanese": "ja ja_jp jp jpn nihongo",
    "portuguese": "pt pt_br ptbr br brazilian brazilian_portuguese portuguese_brazil portuguese_br portugues português",
    "russian": "ru ru_ru",
    "simplified_chinese": "zh zh_cn zh_hans zh_sg cn chinese schinese chinese_simplified simplified",
    "spanish": "es es_es es_419 es_mx espanol español latam",
}
"""Ren'Py's name of each delivered language, and other names that games give it."""


def languages_of_game(translator: Any) -> set[str | None]:
    """The languages that Ren'Py knows before it loads the strings: those for which the game has a folder or a block."""
    return set(translator.languages)


def fit_translations(translator: Any, before: set[str | None], native: str | None) -> None:
    """Fit the translations to the game, at the end of the init phase. `native` is the game's own language, if it is set."""
    delivered = {name: _delivered(translator.strings[name]) for name in NAMES}
    for name, strings in delivered.items():
        of_game = set(translator.strings[name].translations) - strings.keys()
        if name not in before and not of_game:
            translator.languages.discard(name)
    wanted: dict[str | None, str | None] = {
        each: _renpys_name(each) for each in translator.languages if each is not None
    }
    if native is not None:
        wanted[None] = _renpys_name(native)
    for language, source in wanted.items():
        if source is not None and source != language:
            translations = translator.strings[language].translations
            for old, new in delivered[source].items():
                translations.setdefault(old, new)


def _delivered(strings: Any) -> dict[str, str]:
    """The translations of one language that come from the bridge's files. A place is a file and a line."""
    return {
        old: strings.translations[old]
        for old, place in strings.translation_loc.items()
        if any(folder in str(place[0]).replace("\\", "/") for folder in FOLDERS)
    }


def _renpys_name(language: str) -> str | None:
    plain = language.lower().replace("-", "_").replace(" ", "_")
    return next((name for name, others in NAMES.items() if plain == name or plain in others.split()), None)
