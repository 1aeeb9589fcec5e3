"""Specifies the dispatcher as a JSON-RPC 2.0 server: the specification's examples, and each kind of refused line."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from sudomimus_bridge._sidecar.dispatcher import MAX_BATCH, MAX_RUNNING, Call, Dispatcher, Method
from sudomimus_bridge._sidecar.handlers import explain
from sudomimus_bridge._sidecar.jsonrpc import INVALID_PARAMS, refused
from sudomimus_bridge._sidecar.streams import Overlong
from sudomimus_bridge._values.errors import LoginCancelled

NO_ANSWER = object()


def subtract(call: Call) -> float:
    if isinstance(call.params, dict):
        return float(call.params["minuend"] - call.params["subtrahend"])
    return float(call.params[0] - call.params[1])


async def wait(call: Call) -> None:
    await anyio.sleep_forever()


async def soon(call: Call) -> str:
    await anyio.sleep(0.001)
    return "done"


def fail(call: Call) -> None:
    raise ZeroDivisionError("with eyJhbGciOiJIUzI1NiJ9.secret in it")


def only_numbers(params: Any) -> Any:
    if not all(isinstance(each, int) for each in params):
        raise refused(INVALID_PARAMS, "They must be numbers.", "params")
    return params


METHODS = [
    Method("subtract", lambda params: params, answer=subtract),
    Method("sum", only_numbers, answer=lambda call: sum(call.params)),
    Method("update", lambda params: params, answer=lambda call: None),
    Method("notify_hello", lambda params: params, answer=lambda call: None),
    Method("notify_sum", lambda params: params, answer=lambda call: None),
    Method("get_data", lambda params: params, answer=lambda call: ["hello", 5]),
    Method("wait", lambda params: params, run=wait),
    Method("soon", lambda params: params, run=soon),
    Method("fail", lambda params: params, answer=fail),
    Method("precious", lambda params: params, run=soon, needs_id=True),
]


def exchange(*lines: bytes | str | Overlong, then: Callable[[Dispatcher], None] = lambda _: None) -> list[Any]:
    """The responses to these lines, after every request that ends by itself has ended."""
    sent: list[bytes] = []

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            dispatcher = Dispatcher(METHODS, sent.append, tasks, explain)
            for line in lines:
                dispatcher.receive(line.encode() if isinstance(line, str) else line)
            await anyio.sleep(0.02)
            then(dispatcher)
            await anyio.sleep(0.005)
            tasks.cancel_scope.cancel()

    anyio.run(run)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 and line.isascii() for line in sent)
    return [json.loads(line) for line in sent]


# https://www.jsonrpc.org/specification, section 7, in its order.
EXAMPLES: list[tuple[str, Any]] = [
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
        {"jsonrpc": "2.0", "result": 19, "id": 1},
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
        {"jsonrpc": "2.0", "result": -19, "id": 2},
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
        {"jsonrpc": "2.0", "result": 19, "id": 3},
    ),
    (
        '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
        {"jsonrpc": "2.0", "result": 19, "id": 4},
    ),
    ('{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', NO_ANSWER),
    ('{"jsonrpc": "2.0", "method": "foobar"}', NO_ANSWER),
    (
        '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
        {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"},
    ),
    (
        '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        {"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": None},
    ),
    (
        '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
        {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None},
    ),
    (
        '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"}, {"jsonrpc": "2.0", "method"',
        {"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": None},
    ),
    ("[]", {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None}),
    ("[1]", [{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None}]),
    ("[1,2,3]", [{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None}] * 3),
    (
        '[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},'
        '{"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},'
        '{"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},'
        '{"foo": "boo"},'
        '{"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},'
        '{"jsonrpc": "2.0", "method": "get_data", "id": "9"}]',
        [
            {"jsonrpc": "2.0", "result": 7, "id": "1"},
            {"jsonrpc": "2.0", "result": 19, "id": "2"},
            {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": None},
            {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
            {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"},
        ],
    ),
    (
        '[{"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},'
        '{"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}]',
        NO_ANSWER,
    ),
]


def without_data(answer: Any) -> Any:
    """A response without `data`, as the specification prints it."""
    if isinstance(answer, list):
        return [without_data(each) for each in answer]
    if "error" in answer:
        answer["error"].pop("data")
    return answer


@pytest.mark.parametrize(("sent", "expected"), EXAMPLES, ids=[f"{at}" for at in range(len(EXAMPLES))])
def test_examples_of_the_specification(sent: str, expected: Any) -> None:
    answers = [without_data(answer) for answer in exchange(sent)]
    assert answers == ([] if expected is NO_ANSWER else [expected])


CALL = '"jsonrpc":"2.0","method":"sum"'
REFUSED: list[tuple[str, bytes | Overlong, int, Any, str | None]] = [
    ("too long", Overlong.LINE, -32600, None, None),
    ("not UTF-8", b'{"jsonrpc":"2.0","id":"\xff"}', -32700, None, None),
    ("a byte order mark", b"\xef\xbb\xbf{}", -32700, None, None),
    ("UTF-16", "{}".encode("utf-16"), -32700, None, None),
    ("NaN", b'{"id":NaN}', -32700, None, None),
    ("-Infinity", b"[-Infinity]", -32700, None, None),
    ("deep nesting", b"[" * 100_000, -32700, None, None),
    ("deep and balanced", b'{"id":' * 100_000 + b"1" + b"}" * 100_000, -32700, None, None),
    ("a number of many digits", b'{"id":' + b"9" * 100_000 + b"}", -32700, None, None),
    ("half a message", b'{"jsonrpc":"2.0"', -32700, None, None),
    ("two messages", b"{} {}", -32700, None, None),
    ("a NUL", b'{"id":1}\0', -32700, None, None),
    ("a string", b'"initialize"', -32600, None, None),
    ("null", b"null", -32600, None, None),
    ("a name twice", b'{"jsonrpc":"2.0","id":1,"id":2,"method":"sum"}', -32600, None, "id"),
    ("a name twice, inside", f'{{{CALL},"id":1,"params":{{"a":1,"a":2}}}}'.encode(), -32600, None, "a"),
    ("no version", b'{"id":1,"method":"sum"}', -32600, 1, "jsonrpc"),
    ("another version", b'{"jsonrpc":"1.0","id":1,"method":"sum"}', -32600, 1, "jsonrpc"),
    ("a number for a version", b'{"jsonrpc":2.0,"id":1,"method":"sum"}', -32600, 1, "jsonrpc"),
    ("no method", b'{"jsonrpc":"2.0","id":"x"}', -32600, "x", "method"),
    ("a response", b'{"jsonrpc":"2.0","id":1,"result":7}', -32600, 1, "method"),
    ("a list for a method", b'{"jsonrpc":"2.0","id":1,"method":["sum"]}', -32600, 1, "method"),
    ("null for params", f'{{{CALL},"id":1,"params":null}}'.encode(), -32600, 1, "params"),
    ("a string for params", f'{{{CALL},"id":1,"params":"x"}}'.encode(), -32600, 1, "params"),
    ("an unknown member", f'{{{CALL},"id":1,"parms":[]}}'.encode(), -32600, 1, "parms"),
    ("an object for an id", f'{{{CALL},"id":{{}}}}'.encode(), -32600, None, "id"),
    ("a boolean for an id", f'{{{CALL},"id":true}}'.encode(), -32600, None, "id"),
    ("an infinite id", f'{{{CALL},"id":1e999}}'.encode(), -32600, None, "id"),
    ("an id beyond 2**53", f'{{{CALL},"id":9007199254740993}}'.encode(), -32600, None, "id"),
    ("a long id", f'{{{CALL},"id":"{"x" * 257}"}}'.encode(), -32600, None, "id"),
    ("wrong params", f'{{{CALL},"id":1,"params":["x"]}}'.encode(), -32602, 1, "params"),
    ("no such method", b'{"jsonrpc":"2.0","id":1,"method":"Sum"}', -32601, 1, "method"),
    ("a batch too large", b"[" + b"1," * MAX_BATCH + b"1]", -32600, None, None),
]


@pytest.mark.parametrize(
    ("line", "code", "request_id", "field"), [each[1:] for each in REFUSED], ids=[r[0] for r in REFUSED]
)
def test_refused_line(line: bytes | Overlong, code: int, request_id: Any, field: str | None) -> None:
    first, second = exchange(line, '{"jsonrpc":"2.0","method":"get_data","id":"after"}')
    assert (first["error"]["code"], first["id"], first["error"]["data"].get("field")) == (code, request_id, field)
    assert first["error"]["data"]["problem"].endswith(".")
    assert second["id"] == "after" and second["result"]


@pytest.mark.parametrize("request_id", [0, -1, 1.5, "", "x" * 256, "\ud800", "\u2028", 2**53 - 1, None])
def test_valid_id_comes_back(request_id: Any) -> None:
    (answer,) = exchange(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "get_data"}))
    assert answer["id"] == request_id and type(answer["id"]) is type(request_id)


@pytest.mark.parametrize("line", ["", " ", "\r", "\t\r"])
def test_empty_line_is_ignored(line: str) -> None:
    assert exchange(line) == []


def test_error_repeats_no_secret() -> None:
    for key in (f"acs_t_{'0' * 64}", "14000000" * 30):
        for line in (
            f'{{"jsonrpc":"2.0","id":1,"method":"{key}"}}',
            f'{{{CALL},"id":1,"{key}":1}}',
            f'{{"{key}":1,"{key}":2}}',
        ):
            assert key[:20] not in json.dumps(exchange(line))


def test_notification_gets_no_response() -> None:
    assert (
        exchange(*(f'{{"jsonrpc":"2.0","method":"{name}","params":["x"]}}' for name in ("sum", "fail", "soon", "x")))
        == []
    )


def test_notification_of_a_method_that_needs_an_id_is_ignored(caplog: pytest.LogCaptureFixture) -> None:
    assert exchange('{"jsonrpc":"2.0","method":"precious"}') == []
    assert "precious was ignored" in caplog.text


def test_bug_ends_its_request_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    failed, fine = exchange('{"jsonrpc":"2.0","id":1,"method":"fail"}', '{"jsonrpc":"2.0","id":2,"method":"soon"}')
    assert failed["error"]["code"] == -32603 and failed["error"]["data"] == {"kind": "internal", "retryable": False}
    assert fine["result"] == "done"
    assert "ZeroDivisionError at test_jsonrpc.py" in caplog.text and "secret in it" not in json.dumps(failed)
    assert "eyJ" not in caplog.text


def test_refusal_of_an_id_in_use_carries_no_id() -> None:
    first, second, third = exchange(
        '{"jsonrpc":"2.0","id":1,"method":"soon"}',
        '{"jsonrpc":"2.0","id":1,"method":"get_data"}',
        '{"jsonrpc":"2.0","id":"1","method":"get_data"}',
    )
    assert (first["id"], first["error"]["code"], first["error"]["data"]["field"]) == (None, -32600, "id")
    assert (second["id"], third["id"]) == ("1", 1)


def test_requests_run_side_by_side_and_a_batch_waits_for_its_last_response() -> None:
    answers = exchange(
        '[{"jsonrpc":"2.0","id":1,"method":"soon"},{"jsonrpc":"2.0","id":2,"method":"get_data"}]',
        '{"jsonrpc":"2.0","id":3,"method":"get_data"}',
    )
    assert answers[0]["id"] == 3
    assert [each["id"] for each in answers[1]] == [2, 1]


def test_cancel_ends_one_request_only() -> None:
    lines = [f'{{"jsonrpc":"2.0","id":{number},"method":"wait"}}' for number in (1, 2)]
    said: list[bool] = []
    (answer,) = exchange(*lines, then=lambda it: said.extend([it.cancel(1), it.cancel(1), it.cancel(7)]))
    assert said == [True, False, False]
    assert answer["id"] == 1 and answer["error"]["data"]["kind"] == LoginCancelled.kind


def test_number_of_running_requests_is_limited() -> None:
    lines = [f'{{"jsonrpc":"2.0","id":{number},"method":"wait"}}' for number in range(MAX_RUNNING + 1)]
    (answer,) = exchange(*lines)
    assert answer["id"] == MAX_RUNNING and answer["error"]["data"]["retryable"] is True


def test_nan_and_infinity_become_null() -> None:
    from sudomimus_bridge._sidecar.jsonrpc import to_line

    assert to_line({"claims": [float("nan"), {"a": float("inf")}, 1.5]}) == b'{"claims":[null,{"a":null},1.5]}\n'
