"""Every public name is documented: each parameter, each result and each error, as the site shows them.

griffe reads the docstrings here, as it does for the site.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sudomimus_bridge

from .test_types import PUBLIC

griffe = pytest.importorskip("griffe")

pytestmark = pytest.mark.once

_SOURCE = Path(sudomimus_bridge.__file__).parents[1]
_PAGES = _SOURCE.parent / "docs" / "reference"
_PORTS = ("steam._port.Steam", "_browser.system.Browser", "_values.clock.Clock")
"""The protocols that document the methods of those who implement them."""

RAISE_ERRORS = {
    "Bridge.login",
    "Bridge.login_async",
    "Bridge.share",
    "Bridge.share_async",
    "Session.access_token",
    "Session.access_token_async",
    "Running.block",
    "Running.poll",
    "Running.wait",
}
"""The methods that end with the errors of a flow."""


@cache
def _package() -> Any:
    loader = griffe.GriffeLoader(search_paths=[str(_SOURCE)], docstring_parser="google")
    package = loader.load("sudomimus_bridge")
    loader.resolve_aliases(implicit=True)
    return package


def _found(path: str) -> Any:
    found = _package()[path.removeprefix("sudomimus_bridge.")]
    return found.final_target if found.is_alias else found


def exported() -> list[str]:
    return sorted(f"{module}.{name}" for module, names in PUBLIC.items() for name in names)


def _public_members(path: str, found: Any) -> Iterator[tuple[str, Any]]:
    """The name itself and, of a class, what it defines."""
    yield path, found
    if found.is_class:
        told = {name for port in _PORTS for name in _package()[port].members}
        for name, member in found.members.items():
            made = name == "__init__" and "dataclass" in found.labels  # the fields explain themselves
            if not (member.is_alias or made) and (name == "__init__" or not (name.startswith("_") or name in told)):
                yield f"{path}.{name}", member


def _sections(found: Any) -> dict[str, Any]:
    return {section.kind.value: section.value for section in found.docstring.parse("google")} if found.docstring else {}


def undocumented(path: str, public: Any) -> Iterator[str]:
    """What is missing in the docstrings of one exported name."""
    inherited = {"exit_status", "kind", "retryable"}  # `BridgeError` documents them
    for name, found in _public_members(path, public):
        if name.rpartition(".")[2] in inherited and not path.endswith(".BridgeError"):
            continue
        if found.docstring is None:
            if not name.endswith("__init__"):
                yield f"{name} has no docstring"
            elif any(each.name != "self" for each in found.parameters):
                yield f"{name} has parameters and no docstring"
            continue
        timed = found.is_attribute and re.search(r"\bfloat\b", str(found.annotation or ""))
        if timed and "second" not in name + found.docstring.value:
            yield f"{name} has no unit"
        if found.is_function:
            sections, text = _sections(found), found.docstring.value
            told = {each.name.strip("*") for each in sections.get("parameters", [])}
            for parameter in found.parameters:
                plain = parameter.name.strip("*")
                if plain not in ("self", "cls", *told) and f"`{plain}`" not in text and not plain.startswith("_"):
                    yield f"{name}: the parameter {plain} is not explained"
            yield from _without_type_or_unit(name, found, sections)
            returns = str(found.returns or "None")
            if returns not in ("None", "Self") and "returns" not in sections and not text.startswith("Return "):
                yield f"{name}: the result is not explained"


def _without_type_or_unit(name: str, function: Any, sections: dict[str, Any]) -> Iterator[str]:
    """Every `float` of the public names is a time in seconds. Its name or its text says so."""
    texts = {each.name.strip("*"): each.description for each in sections.get("parameters", [])}
    for parameter in function.parameters:
        plain = parameter.name.strip("*")
        if plain in ("self", "cls") or plain.startswith("_"):
            continue
        if parameter.annotation is None:
            yield f"{name}: the parameter {plain} has no type"
        elif re.search(r"\bfloat\b(?!\W*Callable)", str(parameter.annotation)):
            told = texts.get(plain, function.docstring.value)
            if "second" not in plain + told:
                yield f"{name}: the parameter {plain} has no unit"
    if re.search(r"\bfloat\b", str(function.returns or "")) and "second" not in name + function.docstring.value:
        yield f"{name}: the result has no unit"


@pytest.mark.parametrize("path", exported())
def test_exported_name_is_documented(path: str) -> None:
    assert list(undocumented(path, _found(path))) == []


@pytest.mark.parametrize("method", sorted(RAISE_ERRORS))
def test_method_names_its_errors(method: str) -> None:
    assert "raises" in _sections(_found(f"sudomimus_bridge.{method}"))


def test_site_has_each_exported_name_with_its_description() -> None:
    """An option that hides the text of a module also hides the texts of its members, so each name has an entry of its own."""
    pages = "".join(path.read_text(encoding="utf-8") for path in _PAGES.glob("*.md"))
    assert [path for path in exported() if f"::: {path}\n" not in f"{pages}\n"] == []
    assert "show_docstring_description: false" not in pages


def test_missing_docstring_is_noticed() -> None:
    code = '''
class Thing:
    """A thing."""

    lasts: float = 1
    """How long it lasts."""

    def turn(self, pace: float, angle) -> bool:
        """Turn it."""
'''
    with griffe.temporary_visited_module(code, module_name="things") as module:
        assert list(undocumented("things.Thing", module["Thing"])) == [
            "things.Thing.lasts has no unit",
            "things.Thing.turn: the parameter pace is not explained",
            "things.Thing.turn: the parameter angle is not explained",
            "things.Thing.turn: the parameter pace has no unit",
            "things.Thing.turn: the parameter angle has no type",
            "things.Thing.turn: the result is not explained",
        ]
