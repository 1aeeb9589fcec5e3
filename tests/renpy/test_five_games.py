"""Specifies five different games, and each delivered language, in real Ren'Pys: install, lint, play and distribute.

SUDOMIMUS_TEST_SCREENSHOTS names a folder for pictures of the screens.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge._renpy import texts
from sudomimus_bridge._renpy.installer import install
from sudomimus_bridge._renpy.texts import ALL, UNSUPPORTED
from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from ..helpers.renpy_helpers import Project, renpy
from .games import GAMES, OLDER_CERTIFI, READS, write_game
from .test_game import NewProject, display, nothing_open, program, project

pytestmark = pytest.mark.once

__all__ = ["display", "program", "project"]  # fixtures

_ENGLISH = {
    "busy": "Signing in",
    "page": "Finish in your browser",
    "signed in": "You are signed in",
    "continue": "Continue",
    "done": "I'm done",
    "again": "Try again",
    "failed": "sign-in service",
}


def reads(name: str) -> dict[str, str]:
    return READS.get(name, _ENGLISH)


@pytest.mark.parametrize("name", GAMES)
def test_game_is_linted_and_played(
    project: NewProject, program: list[str], emulator: Emulator, stub_log: StubLog, tmp_path: Path, name: str
) -> None:
    write_game(name, tmp_path / "source", Path(program[-1]).parent)
    game = project(
        tmp_path / "source",
        STEAM_STUB_TICKET_DELAY_MS="1",
        SUDOMIMUS_TEST_GAME=name,
        SUDOMIMUS_TEST_READS=json.dumps(reads(name)),
    )
    said = game.lint()
    assert ".rpy:" not in re.sub(r"renpy/common/\S+", "", said), said
    assert "init priority" not in said

    told = play_refused_at_first(game, emulator)
    assert told["failed"]["focused"] == reads(name)["again"]
    assert told["failed"]["selected"] is False
    assert told["page"]["focused"] == told["share"]["focused"] == reads(name)["done"]
    assert told["beside"]["focused"] not in (None, reads(name)["done"])
    assert told["signed in"]["focused"] == reads(name)["continue"]
    assert told["page"]["outside"] == told["signed in"]["outside"] == []
    assert "DejaVuSans.ttf" in told["page"]["fonts"]
    small = 30 if name == "styles" else round(0.77 * told["page"]["text"])  # one game has its own size of a hint
    assert {small, round(0.77 * told["page"]["button"])} <= set(told["page"]["sizes"])
    assert told["player"]["name"] == "Robin"
    assert told["player"]["languages"] == (["arabic"] if name == "arabic" else [])
    if name == "packages":
        assert told["player"]["versions"]["certifi"] == OLDER_CERTIFI
    nothing_open(stub_log)


def play_refused_at_first(game: Project, emulator: Emulator) -> dict[str, dict[str, Any]]:
    emulator.reset()
    emulator.update({"claims.firstName": "REQUIRED", "claims.email": "OPTIONAL"})
    emulator.fault("POST /direct-issue/steam-ticket 418 times=1")
    return game.play("differing")


def test_every_delivered_language(project: NewProject, program: list[str], tmp_path: Path) -> None:
    """The game has its own names for two of the languages, and a font with Chinese and Japanese characters."""
    write_game("fonts", tmp_path / "source", Path(program[-1]).parent)
    fonts = Path(program[-1]).parent / "sdk-fonts" / "SourceHanSansLite.ttf"
    shutil.copy(fonts, tmp_path / "source/game/fonts")
    looks = tmp_path / "source/game/looks.rpy"
    looks.write_text(
        "init -2 python:\n    gui.init(1280, 720)\nstyle default:\n    font FontGroup()"
        '.add("DejaVuSans.ttf", 0, 0x7ff).add("fonts/SourceHanSansLite.ttf", 0x800, 0xffff)\n'
        'translate zh_CN strings:\n    old "offline"\n    new "离线"\n'
        'translate ptBR strings:\n    old "Cancel"\n    new "Cancelar!"\n'
        'translate german strings:\n    old "Cancel"\n    new "Abbruch"\n',
        encoding="utf-8",
    )
    names = ["german", "french", "spanish", "ptBR", "russian", "zh_CN", "japanese"]
    told = project(tmp_path / "source", SUDOMIMUS_TEST_LANGUAGES=",".join(names)).play("languages")
    assert told["languages"]["known"] == ["german", "ptBR", "zh_CN"]
    for name in names:
        strings = translated(texts._renpys_name(name) or "")
        page = told[f"{name} page"]
        assert strings["Finish in your browser{#sudomimus}"] in page["words"]
        for old in ("I'm done{#sudomimus}", "Cancel{#sudomimus}", "Copy the address{#sudomimus}"):
            assert strings[old] in page["buttons"], name
        assert strings[UNSUPPORTED].split(",")[0] in told[f"{name} unsupported"]["words"]
        assert strings["Sign in now, or play offline."] in told[f"{name} question"]["words"]
        for step in ("page", "question", "steam-unavailable", "unsupported", "library", "not shared"):
            assert told[f"{name} {step}"]["outside"] == [], name
            words = told[f"{name} {step}"]["words"]
            english = [old for old in map(untagged, strings) if re.search(rf"\b{re.escape(old)}\b", words)]
            assert english == [], (name, step)


_WITHOUT = {
    "python": "init -1500 python:\n    import sys\n    sys.version_info = (3, 9, 10, 'final', 0)\n",
    "modules": (
        "init -1500 python:\n    import sys\n"
        "    class _Without(object):\n        def find_spec(self, name, path=None, target=None):\n"
        "            if name in ('ssl', '_ssl', 'ctypes', '_ctypes', 'asyncio'):\n"
        "                raise ModuleNotFoundError('no module named ' + name, name=name)\n"
        "    for _name in list(sys.modules):\n        if _name.partition('.')[0] in ('ssl', '_ssl', 'asyncio'):\n"
        "            del sys.modules[_name]\n"
        "    sys.meta_path.insert(0, _Without())\n"
    ),
    "desktop": "init -1500 python:\n    import sys\n    sys.modules['renpy'].emscripten = True\n"
    "init -998 python:\n    sys.modules['renpy'].emscripten = False\n",
}


@pytest.mark.parametrize("without", _WITHOUT)
def test_game_starts_on_a_ren_py_that_cannot_sign_in(
    project: NewProject, program: list[str], tmp_path: Path, without: str
) -> None:
    write_game("fonts", tmp_path / "source", Path(program[-1]).parent)
    (tmp_path / "source/game/without.rpy").write_text(_WITHOUT[without], encoding="utf-8")
    game = project(tmp_path / "source", SUDOMIMUS_TEST_WITHOUT=without)
    told = game.play("unsupported")
    assert (told["told"]["status"], told["told"]["error"]) == ("failed", UNSUPPORTED)
    assert UNSUPPORTED.split(",")[0] in told["told"]["words"]
    assert "Try again" not in told["told"]["words"]
    assert (told["share"]["player"], told["share"]["token"]) == ("None", "None")
    assert (game.folder / "log.txt").read_text(encoding="utf-8").count("A sign-in needs") == 1


def distribution_kit(folder: Path) -> Path:
    """A copy of the newer Ren'Py whose launcher can build distributions.

    Debian's package lacks the official programs for players' systems, which a build copies, and the module requests, which
    the launcher imports. Empty files replace both.
    """
    sdk = Path(renpy("8.3.4")[0]).parent
    kit = folder / "kit"
    shutil.copytree(sdk, kit, ignore=shutil.ignore_patterns("tmp"))
    for stub in ("lib/py3-linux-x86_64/renpy", "lib/py3-mac-universal/renpy", "launcher/icon.icns", "LICENSE.txt"):
        (kit / stub).parent.mkdir(parents=True, exist_ok=True)
        (kit / stub).touch()
    python = sdk.parent / "python"
    (kit / "stubs").mkdir()
    (kit / "stubs" / "requests.py").write_text(f"import sys\nsys.executable = {str(python)!r}\n")
    (kit / "renpy.sh").write_text(f'#!/bin/sh\nexec {python} {kit}/renpy.py "$@"\n')
    return kit


@pytest.mark.parametrize("program", ["8.3.4"], indirect=True)
@pytest.mark.parametrize("name", GAMES)
def test_game_is_distributed(
    project: NewProject, tmp_path: Path, name: str, emulator: Emulator, stub_log: StubLog, soak: int
) -> None:
    """The distribution that Ren'Py's launcher builds contains the bridge, and signs a player in. One game; all with `--soak`."""
    if name != "packages" and soak < 2:
        pytest.skip("The launcher takes long to build a distribution: pass --soak 2")
    kit = distribution_kit(tmp_path)
    write_game(name, tmp_path / "source", kit)
    more = {"SUDOMIMUS_TEST_GAME": name, "SUDOMIMUS_TEST_READS": json.dumps(reads(name))}
    game = project(tmp_path / "source", STEAM_STUB_TICKET_DELAY_MS="1", **more)
    game.folder = game.distribute(kit)
    assert list(game.folder.glob("game/sudomimus/sudomimus_screens.rpy*"))  # Debian's Ren'Py keeps no .rpyc
    assert (game.folder / "game/python-packages/sudomimus_bridge/_renpy/door.py").is_file()
    told = play_refused_at_first(game, emulator)
    assert told["player"]["name"] == "Robin"
    nothing_open(stub_log)


# --- the translations as files --------------------------------------------------------------------------------------------

_SCRIPTS = Path(texts.__file__).with_name("game")


def translated(language: str) -> dict[str, str]:
    text = (_SCRIPTS / "translations" / f"{language}.rpy").read_text(encoding="utf-8")
    assert f"translate {language} strings:" in text
    return dict(re.findall(r'^    old "(.*)"\n    new "(.*)"$', text, re.MULTILINE))


def untagged(text: str) -> str:
    return text.removesuffix("{#sudomimus}")


def test_sentences_for_ren_py_are_those_of_the_door() -> None:
    text = (_SCRIPTS / "sudomimus_sentences.rpy").read_text(encoding="utf-8")
    assert re.findall(r'_\("(.*)"\)', text) == ALL


@pytest.mark.parametrize("language", texts.NAMES)
def test_every_text_is_translated_and_keeps_its_numbers(language: str) -> None:
    texts = [
        text
        for script in _SCRIPTS.glob("*.rpy")
        for text in re.findall(r'_\("((?:[^"\\]|\\.)*)"\)', script.read_text(encoding="utf-8"))
    ]
    strings = translated(language)
    assert set(strings) == set(texts)
    for old, new in strings.items():
        assert new and "{" not in new and "[" not in new
        assert re.findall("%0?[0-9]*d", old) == re.findall("%0?[0-9]*d", new)


_CJK = r"[\u3040-\u30ff\u4e00-\u9fff]"
_TYPOGRAPHY = {
    "any": [r" $|^ |  |\.\.\.", r"'(?!Py)"],
    "french": [r"(?<!\u00a0)[?!:;»](?!//)(?!%)", r"«(?!\u00a0)"],
    "simplified_chinese": [rf"{_CJK}[,.?!:;]|[,.?!:;]{_CJK}", r"[\u3040-\u30ff]", rf"{_CJK}[A-Za-z]|[A-Za-z]{_CJK}"],
    "japanese": [rf"{_CJK}[,.?!:;]|[,.?!:;]{_CJK}", "，", rf"{_CJK}[A-Za-z]|[A-Za-z]{_CJK}"],
    "russian": [r"(?i)[а-яё][a-z]|[a-z][а-яё]"],
}
"""What no text of a language contains: for example French punctuation that a line may begin with, or an English comma."""


@pytest.mark.parametrize("language", texts.NAMES)
def test_translations_keep_the_typography_of_their_language(language: str) -> None:
    wrong = [*_TYPOGRAPHY["any"], *_TYPOGRAPHY.get(language, [])]
    found = [(new, each) for new in translated(language).values() for each in wrong if re.search(each, new)]
    assert found == []


def test_short_texts_cannot_clash_with_a_games_own() -> None:
    """Ren'Py stops a game if two files translate the same text."""
    for text in translated("german"):
        assert len(text) > 25 or "{#sudomimus}" in text or text in ("the page's address", "Time left: %d:%02d"), text


def test_install_is_quiet_about_the_five_games(tmp_path: Path) -> None:
    write_game("packages", tmp_path / "game", tmp_path)
    (note,) = install(tmp_path / "game").notes
    assert note.startswith("The game has its own certifi")
