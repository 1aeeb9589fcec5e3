"""Links of the documents. In the repository they lead to files. On the site they lead to pages, or to the repository."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "https://github.com/Sudomimus/sudomimus-bridge/blob/main/"

ROOT_PAGES = {
    "ARCHITECTURE.md": "understand/architecture.md",
    "CHANGELOG.md": "understand/changelog.md",
    "CONTRIBUTING.md": "understand/contributing.md",
    "README.md": "index.md",
    "SECURITY.md": "understand/security.md",
}
"""The documents at the top of the repository, and the pages that show them."""

_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
_FENCE = re.compile(r"^(```|~~~).*?^\1[^\n]*$", re.MULTILINE | re.DOTALL)


def for_the_site(markdown: str, source: str, page: str) -> str:
    """The text with links that work on the site. `source` is its file in the repository, `page` its page in `docs`."""
    kept, parts = _FENCE.finditer(markdown), []
    start = 0
    for fence in kept:
        parts += [_LINK.sub(lambda link: _target(link[1], source, page), markdown[start : fence.start()]), fence[0]]
        start = fence.end()
    parts.append(_LINK.sub(lambda link: _target(link[1], source, page), markdown[start:]))
    return "".join(parts)


def _target(link: str, source: str, page: str) -> str:
    path, hash_mark, anchor = link.partition("#")
    if not path or "://" in link or link.startswith("mailto:"):
        return link
    file = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    shown = ROOT_PAGES.get(file) or (file.removeprefix("docs/") if file.startswith("docs/") else None)
    if shown is not None:
        return posixpath.relpath(shown, posixpath.dirname(page) or ".") + hash_mark + anchor
    if (ROOT / file).exists():
        return REPOSITORY + file + hash_mark + anchor
    return link
