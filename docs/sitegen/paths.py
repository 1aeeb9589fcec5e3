"""Links the documents that a text names by their paths: `docs/contracts/service.md, "Limits"` in a docstring or a help text.

The link shows the document's title in the place of the path.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as etree
from typing import Any

from markdown import Extension, Markdown
from markdown.extensions.toc import slugify
from markdown.treeprocessors import Treeprocessor

from . import glossary, links

_PATH = re.compile(r'\b((?:docs|native|benchmarks)/[\w/.-]+\.md)\b(?:, "([^"]+)")?')
_NOT_HERE = {"a", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "script", "style"}


class _Linker(Treeprocessor):  # type: ignore[misc]
    def run(self, root: etree.Element) -> None:
        """Walk the page. Titles, code and links stay as they are."""
        children = list(root)
        root.text = self._split(root, 0, root.text)
        for child in children:
            if child.tag not in _NOT_HERE:
                self.run(child)
            child.tail = self._split(root, list(root).index(child) + 1, child.tail)

    def _split(self, parent: etree.Element, index: int, text: str | None) -> str | None:
        """Put links into `parent` from `index` on. Returns the text before the first of them."""
        for match in _PATH.finditer(text or ""):
            if (links.ROOT / match[1]).is_file():
                link = etree.Element("a", {"href": _target(match)})
                link.text = _title(match)
                parent.insert(index, link)
                link.tail = self._split(parent, index + 1, match.string[match.end() :])
                return match.string[: match.start()]
        return text


def _title(match: re.Match[str]) -> str:
    first = (links.ROOT / match[1]).read_text(encoding="utf-8").lstrip().split("\n", 1)[0]
    title = first.removeprefix("# ").replace("`", "")
    return f"{title}, “{match[2]}”" if match[2] else title


def _target(match: re.Match[str]) -> str:
    anchor = f"#{slugify(match[2], '-')}" if match[2] else ""
    page = glossary.current()
    return links.for_the_site(f"[]({match[1]}{anchor})", "README.md", page)[3:-1]


class _Paths(Extension):  # type: ignore[misc]
    def extendMarkdown(self, md: Markdown) -> None:
        """Link paths after inline Markdown has become elements, and before MkDocs resolves the links."""
        md.treeprocessors.register(_Linker(md), "paths", 6)


def makeExtension(**settings: Any) -> Extension:
    """Make the extension for Python-Markdown."""
    return _Paths(**settings)
