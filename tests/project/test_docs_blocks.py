"""Every code block of the documents is run, on the local service and a stub of Steam, or checked as far as it can be.

The blocks of a page run in their order, and share one namespace and one folder. A block with a title is a file in this folder. A
comment before a block says what is special about it:

- `<!-- block: needs Steam -->`: it cannot run here. It is checked for its syntax.
- `<!-- block: until "text" -->`: its command runs until it has printed the text.
- `<!-- block: setup CODE -->`: code that a reader's own program has, before the next block.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sudomimus_bridge._cli.commands import build_parser
from sudomimus_bridge.emulator import Emulator

from ..helpers.patience import PATIENCE

sybil = pytest.importorskip("sybil")
lexers = pytest.importorskip("sybil.parsers.markdown.lexers")

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
VISITOR = ROOT / "tests" / "helpers" / "page_visitor.py"

RUN_ELSEWHERE = {
    "docs/backend.md": "tests/project/test_backend.py",
    "docs/sidecar.md": "tests/sidecar/test_docs.py",
    "docs/testing.md": "tests/testing/test_recipes.py",
}
"""Pages whose blocks have a test of their own, because they need more than a page's folder."""

_CHANGES_THE_MACHINE = {"pip", "source", "git", "make", "apt-get", "cxfreeze", "pyinstaller", "shiv", "eval"}
_FORMATS = {"text", "transcript", "json", "mermaid", ""}
"""Languages of blocks that no program runs."""


_CONTROLS = """
import os
import httpx


class emulator:
    update = staticmethod(lambda changes: _control("PATCH", "config", changes))
    establish = staticmethod(lambda: _control("POST", "inquiries", {}))


def _control(method, path, body):
    url = f"{os.environ['SUDOMIMUS_NATIVE_URL']}/_emulator/{path}"
    return httpx.request(method, url, json=body, trust_env=False).raise_for_status().json()
"""
"""What `setup` code may use of the local service."""


@dataclass
class Block:
    """One block: its language, its text, its line, and what the comment before it says."""

    language: str
    title: str
    text: str
    line: int
    said: list[str] = field(default_factory=list)

    @property
    def needs(self) -> str | None:
        return next((each.removeprefix("needs ") for each in self.said if each.startswith("needs ")), None)

    @property
    def until(self) -> str | None:
        return next((shlex.split(each)[1] for each in self.said if each.startswith("until ")), None)


def pages() -> list[str]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("native/*.md"), *ROOT.glob("benchmarks/*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def blocks_of(page: str) -> list[Block]:
    document = sybil.Document.parse(str(ROOT / page))
    text = document.text
    code = lexers.RawFencedCodeBlockLexer(re.compile(r"(?P<language>[\w-]*)(?P<info>[^\n]*)\n"))
    found: list[tuple[int, Block | str]] = [
        (
            region.start,
            Block(
                region.lexemes["language"],
                (re.findall(r'title="([^"]+)"', region.lexemes["info"]) or [""])[0],
                str(region.lexemes["source"]),
                text.count("\n", 0, region.start) + 1,
            ),
        )
        for region in code(document)
    ]
    found += [
        (comment.start(), inspect.cleandoc(comment[1]).strip())
        for comment in re.finditer(r"<!-- block: (.*?)\s*-->", text, re.DOTALL)
    ]
    blocks, said = [], []
    for _, each in sorted(found, key=lambda pair: pair[0]):
        if isinstance(each, str):
            said.append(each)
        else:
            each.said, said = said, []
            blocks.append(each)
    assert not said, f"{page}: the last comment stands before no block"
    return blocks


class Reader:
    """Does what a reader of one page does, in a folder of their own."""

    def __init__(self, folder: Path, service: Emulator, environment: dict[str, str]) -> None:
        self.folder = folder
        self.service = service
        self.environment = environment
        self.program: list[str] = []
        """The page's Python, which runs as one program."""

    def follow(self, page: str, block: Block) -> None:
        self.program += [each.removeprefix("setup").strip() for each in block.said if each.startswith("setup")]
        if block.title:
            (self.folder / block.title).write_text(block.text, encoding="utf-8")
        match block.language:
            case "python":
                self.python(page, block)
            case "console":
                self.console(block)
            case "javascript":
                if node := shutil.which("node"):
                    name = self.folder / (block.title or "block.js")
                    name.write_text(block.text, encoding="utf-8")
                    subprocess.run([node, "--check", str(name)], check=True)
            case "renpy":
                pass  # tests/renpy/test_docs.py
            case other:
                assert other in _FORMATS, f"no test runs blocks of {other}"

    def python(self, page: str, block: Block) -> None:
        compile("\n" * block.line + block.text, str(ROOT / page), "exec")
        if not block.needs and not block.title:  # a file is run by a command of the page
            self.program.append(f"# {page}, line {block.line}\n{block.text}")

    def run_program(self) -> None:
        if self.program:
            (self.folder / "page.py").write_text("\n\n".join([_CONTROLS, *self.program]), encoding="utf-8")
            said, status = self.run(f"{shlex.quote(sys.executable)} page.py", None)
            assert status == 0, said

    def console(self, block: Block) -> None:
        for command, expected in _commands(block.text):
            _check_command(command)
            if block.needs or _words(command)[0] in _CHANGES_THE_MACHINE or "-m venv" in command:
                continue
            said, status = self.run(command, block.until)
            left = said
            for line in filter(None, map(str.strip, expected)):
                pattern = ".*".join(map(re.escape, re.split("…", line.removeprefix("… "))))
                there = re.search(pattern, left, re.DOTALL if "{" in line else 0)
                assert there, f"{command} did not print {line!r}; what it printed:\n{said}"
                left = left[there.end() :]
            assert status in (0, 1) or block.until, said

    def run(self, command: str, until: str | None) -> tuple[str, int]:
        """Run a command, and end it if it has printed the text that is waited for."""
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        assert process.stdout is not None
        limit = threading.Timer(PATIENCE, _end, [process])
        limit.start()
        said = []
        with process:
            for line in process.stdout:
                said.append(line)
                if until is not None and until in line:
                    _end(process)
        limit.cancel()
        assert until is None or until in "".join(said), "".join(said)
        return "".join(said), process.returncode


def _end(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGTERM)


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, with the lines that it prints."""
    command: str | None = None
    expected: list[str] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield command, expected
            command, expected = line.removeprefix("$ ").partition("  #")[0].strip(), []
        elif command is not None and command.endswith("\\"):
            command = command.removesuffix("\\") + line.strip()
        else:
            expected.append(line)
    if command is not None:
        yield command, expected


def _words(command: str) -> list[str]:
    words = shlex.split(command)
    while words and re.fullmatch(r"\w+=.*", words[0]):  # variables before the program
        del words[0]
    return words


def _check_command(command: str) -> None:
    """Check what can be checked without running it: quotes, our own flags, our extras, our make targets."""
    words = _words(command)
    if words[0] == "sudomimus-bridge" and "completion" not in words:
        end = words.index("--") if "--" in words else len(words)
        build_parser(emulator="emulator" in words).parse_args([word for word in words[1:end] if word != "<"])
    for extra in re.findall(r"sudomimus-bridge\[([\w,]+)\]", command):
        assert set(extra.split(",")) <= set(_PROJECT["project"]["optional-dependencies"]), command
    if words[0] == "make" and "-C" not in words:
        targets = [word for word in words[1:] if "=" not in word and not word.startswith("-")]
        assert all(re.search(rf"^{target}:", _MAKEFILE, re.MULTILINE) for target in targets), command


_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.fixture
def reader(tmp_path: Path, emulator: Emulator, stub_library: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    emulator.update({"application": {"anchor": "my-game"}, "claims.email": "OFF"})
    settings = {f"SUDOMIMUS_{name.upper()}": str(value) for name, value in emulator.settings.items()}
    changes = settings | {
        "SUDOMIMUS_APPLICATION": "my-game",
        "SUDOMIMUS_STEAM_LIBRARY": str(stub_library),
        "SUDOMIMUS_SESSION_FOLDER": str(tmp_path / "sessions"),
        "SUDOMIMUS_ACCESS_KEY_ID": str(emulator.urls["accessKeyId"]),
        "SUDOMIMUS_ACCESS_KEY_SECRET": str(emulator.urls["accessKeySecret"]),
        "STEAM_STUB_TICKET_DELAY_MS": "1",
        "BROWSER": f"{shlex.quote(sys.executable)} {shlex.quote(str(VISITOR))} %s",
        "SDL_VIDEODRIVER": "dummy",
        "PYTHONUNBUFFERED": "1",
    }
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "reader"
    for game in ("path/to/project", "path/to/your/game"):  # what the documents call a Ren'Py project
        (folder / game / "game").mkdir(parents=True)
        (folder / game / "game" / "script.rpy").write_text("label start:\n    return\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    return Reader(folder, emulator, {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are for a POSIX shell")
@pytest.mark.parametrize("page", [page for page in pages() if page not in RUN_ELSEWHERE])
def test_blocks_of_page_run(page: str, request: pytest.FixtureRequest) -> None:
    if blocks := blocks_of(page):
        reader: Reader = request.getfixturevalue("reader")
        for block in blocks:
            reader.follow(page, block)
        reader.run_program()


def test_pages_that_are_run_elsewhere_have_that_test() -> None:
    for page, test in RUN_ELSEWHERE.items():
        if (ROOT / page).exists():
            assert (ROOT / test).is_file(), page


@pytest.mark.parametrize(
    "text",
    ["$ sudomimus-bridge login --no-such-flag\n", "$ pip install 'sudomimus-bridge[nothing]'\n", "$ make nonsense\n"],
)
def test_wrong_command_is_noticed(text: str) -> None:
    with pytest.raises((AssertionError, Exception)):
        _check_command(next(_commands(text))[0])
