"""Specifies how the delivered translations fit a game: under the game's names for its languages, without new languages."""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sudomimus_bridge._renpy.store import _in_language_of_game, focus_rank
from sudomimus_bridge._renpy.texts import FOLDERS, NAMES, OWN, fit_translations, languages_of_game
from sudomimus_bridge._runs.threads import exhausted
from sudomimus_bridge._values.errors import SteamUnavailable
from sudomimus_bridge.steam._library import find_library
from sudomimus_bridge.steam._results import init_error

from ..helpers.service_helpers import ran, refused

DONE = "I'm done{#sudomimus}"


class Translator:
    """As much of Ren'Py's `renpy.game.script.translator` as the bridge uses."""

    def __init__(self, *of_game: str) -> None:
        self.languages: set[str | None] = {None, *of_game}
        self.strings: Any = defaultdict(lambda: SimpleNamespace(translations={}, translation_loc={}))

    def add(self, language: str, old: str, new: str, file: str) -> None:
        self.languages.add(language)
        self.strings[language].translations[old] = new
        self.strings[language].translation_loc[old] = (file, 1)

    def deliver(self, folder: str) -> None:
        for name in NAMES:
            self.add(name, DONE, f"done in {name}", f"game/{folder}{name}.rpy")

    def says(self, language: str | None) -> str | None:
        return self.strings[language].translations.get(DONE)  # type: ignore[no-any-return]


@pytest.mark.parametrize("folder", [*FOLDERS, FOLDERS[0].replace("/", "\\")])
def test_game_without_languages_is_not_offered_any(folder: str) -> None:
    translator = Translator()
    before = languages_of_game(translator)
    translator.deliver(folder)
    fit_translations(translator, before, None)
    assert translator.languages == {None}
    assert translator.says(None) is None


def test_languages_of_the_game_stay_and_get_the_texts_under_its_own_names() -> None:
    translator = Translator("de", "pt-BR", "Schinese", "klingon")
    before = languages_of_game(translator)
    translator.deliver(FOLDERS[0])
    translator.add("french", "Load", "Charger", "game/tl/french/screens.rpy")
    translator.add("de", DONE, "Fertig!", "game/tl/de/own.rpy")
    fit_translations(translator, before, None)
    assert translator.languages == {None, "de", "pt-BR", "Schinese", "klingon", "french"}
    assert [translator.says(name) for name in ("de", "pt-BR", "Schinese", "french", "klingon")] == [
        "Fertig!",
        "done in portuguese",
        "done in simplified_chinese",
        "done in french",
        None,
    ]


@pytest.mark.parametrize(("native", "expected"), [("german", "german"), ("ja", "japanese"), ("klingon", None)])
def test_game_may_be_written_in_a_delivered_language(native: str, expected: str | None) -> None:
    translator = Translator()
    before = languages_of_game(translator)
    translator.deliver(FOLDERS[0])
    fit_translations(translator, before, native)
    assert translator.says(None) == (expected and f"done in {expected}")


def test_translated_sentences_of_frequent_errors_are_those_of_the_errors() -> None:
    with pytest.raises(SteamUnavailable) as missing:
        find_library(Path("/nowhere/at/all"))
    errors = [
        missing.value,
        init_error(2, "", running=False),
        exhausted("", ""),
        ran("steam", [refused(403, "AccountDisabled")]).error,
    ]
    assert {error.sentence for error in errors} == set(OWN)


def test_error_without_a_translation_is_replaced_by_the_sentence_of_its_group(monkeypatch: pytest.MonkeyPatch) -> None:
    german = {"Steam is closed.": "Steam ist zu.", "Steam gave nothing.": "Steam gab nichts."}
    module = SimpleNamespace(translate_string=lambda text: german.get(text, text))
    monkeypatch.setitem(sys.modules, "renpy.translation", module)
    assert _in_language_of_game("Steam is closed.", "Steam gave nothing.") == "Steam ist zu."
    assert _in_language_of_game("EResult 21.", "Steam gave nothing.") == "Steam gab nichts."
    assert _in_language_of_game("EResult 21.", "Also unknown.") == "EResult 21."
    assert _in_language_of_game(None, None) is None


def test_focus_rank_rises_with_each_screen_and_only_then() -> None:
    ranks = [focus_rank(state) for state in ("page", "page", "question", "page")]
    assert ranks[0] == ranks[1] < ranks[2] < ranks[3]
