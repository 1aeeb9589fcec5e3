"""What MkDocs calls while it builds the site (`hooks` in mkdocs.yml)."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

sys.path[:0] = [str(Path(__file__).parents[1])]

from sitegen import glossary, links, parts  # noqa: E402 - MkDocs loads this file by its path

_BOTH_MODES = re.compile(r"(!\[[^\]]*\]\(docs/architecture\.svg)\)")
_SHORT = re.compile(r"<code>(?=[^<\n]{1,26}</code>)")
_PART = re.compile(r"^<!-- part: ([\w-]+) -->$", re.MULTILINE)


def on_config(config: Any) -> Any:
    """Link terms to the glossary, and paths of documents to their pages."""
    text = (Path(config.docs_dir) / glossary.PAGE).read_text(encoding="utf-8")
    config.markdown_extensions += ["sitegen.glossary", "sitegen.paths"]
    config.mdx_configs["sitegen.glossary"] = {"terms": glossary.terms(text)}
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the documents at the top of the repository."""
    for source, page in links.ROOT_PAGES.items():
        if files.get_file_from_path(page) is None:
            text = (links.ROOT / source).read_text(encoding="utf-8")
            files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Insert the parts that are built from the code, and lead links out of `docs` to the repository."""
    name = page.file.src_uri
    source = {shown: file for file, shown in links.ROOT_PAGES.items() if shown != "index.md"}.get(name, f"docs/{name}")
    glossary.begin(name)
    text = _BOTH_MODES.sub(r"\1#only-light)\n\1#only-dark)", markdown)
    return links.for_the_site(_PART.sub(lambda found: _part(found[1], name), text), source, name)


def on_page_content(html: str, **_: Any) -> str:
    """Mark short code within texts, which the style sheet keeps on one line."""
    return _SHORT.sub('<code class="short">', html)


def _part(name: str, page: str) -> str:
    build = parts.PARTS.get(name)
    if build is None:
        raise PluginError(f"{page}: there is no part {name}; docs/sitegen/parts.py lists them")
    return build()
