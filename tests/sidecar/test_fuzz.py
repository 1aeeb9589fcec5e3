"""Specifies the sidecar's reaction to hostile lines: valid responses, no growing memory, and a working login afterwards.

pytest tests/sidecar/test_fuzz.py --soak 50      a million lines
"""

from __future__ import annotations

import json
import random
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sudomimus_bridge._sidecar.dispatcher import Dispatcher
from sudomimus_bridge._sidecar.handlers import explain
from sudomimus_bridge._sidecar.interface import read_params
from sudomimus_bridge._sidecar.jsonrpc import RpcError
from sudomimus_bridge._sidecar.methods import TABLE
from sudomimus_bridge._sidecar.streams import MAX_LINE
from sudomimus_bridge.emulator import Emulator

from ..cli.test_program import Program, on_stub
from ..conftest import StubLog, command
from ..helpers.patience import PATIENCE
from ..helpers.sidecar_helpers import judge, request
from .test_jsonrpc import METHODS
from .test_shutdown import needs_proc, resident_kb

LINES = 20_000

BACKLOG_KB = 12 * 1024
"""The growth that responses waiting for their reader may add at first. After that, memory must not grow."""

FLAT_KB = 2 * 1024

TEMPLATES: list[Any] = [
    request("initialize", {}, 1),
    request("initialize", request_id="a"),
    request("login", {"method": "access-key", "openBrowser": True}, 2),
    request("login", {"method": "device"}, 3),
    request("errand", {"accessToken": ""}, 4),
    request("done", {"id": 2}, 5),
    request("cancel", {"id": 2}, 6),
    request("cancel", {"id": "x"}),
    request("refresh", {"refreshToken": "x"}, 7),
    request("logout", {"refreshToken": "x"}, 11),
    request("login", {"method": "browser", "exposureKey": "x", "hiddenKey": "y", "openBrowser": False}, 12),
    [request("initialize", {}, 8), 1, {}, request("cancel", {"id": 8}, 9)],
    {"jsonrpc": "2.0", "id": 10, "result": None},
]
VALUES: list[Any] = [
    None,
    True,
    0,
    -1,
    1e308,
    2**64,
    "",
    "\ud800",
    "\0",
    "é" * 50,
    [],
    {},
    [[]],
    {"id": {}},
    "2.0",
    "login",
]
PIECES = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"\\u",
    b"\\ud800",
    b"null",
    b"NaN",
    b"1e999",
    b"\xff",
    b"\x00",
    b"\r",
    b"-0",
]


class Hostile:
    """Random lines from a seed: random bytes, mutated messages, long and deeply nested lines."""

    def __init__(self, seed: str) -> None:
        self._dice = random.Random(seed)

    def line(self) -> bytes:
        dice = self._dice
        roll = dice.random()
        if roll < 0.0002:
            return dice.choice([b"x", b"[", b" ", b'"']) * (MAX_LINE + dice.choice([-1, 0, 1, MAX_LINE]))
        if roll < 0.002:
            return dice.choice([b"[", b'{"a":', b'[{"id":']) * dice.randrange(1, 20_000)
        if roll < 0.01:
            return b'{"jsonrpc":"2.0","method":"initialize","id":' + b"9" * dice.randrange(1, 9000) + b"}"
        if roll < 0.2:
            return dice.randbytes(dice.randrange(60))
        message = json.loads(json.dumps(dice.choice(TEMPLATES)))
        if roll < 0.6:
            message = self._mutated(message)
        line = json.dumps(message, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")
        return self._damaged(line) if roll > 0.8 else line

    def _mutated(self, message: Any) -> Any:
        dice = self._dice
        target = dice.choice(message) if isinstance(message, list) else message
        if isinstance(target, dict) and target:
            if isinstance(target.get("params"), dict) and target["params"] and dice.random() < 0.5:
                target = target["params"]
            name = dice.choice(list(target))
            match dice.randrange(3):
                case 0:
                    target[name] = dice.choice(VALUES)
                case 1:
                    del target[name]
                case 2:
                    target[dice.choice(["id", "extra", "method", ""])] = dice.choice(VALUES)
        return message

    def _damaged(self, line: bytes) -> bytes:
        dice = self._dice
        for _ in range(dice.randrange(1, 4)):
            at, until = dice.randrange(len(line) + 1), dice.randrange(8)
            line = line[:at] + dice.choice(PIECES) + line[at + until :]
        return line

    def stream(self, lines: int) -> Iterator[bytes]:
        """That many lines, in pieces of random length."""
        pending = b""
        for _ in range(lines):
            pending += self.line() + b"\n"
            if len(pending) > 4000:
                cut = self._dice.randrange(len(pending))
                yield pending[:cut]
                pending = pending[cut:]
        yield pending


@pytest.fixture
def program(emulator: Emulator, stub_library: Path, stub_log: StubLog) -> Iterator[Program]:
    yield from on_stub(emulator, stub_library, stub_log)


class Listener:
    """Reads and checks every line, and keeps only the responses to ids that begin with "mark"."""

    def __init__(self, stdout: Any) -> None:
        self.count = 0
        self.wrong: list[str] = []
        self.found: dict[str, Any] = {}
        self._event = threading.Event()
        self._stdout = stdout
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        for line in self._stdout:
            self.count += 1
            message = json.loads(line)
            for each in message if isinstance(message, list) else [message]:
                try:
                    self._one(each)
                except Exception as error:
                    self.wrong.append(f"{error}: {line[:300]!r}")
        self._event.set()

    def _one(self, each: dict[str, Any]) -> None:
        if "method" in each:
            judge().check_notification(each)
            return
        if "error" in each and self.count % 20 == 0:  # a sample: checking takes longer than answering
            judge().check_answer(None, each)
        assert each.get("error", {}).get("code") != -32603
        assert each.keys() - {"result", "error"} == {"jsonrpc", "id"}
        if isinstance(each["id"], str) and each["id"].startswith("mark"):
            self.found[each["id"]] = each
            self._event.set()

    def close(self) -> None:
        self._thread.join(PATIENCE)

    def wait_for(self, mark: str, seconds: float) -> dict[str, Any]:
        while mark not in self.found:
            if not self._event.wait(seconds):
                pytest.fail(f"{mark} was not answered: the sidecar hangs or has ended")
            self._event.clear()
            assert self._thread.is_alive(), "the sidecar has ended"
        answer: dict[str, Any] = self.found[mark]
        return answer


@needs_proc
def test_hostile_lines(program: Program, soak: int) -> None:
    arguments = [*command("sidecar"), *program.flags()]
    process = subprocess.Popen(
        arguments, env=program.all_environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    listener, stdin = Listener(process.stdout), process.stdin
    said: list[bytes] = []
    errors = threading.Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
    errors.start()
    try:

        def ask(mark: str, method: str, params: Any) -> dict[str, Any]:
            stdin.write(b"\n" + json.dumps(request(method, params, mark)).encode() + b"\n")
            stdin.flush()
            return listener.wait_for(mark, PATIENCE * 2)

        stdin.write(
            (b"[" * (MAX_LINE - 1) + b"\n" + b"x" * (2 * MAX_LINE) + b"\n") * 20
        )  # the largest lines of this test
        resident = []
        for part in range(4):
            for piece in Hostile(f"{soak} {part}").stream(LINES * soak // 4):
                stdin.write(piece)
                stdin.flush()
            assert ask(f"mark {part}", "initialize", {})["result"]
            resident.append(resident_kb(process.pid))
        assert ask("mark login", "login", {"method": "steam", "openBrowser": False})["result"]["accessToken"]
        stdin.close()
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        listener.close()
        with suppress(BrokenPipeError), process:
            errors.join(PATIENCE)
    assert listener.wrong == []
    assert not any(b"Traceback" in line for line in said)
    assert listener.count > LINES * soak // 3
    assert resident[-1] - resident[0] < (BACKLOG_KB if soak < 10 else FLAT_KB), resident
    program.every_ticket_was_cancelled_once()


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "jsonrpc", "method", "x"]), inner)
    ),
    max_leaves=8,
)


def dispatched(*lines: bytes) -> list[Any]:
    sent: list[bytes] = []

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            dispatcher = Dispatcher(METHODS, sent.append, tasks, explain)
            for line in lines:
                dispatcher.receive(line)
            tasks.cancel_scope.cancel()

    anyio.run(main)
    answers = [json.loads(each) for each in sent]
    assert not any("-32603" in json.dumps(answer) for answer in answers)
    return answers


@settings(max_examples=200)
@given(st.lists(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()), max_size=10))
def test_no_line_raises(lines: list[bytes]) -> None:
    answers = dispatched(*lines)
    assert len(answers) <= len(lines)


@settings(max_examples=300)
@given(
    st.sampled_from(TABLE),
    JSON
    | st.fixed_dictionaries(
        {},
        optional={
            "method": JSON | st.sampled_from(["steam", "browser"]),
            **dict.fromkeys(["id", "accessToken", "refreshToken", "exposureKey", "hiddenKey", "openBrowser"], JSON),
        },
    ),
)
def test_params_raise_only_refusals(row: Any, params: Any) -> None:
    """The models and the OpenRPC document accept the same params."""
    if not isinstance(params, dict):
        return
    taken = False
    with suppress(RpcError):
        read_params(row, params)
        taken = True
    valid = judge().params_are_valid(row.name, params)
    assert taken <= valid  # JSON Schema accepts a lone surrogate, and 1.0 as an integer
    if not any(isinstance(value, float | str) for value in params.values()):
        assert taken == valid
