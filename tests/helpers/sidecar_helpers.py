"""A launcher for the tests of the sidecar, which checks every message against the OpenRPC document."""

from __future__ import annotations

import functools
import json
import queue
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from jsonschema import Draft7Validator

from sudomimus_bridge._sidecar.methods import TABLE
from sudomimus_bridge._sidecar.openrpc import document

from ..cli.test_program import Program
from ..conftest import command
from .patience import PATIENCE

Message = dict[str, Any]


class Judge:
    """Checks single messages against the OpenRPC document."""

    def __init__(self, described: Message) -> None:
        self.document = described
        self._methods = {method["name"]: method for method in described["methods"]}

    def _validator(self, schema: Any) -> Draft7Validator:
        return Draft7Validator({"allOf": [schema], "components": self.document["components"]})

    def _params(self, descriptors: list[Message]) -> Draft7Validator:
        return self._validator(
            {
                "type": "object",
                "properties": {each["name"]: each["schema"] for each in descriptors},
                "required": [each["name"] for each in descriptors if each["required"]],
                "additionalProperties": False,
            }
        )

    def knows(self, method: str) -> bool:
        return method in self._methods

    def params_are_valid(self, method: str, params: Any) -> bool:
        return bool(self._params(self._methods[method]["params"]).is_valid(params or {}))

    def check_answer(self, method: str | None, answer: Message) -> None:
        """Check the response to a request for `method`; None if the line was not a request."""
        assert answer.keys() - {"error", "result"} == {"jsonrpc", "id"} and answer["jsonrpc"] == "2.0"
        if "result" in answer:
            assert "error" not in answer and method is not None
            self._validator(self._methods[method]["result"]["schema"]).validate(answer["result"])
            return
        error = answer["error"]
        assert error.keys() == {"code", "message", "data"} and isinstance(error["message"], str)
        if method in self._methods:
            references = [each["$ref"] for each in self._methods[method]["errors"]]
            assert f"#/components/errors/{error['code']}" in references
        self._validator(self.document["x-error-data"][str(error["code"])]).validate(error["data"])

    def check_notification(self, message: Message) -> None:
        assert message.keys() == {"jsonrpc", "method", "params"} and message["jsonrpc"] == "2.0"
        (described,) = [each for each in self.document["x-notifications"] if each["name"] == message["method"]]
        self._params(described["params"]).validate(message["params"])


@functools.cache
def judge() -> Judge:
    return Judge(document(TABLE))


class Launcher:
    """Starts a sidecar and talks to it. Every line of its standard output is read, kept and checked."""

    def __init__(self, program: Program, *arguments: str, **popen: Any) -> None:
        self.process = subprocess.Popen(
            [*command("sidecar"), *program.flags(), *arguments],
            env=program.all_environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **popen,
        )
        self.notifications: list[Message] = []
        self._answers: dict[Any, Message] = {}
        self._unasked: list[Message] = []
        self._asked: dict[Any, tuple[str, Any]] = {}
        self._lines: queue.Queue[bytes] = queue.Queue()
        self._errors: list[bytes] = []
        self._next_id = 0
        self._reading = threading.Event()
        self._reading.set()
        self._threads = [
            threading.Thread(target=self._read_output, daemon=True),
            threading.Thread(target=self._read_errors, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_output(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._reading.wait()
            self._lines.put(line)
        self._lines.put(b"")

    def _read_errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._errors.append(line)

    @property
    def err(self) -> str:
        return b"".join(self._errors).decode()

    def write(self, data: bytes | str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data if isinstance(data, bytes) else data.encode())
        self.process.stdin.flush()

    def send(self, message: Any) -> None:
        self.write(json.dumps(message) + "\n")

    def ask(self, method: str, params: Any = None, request_id: Any = None) -> Any:
        """Send a request and return its id."""
        if request_id is None:
            self._next_id += 1
            request_id = self._next_id
        self._asked[request_id] = method, params
        self.send(request(method, params, request_id))
        return request_id

    def call(self, method: str, params: Any = None) -> Message:
        """Send a request and wait for its response."""
        return self.answer(self.ask(method, params))

    def answer(self, request_id: Any) -> Message:
        """Wait for the response to a request."""
        while request_id not in self._answers:
            self._next()
        return self._answers.pop(request_id)

    def unasked(self) -> Message:
        """Wait for the next response without an id."""
        while not self._unasked:
            self._next()
        return self._unasked.pop(0)

    def phase(self, request_id: Any, phase: str, times: int = 1) -> Message:
        """Wait for a request's progress of that phase."""

        def found() -> list[Message]:
            told = [message["params"] for message in self.notifications]
            return [each for each in told if each["id"] == request_id and each["phase"] == phase]

        while len(found()) < times:
            assert request_id not in self._answers, self._answers[request_id]
            self._next()
        return found()[times - 1]

    def phases(self, request_id: Any) -> list[str]:
        return [each["params"]["phase"] for each in self.notifications if each["params"]["id"] == request_id]

    def _next(self) -> None:
        try:
            line = self._lines.get(timeout=PATIENCE)
        except queue.Empty:
            pytest.fail(f"nothing came; standard error:\n{self.err}")
        if not line:
            pytest.fail(f"it has ended, with {self.process.wait(PATIENCE)}; standard error:\n{self.err}")
        self._take(line)

    def _take(self, line: bytes) -> None:
        assert line.endswith(b"\n")
        message = json.loads(line)
        for each in message if isinstance(message, list) else [message]:
            self._take_one(each)

    def _take_one(self, message: Message) -> None:
        if "method" in message:
            judge().check_notification(message)
            self.notifications.append(message)
            return
        method, params = self._asked.pop(message["id"], (None, None))
        judge().check_answer(method, message)
        if method is not None and judge().knows(method) and isinstance(params, (dict, type(None))):
            refused = message.get("error", {}).get("code") == -32602
            assert judge().params_are_valid(method, params) is not refused, (method, params, message)
        if message["id"] is None:
            self._unasked.append(message)
        else:
            assert message["id"] not in self._answers
            self._answers[message["id"]] = message

    def expect(self, request_id: Any, method: str, params: Any = None) -> None:
        """Check the response to a request that the test writes by hand."""
        self._asked[request_id] = method, params

    def stop_reading(self) -> None:
        self._reading.clear()

    def go_on_reading(self) -> None:
        self._reading.set()

    def close_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> tuple[int, float]:
        """Wait for the end. Returns the exit status and the seconds since the call. Checks all remaining messages."""
        began = time.monotonic()
        try:
            status = self.process.wait(PATIENCE)
        finally:
            self.process.kill()
        seconds = time.monotonic() - began
        self._reading.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        while not self._lines.empty():
            if line := self._lines.get():
                self._take(line)
        assert "Traceback" not in self.err
        return status, seconds

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the sidecar of a test that has failed."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self._reading.set()
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            with suppress(OSError):
                if stream is not None:
                    stream.close()

    def left_unasked(self) -> list[Message]:
        """The responses without an id that no test has taken."""
        return self._unasked


def request(method: str, params: Any = None, request_id: Any = None) -> Message:
    """A request, or a notification if it has no id."""
    message: Message = {"jsonrpc": "2.0", "method": method}
    if params is not None:
        message["params"] = params
    if request_id is not None:
        message["id"] = request_id
    return message


def launchers(program: Program) -> Iterator[Any]:
    """A fixture's function that starts launchers. All are killed at the end."""
    started: list[Launcher] = []

    def start(*arguments: str, **popen: Any) -> Launcher:
        started.append(Launcher(program, *arguments, **popen))
        return started[-1]

    yield start
    for launcher in started:
        launcher.kill()
