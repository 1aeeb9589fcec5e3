"""Replays every transcript in docs/sidecar.md on a real sidecar, with the compiled stub and the local service.

A transcript sends lines (→), expects lines (←) and names events in parentheses; `_EVENTS` has the code for each of them.
In an expected message, "…" within a string stands for any text, a member "…" for any further members, and an element "…"
for any further elements. In a sent message, "…" stands for the last received member of that name.
"""

from __future__ import annotations

import contextlib
import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sudomimus_bridge._settings import TABLE as SETTINGS
from sudomimus_bridge._sidecar.dispatcher import MAX_BATCH, MAX_RUNNING
from sudomimus_bridge._sidecar.jsonrpc import MAX_ID, MAX_NUMBER
from sudomimus_bridge._sidecar.methods import TABLE
from sudomimus_bridge._sidecar.shared import IDLE_SECONDS
from sudomimus_bridge._sidecar.streams import FULL, MAX_LINE
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import visit, visit_errand

from ..cli.test_login import ISSUE
from ..cli.test_program import Program, on_stub
from ..conftest import StubLog
from ..helpers.patience import PATIENCE
from ..helpers.sidecar_helpers import Launcher, judge, launchers

TEXT = (Path(__file__).parents[2] / "docs" / "sidecar.md").read_text(encoding="utf-8")
TRANSCRIPTS = re.findall(r"^```transcript\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
ANY = "…"


class Replay:
    """Replays one transcript on one sidecar."""

    def __init__(self, program: Program, start: Callable[[], Launcher]) -> None:
        self.program = program
        self._start = start
        self.launcher: Launcher | None = None
        self.received: dict[str, Any] = {}
        self.ended = False

    def run(self, transcript: str) -> None:
        for kind, text in _steps(transcript):
            if kind == "(":
                _EVENTS[text](self)
            elif kind == "→":
                self.send(text)
            else:
                self.expect(json.loads(text))
        if not self.ended and self.launcher is not None:
            self.launcher.close_input()
            self.exits(0)

    def started(self) -> Launcher:
        if self.launcher is None:
            self.launcher = self._start()
        return self.launcher

    def send(self, text: str) -> None:
        """Send a text as one line. A text that is not JSON is sent unchanged."""
        with contextlib.suppress(json.JSONDecodeError):
            text = json.dumps(self._filled(json.loads(text)))
        self.started().write(text + "\n")

    def expect(self, expected: Any) -> None:
        line = self.started()._lines.get(timeout=PATIENCE)
        assert line, self.started().err
        message = json.loads(line)
        assert matches(expected, message), f"expected {expected}, but {message} came"
        assert line == json.dumps(message, separators=(",", ":")).encode() + b"\n"  # "Without a JSON library"
        for each in message if isinstance(message, list) else [message]:
            assert list(each) in _ORDERS, each
        for name, value in _strings(message):
            self.received[name] = value

    def exits(self, status: int) -> None:
        """Wait for the end. Apart from progress, the only further messages are the errors of cancelled requests."""
        launcher = self.started()
        assert launcher.process.wait(PATIENCE) == status, launcher.err
        self.ended = True
        launcher._threads[0].join(PATIENCE)
        for message in map(json.loads, iter(launcher._lines.get_nowait, b"")):
            assert "method" in message or message["error"]["data"]["kind"] == "cancelled", message
        launcher.end()

    def visit(self, *, agree: bool) -> None:
        visit_errand(self.received["url"], agree=agree)

    def sign_in_with_profile(self) -> None:
        account = {"first_name": "Robin", "last_name": "", "email": "robin@example.com"}
        shared = ["email", "firstName", "lastName"]
        profile = {**account, "grants": dict.fromkeys(shared, "GRANTED")}
        emulator = self.program.emulator
        players = [{**player, **profile} for player in emulator.config.model_dump(mode="json")["players"]]
        emulator.update({"players": players, "claims": dict.fromkeys(shared, "OPTIONAL")})
        self.received.update(accessToken=emulator.open_session().access_token)

    def starts_bare(self) -> None:
        self.program.flags = lambda **_: []  # type: ignore[method-assign]

    def environ(self, **changes: str) -> None:
        self.program.environ |= changes

    def _filled(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._filled(item) for item in value]
        if isinstance(value, dict):
            return {name: self.received[name] if item == ANY else self._filled(item) for name, item in value.items()}
        return value


_ORDERS = [["jsonrpc", "id", "result"], ["jsonrpc", "id", "error"], ["jsonrpc", "method", "params"]]

_EVENTS: dict[str, Callable[[Replay], object]] = {
    "the launcher starts: sudomimus-bridge sidecar --application my-game --steam-app-id 480": lambda _: None,
    "the launcher starts: sudomimus-bridge sidecar": Replay.starts_bare,
    "the launcher closes standard input": lambda replay: replay.started().close_input(),
    "it exits with status 0": lambda replay: replay.exits(0),
    "it exits with status 130": lambda replay: replay.exits(130),
    "SIGTERM comes": lambda replay: replay.started().signal(signal.SIGTERM),
    "the game requires an e-mail address, which the player has not shared yet": lambda replay: (
        replay.program.emulator.update({"claims.email": "REQUIRED"})
    ),
    "the player finishes the page": lambda replay: replay.visit(agree=True),
    "the player declines on the page": lambda replay: replay.visit(agree=False),
    "the player's account is disabled": lambda replay: replay.program.emulator.fault(
        path=ISSUE, status=403, body={"reason": "AccountDisabled"}
    ),
    "the service is overloaded for hours": lambda replay: replay.program.emulator.fault(
        path=ISSUE, status=503, headers={"Retry-After": "7200"}
    ),
    "the game's backend establishes an inquiry": lambda replay: replay.received.update(
        replay.program.emulator.establish()
    ),
    "the player signs in on the page": lambda replay: visit(replay.received["url"]),
    "the service wants to be asked once a second": lambda replay: replay.program.emulator.update(
        {"device.interval": 1}
    ),
    "the player confirms the code": lambda replay: visit(replay.received["verificationUriComplete"]),
    "a player is signed in": lambda replay: replay.received.update(
        refreshToken=replay.program.emulator.open_session().refresh_token
    ),
    "a player who shares name and e-mail address is signed in": lambda replay: replay.sign_in_with_profile(),
    "the answer to a refresh is lost on its way": lambda replay: replay.program.emulator.fault(
        "POST /session/refresh reset when=after"
    ),
    "Steam takes ten seconds to give a ticket": lambda replay: replay.environ(STEAM_STUB_TICKET_DELAY_MS="10000"),
    "Steam is not running": lambda replay: replay.environ(STEAM_STUB_INIT="2"),
    "the service takes ten seconds to answer a refresh": lambda replay: replay.program.emulator.fault(
        path="/session/refresh", delay=10
    ),
    "a line of two million bytes": lambda replay: replay.started().write(b"x" * 2_000_000 + b"\n"),
}


def _steps(transcript: str) -> Iterator[tuple[str, str]]:
    """The first character of each step, and the rest of the step on one line."""
    for step in re.split(r"^(?=[→←(])", transcript, flags=re.MULTILINE):
        if text := " ".join(line.strip() for line in step.splitlines()):
            yield text[0], text[1:].strip().removesuffix(")") if text[0] == "(" else text[1:].strip()


def _strings(value: Any) -> Iterator[tuple[str, str]]:
    for name, item in value.items() if isinstance(value, dict) else []:
        if isinstance(item, str):
            yield name, item
        yield from _strings(item)


def matches(expected: Any, got: Any) -> bool:
    """Whether a received message is the one in the transcript."""
    if isinstance(expected, str) and isinstance(got, str):
        return re.fullmatch(".*".join(re.escape(part) for part in expected.split(ANY)), got, re.DOTALL) is not None
    if isinstance(expected, list) and isinstance(got, list):
        items = expected[:-1] if ANY in expected else expected
        enough = len(got) >= len(items) if ANY in expected else len(got) == len(items)
        return enough and all(map(matches, items, got))
    if isinstance(expected, dict) and isinstance(got, dict):
        members = {name: item for name, item in expected.items() if name != ANY}
        enough = got.keys() >= members.keys() if ANY in expected else got.keys() == members.keys()
        return enough and all(matches(item, got[name]) for name, item in members.items())
    return type(expected) is type(got) and bool(expected == got)


@pytest.fixture
def replay(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Replay]:
    for program in on_stub(emulator, stub_library, stub_log):
        for start in launchers(program):
            yield Replay(program, start)


@pytest.mark.parametrize("number", range(len(TRANSCRIPTS)))
def test_transcript(replay: Replay, number: int) -> None:
    replay.run(TRANSCRIPTS[number])
    replay.program.every_ticket_was_cancelled_once()


def test_document_covers_the_whole_interface() -> None:
    for row in TABLE:
        assert f"`{row.name}`" in TEXT and f'"method": "{row.name}"' in TEXT, row.name
    schemas = judge().document["components"]["schemas"]
    for word in schemas["Phase"]["enum"] + schemas["ErrorData"]["properties"]["kind"]["enum"]:
        assert f"| `{word}` |" in TEXT, word
    told = "".join(TRANSCRIPTS)
    for code in judge().document["components"]["errors"]:
        assert f'"code": {code}' in told or int(code) == -32603, code
    assert f"({MAX_LINE:,} bytes)" in TEXT and "up to ±(2⁵³ − 1)" in TEXT and MAX_NUMBER == 2**53 - 1
    for name, most in {"requests that run at the same time": MAX_RUNNING, "requests of a batch": MAX_BATCH}.items():
        assert f"| {name} | {most} |" in TEXT
    assert f"| an id | {MAX_ID} characters;" in TEXT and f"| unread responses | {FULL // 2**20} MiB |" in TEXT
    assert IDLE_SECONDS == 10 and "closes Steam ten seconds after the last" in " ".join(TEXT.split())


def test_document_names_only_settings_that_exist() -> None:
    told = set(re.findall(r"^\| `(--[a-z-]+)` \| `?(SUDOMIMUS_\w+)?", TEXT, re.MULTILINE))
    assert ("--application", "SUDOMIMUS_APPLICATION") in told
    assert told <= {*((each.flag, each.variable.partition("=")[0]) for each in SETTINGS), ("--verbose", "")}


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, ANY: ANY}, {"b": 2}),
        (["a", ANY], ["b", "c"]),
        (["a"], ["a", "b"]),
        ("a…c", "abd"),
        (1, True),
        (None, ANY),
    ],
)
def test_matches_notices_a_difference(expected: Any, got: Any) -> None:
    assert not matches(expected, got)


def test_document_names_the_grace_window_and_its_setting(emulator: Emulator) -> None:
    passage = next(each for each in TEXT.split("\n\n") if "grace window" in each)
    assert "ten seconds" in passage and emulator.config.sessions.grace_seconds == 10
    setting = re.search(r"`--set (sessions\.\w+)=0`", passage)
    assert setting is not None
    emulator.update({setting[1]: 0})
    first = emulator.open_session()
    url, body = f"{emulator.urls['session']}/refresh", {"refreshToken": first.refresh_token}
    assert [httpx.post(url, json=body).status_code for _ in range(2)] == [200, 401]
