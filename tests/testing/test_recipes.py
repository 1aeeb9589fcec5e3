"""Runs every recipe of docs/testing.md as it is printed there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ..conftest import Project
from ..helpers.patience import PATIENCE

pytestmark = pytest.mark.once

DOCUMENT = Path(__file__).parents[2] / "docs" / "testing.md"


def recipes() -> dict[str, str]:
    """Return every block of Python in the document by the file name in its first line."""
    found = {}
    for block in DOCUMENT.read_text(encoding="utf-8").split("```python\n")[1:]:
        first, _, source = block.partition("```")[0].partition("\n")
        assert first.startswith("# ") and first.endswith(".py"), f"a block begins with its file's name, not {first!r}"
        found[first.removeprefix("# ").removesuffix(".py")] = source
    return found


TESTS = [name for name in recipes() if name.startswith("test_")]


@pytest.mark.usefixtures("stub_library")
def test_recipes_of_the_documentation(project: Project) -> None:
    """Run all recipes in one project, as a reader has it."""
    written = recipes()
    assert {"conftest", "game", *TESTS} == set(written)
    outcomes = project("-panyio", *(f"{name}.py" for name in TESTS), **written).parseoutcomes()
    assert outcomes.pop("passed") >= sum(written[name].count("def test_") for name in TESTS)
    assert outcomes == {}


def test_recipe_without_pytest(pytester: pytest.Pytester) -> None:
    written = recipes()
    pytester.makepyfile(**{name: written[name] for name in ("game", "test_with_unittest")})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "unittest", "test_with_unittest"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr
