"""The documented scripts for Ren'Py games: a real Ren'Py compiles each, and plays the one that a reader begins with."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sudomimus_bridge._renpy.installer import install
from sudomimus_bridge.emulator import Emulator

from ..helpers.renpy_helpers import Project, renpy, screen
from ..project.test_docs_blocks import blocks_of, pages

pytestmark = pytest.mark.once

_VISITOR = Path(__file__).parents[1] / "helpers" / "page_visitor.py"
_SAMPLE = Path(__file__).parents[2] / "sample_game" / "renpy"
_BASE = """
define config.name = "documented"
init -2 python:
    config.screen_width = 1280
    config.screen_height = 720
label main_menu:
    return
"""


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with screen() as name:
        yield name


@pytest.fixture
def project(display: str, emulator: Emulator, stub_library: Path, tmp_path: Path) -> Project:
    emulator.update({"application.anchor": "my-game", "claims.firstName": "REQUIRED"})
    environment = {
        "DISPLAY": display,
        "BROWSER": f"{sys.executable} {_VISITOR} %s",
        **{f"SUDOMIMUS_{name.upper()}_URL": emulator.urls[name] for name in ("native", "session", "via")},
        "SUDOMIMUS_STEAM_LIBRARY": str(stub_library),
        "STEAM_STUB_TICKET_DELAY_MS": "10",
    }
    folder = tmp_path / "project"
    (folder / "game").mkdir(parents=True)
    (folder / "game" / "base.rpy").write_text(_BASE, encoding="utf-8")
    install(folder)
    return Project(renpy("8.0.3"), folder, environment)


def _blocks() -> list[str]:
    return [block.text for page in pages() for block in blocks_of(page) if block.language == "renpy"]


def test_documented_scripts_have_no_complaint_of_lint(project: Project) -> None:
    """Only one script of a game may have the label `start`, and only one may set a setting."""
    found = _blocks()
    assert len(found) >= 4
    for number, text in enumerate(found):
        renamed = re.sub(r"^label start:", f"label start_{number}:", text, flags=re.MULTILINE)
        alone = (
            renamed
            if number == 0
            else re.sub(r"^define sudomimus\.", f"define mine_{number}.", renamed, flags=re.MULTILINE)
        )
        alone = re.sub(r"^define mine_\d+\.\w+ = ", lambda match: match[0].replace(".", "_"), alone, flags=re.MULTILINE)
        (project.folder / "game" / f"block_{number}.rpy").write_text(alone, encoding="utf-8")
    (project.folder / "game" / "start.rpy").write_text('label start:\n    "Here."\n    return\n', encoding="utf-8")
    said = project.lint()
    assert "Statistics:" in said
    assert "game/block_" not in said  # each complaint names the file


def test_first_script_signs_a_player_in(project: Project) -> None:
    shutil.copytree(
        _SAMPLE, project.folder, dirs_exist_ok=True
    )  # its screens: those of a new project are not in a package
    (script,) = [block for block in blocks_of("docs/start/renpy.md") if block.title == "script.rpy"]
    (project.folder / "game" / script.title).write_text(script.text, encoding="utf-8")
    told = project.play("documented")
    assert "You write Robin, and the ink is dry at once." in told["greeted"]["words"]
    assert told["greeted"]["status"] == "signed-in"
