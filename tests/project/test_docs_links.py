"""Specifies the links that the site makes: a document that a text names by its path is linked by its title."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "docs")]

markdown = pytest.importorskip("markdown")

from sitegen import glossary, links  # noqa: E402 - after the path and the skip


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "See docs/contracts/service.md.",
            '<p>See <a href="../contracts/service.md">The service in its three states</a>.</p>',
        ),
        (
            'The limits (docs/contracts/service.md, "Limits") count.',
            '<p>The limits (<a href="../contracts/service.md#limits">The service in its three states, “Limits”</a>) count.</p>',
        ),
        (
            "*docs/contracts/renpy.md*, and native/README.md",
            '<p><em><a href="../contracts/renpy.md">Ren\'Py, as the bridge uses it</a></em>, and '
            f'<a href="{links.REPOSITORY}native/README.md">A stub of libsteam_api</a></p>',
        ),
        ("`docs/contracts/service.md`", "<p><code>docs/contracts/service.md</code></p>"),
        ("docs/no/such/page.md", "<p>docs/no/such/page.md</p>"),
    ],
)
def test_path_of_a_document_becomes_a_link(text: str, html: str) -> None:
    glossary.begin("reference/settings.md")
    assert markdown.markdown(text, extensions=["sitegen.paths"]) == html
