"""Fits the delivered translations to a game: under the game's own names for its languages, and without offering new ones.

`game/translations/*.rpy` are ordinary translations of Ren'Py, under the names that Ren'Py itself gives languages. A game may
call German "de", and a game without German must not list it in its menu of languages (docs/contracts/renpy.md).
"""

from __future__ import annotations

from typing import Any

FOLDERS = ("sudomimus/translations/", "_renpy/game/translations/")
"""Where the files lie: as the installer, or pip, has put them into the game."""

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
    """The languages that Ren'Py knows before the strings are loaded: those with a folder or a block of their own."""
    return set(translator.languages)


def fit_translations(translator: Any, before: set[str | None], native: str | None) -> None:
    """At the end of the init phase. `native` is the language that the game itself is written in, if the game says so."""
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
    """The translations of one language that come from our files. A place is a file and a line."""
    return {
        old: strings.translations[old]
        for old, place in strings.translation_loc.items()
        if any(folder in str(place[0]).replace("\\", "/") for folder in FOLDERS)
    }


def _renpys_name(language: str) -> str | None:
    plain = language.lower().replace("-", "_").replace(" ", "_")
    return next((name for name, others in NAMES.items() if plain == name or plain in others.split()), None)
