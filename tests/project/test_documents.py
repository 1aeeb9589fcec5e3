"""Specifies that each link in the documents leads to a file of the project, and to a heading that exists."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def _documents() -> list[Path]:
    skipped = {"node_modules", "build", "dist"}
    found = (path for path in ROOT.rglob("*.md") if not skipped & set(path.relative_to(ROOT).parts))
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(ROOT).parts))


def _is_built(path: Path) -> bool:
    """Whether the site builds parts of the page from the code. `make docs` checks the links to their headings."""
    return bool(re.search(r"^(<!-- part: |::: )", path.read_text(encoding="utf-8"), re.MULTILINE))


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower().replace("`", "")).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", _documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_to_existing_files_and_headings(document: Path) -> None:
    broken = []
    for link in _LINK.findall(_FENCE.sub("", document.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        path = (document.parent / target).resolve() if target else document
        known = path.exists() and (path.suffix != ".md" or not anchor or _is_built(path) or anchor in _anchors(path))
        if not known:
            broken.append(link)
    assert not broken


def test_documents_name_no_folder_of_one_machine() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("git does not know this folder, so nothing says which files belong to the project")
    places = re.compile(r"(?<![\w.])/(?:root|home/\w+)/")
    texts = [ROOT / name for name in tracked.stdout.splitlines() if name.endswith(".md")]
    assert not [path for path in texts if places.search(path.read_text(encoding="utf-8"))]
