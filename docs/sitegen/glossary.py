"""Links the first mention of each term on a page to the glossary. The definition is the link's tooltip."""

from __future__ import annotations

import posixpath
import re
import xml.etree.ElementTree as etree
from typing import Any

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

PAGE = "understand/glossary.md"

_ENTRY = re.compile(r"^## ([^\n{]+?)(?: \{ *#([\w-]+)[^}]*\})?\n+(.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_ALSO = re.compile(r"<!-- also: (.+?) -->")
_NOT_HERE = {"a", "code", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "script", "style", "summary"}

_page = [""]


def begin(page: str) -> None:
    """Say which page is converted next."""
    _page[0] = page


def current() -> str:
    """The page that is converted."""
    return _page[0]


def terms(text: str) -> dict[str, tuple[str, str]]:
    """Each word or phrase that means a term: the term's anchor, and its definition as plain text."""
    found = {}
    for entry in _ENTRY.finditer(text):
        name, anchor, definition = entry[1].strip(), entry[2], entry[3]
        anchor = anchor or re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-")
        also = _ALSO.search(definition)
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", _ALSO.sub("", definition)).replace("`", "")
        for word in [name, *(also[1].split(", ") if also else [])]:
            found[word.lower()] = (anchor, " ".join(plain.split()))
    return found


class _Linker(Treeprocessor):  # type: ignore[misc]
    def __init__(self, md: Markdown, known: dict[str, tuple[str, str]]) -> None:
        super().__init__(md)
        self._known = known
        words = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
        self._word = re.compile(rf"\b({words})\b", re.IGNORECASE)
        self._linked: set[str] = set()

    def run(self, root: etree.Element) -> None:
        """Walk the page. Titles, code and links stay as they are."""
        if _page[0] != PAGE and self._known:
            self._linked = set()
            self._walk(root)

    def _walk(self, element: etree.Element) -> None:
        if element.tag in _NOT_HERE:
            return
        element.text = self._split(element, 0, element.text)
        for child in list(element):
            if child.get("class") != "term":
                self._walk(child)
                child.tail = self._split(element, list(element).index(child) + 1, child.tail)

    def _split(self, parent: etree.Element, index: int, text: str | None) -> str | None:
        """Put links into `parent` from `index` on. Returns the text before the first of them."""
        for match in self._word.finditer(text or ""):
            anchor, definition = self._known[match[0].lower()]
            if anchor not in self._linked:
                self._linked.add(anchor)
                target = posixpath.relpath(PAGE, posixpath.dirname(_page[0]) or ".")
                link = etree.Element("a", {"class": "term", "href": f"{target}#{anchor}", "title": definition})
                link.text = match[0]
                parent.insert(index, link)
                link.tail = self._split(parent, index + 1, match.string[match.end() :])
                return match.string[: match.start()]
        return text


class _Glossary(Extension):  # type: ignore[misc]
    def __init__(self, **settings: Any) -> None:
        self.config = {"terms": [{}, "the terms"]}
        super().__init__(**settings)

    def extendMarkdown(self, md: Markdown) -> None:
        """Link terms after inline Markdown has become elements, and before MkDocs resolves the links."""
        md.treeprocessors.register(_Linker(md, self.getConfig("terms")), "glossary", 5)


def makeExtension(**settings: Any) -> Extension:
    """Make the extension for Python-Markdown."""
    return _Glossary(**settings)
