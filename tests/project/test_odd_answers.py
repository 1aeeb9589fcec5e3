"""Specifies that any answer of the service ends in a result or a bridge error, in every door."""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sudomimus_bridge._cli.output import Output
from sudomimus_bridge._cli.terminal import Terminal, claims_summary, login_summary
from sudomimus_bridge._login import renewal
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._program.bridge import Bridge
from sudomimus_bridge._service.answers import Refreshed
from sudomimus_bridge._service.replies import MAX_DEPTH, read_json
from sudomimus_bridge._session.record import Record, from_json
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._sidecar.dispatcher import Call
from sudomimus_bridge._sidecar.handlers import _listener, explain
from sudomimus_bridge._sidecar.interface import checked
from sudomimus_bridge._sidecar.jsonrpc import INTERNAL_ERROR, response, to_line
from sudomimus_bridge._values.clock import Uptime
from sudomimus_bridge._values.errors import BridgeError
from sudomimus_bridge._values.events import ErrandResult, LoginResult, ProgressEvent
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._scripted_browser import RecordingBrowser
from sudomimus_bridge.testing._scripted_service import TOKENS, ScriptedTransport, Step, errand_step, scripted
from sudomimus_bridge.testing._stub_steam import StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.service_helpers import (
    ACCESS_KEY,
    AUTHORIZATION_PENDING,
    EXPOSURE,
    GRANTED,
    HIDDEN,
    PENDING,
    REALIZED,
)

CLAIMS = {
    "email": {"requirement": "REQUIRED", "state": "GRANTED"},
    "firstName": {"requirement": "SYNTHETIC_FALLBACK", "state": "DENIED"},
}
ISSUED = Step(body={**TOKENS, "claims": CLAIMS})
COMPLETED = Step(body={"status": "COMPLETED"})
ERRAND = errand_step()
OWED = Step(body={"errand": ERRAND.body["errand"], "claims": CLAIMS})
NOTHING_OWED = Step(body={"errand": None, "claims": CLAIMS})
REVOKED = Step(body={"revoked": True})
BUSY = Step(429, {"reason": "TooManyRequests"}, {"Retry-After": "3"})

FLOWS: dict[str, tuple[list[Step], list[Step]]] = {
    "steam": ([ERRAND, BUSY, ISSUED], [PENDING, COMPLETED]),
    "access-key": ([ERRAND, ISSUED], [COMPLETED]),
    "browser": ([ISSUED], [PENDING, REALIZED]),
    "device": ([GRANTED], [AUTHORIZATION_PENDING, ISSUED]),
    "share": ([OWED, NOTHING_OWED], [COMPLETED]),
    "refresh": ([ISSUED], []),
    "logout": ([REVOKED], []),
}
"""For each flow, valid answers to its requests and to its polls."""

ODD = [
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "-0.0", "0.5", "-1", "9" * 400, "-" + "9" * 5000),
    *(
        "[" * 65 + "]" * 65,
        "[" * 256 + "]" * 256,
        '{"a":' * 256 + "1" + "}" * 256,
        "[" * 9000 + "]" * 9000,
        "[" * 90_000,
    ),
    *("null", "true", "[]", "{}", '[["REQUIRED"]]', '{"a": 1, "a": {"b": NaN}}', '{"\\ud800": {"state": "\\udfff"}}'),
    *(
        '""',
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\u0000\\n"',
        '"\\u001b[2J"',
        '"é"',
        f'"{"x" * 5000}"',
        '"https://[bad"',
    ),
]
"""Texts that are JSON, or that Python's parser accepts as JSON."""

HEADERS = {
    "Retry-After": ["9" * 400, "-1", "NaN", "1e400", "Fri, 31 Dec 99999 23:59:59 GMT", "+5", ""],
    "Date": ["Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 +2359", "0", "NaN", ""],
    "Content-Type": ["text/html", "application/json; charset=utf-16", "\x1b[2J", "application/problem+json", ""],
}


def test_json_that_only_python_accepts_is_corrected() -> None:
    body = b'{"a": [NaN, -Infinity, 1e400, %s, 12], "b": "\\ud800x", "c": "\\ud83d\\ude00", "\\udfff": 1, "a2": 1.5}'
    assert read_json(body % (b"9" * 400)) == {
        "a": [None, None, None, None, 12],
        "b": "\ufffdx",
        "c": "\U0001f600",
        "\ufffd": 1,
        "a2": 1.5,
    }
    nested = read_json(b"[" * 200 + b"]" * 200)
    for _ in range(MAX_DEPTH - 1):
        nested = nested[0]
    assert nested == [None]
    for text in (b"[" * 200_000, b"", b"{", b"\xff", b"nan"):
        with pytest.raises(ValueError):
            read_json(text)


@dataclass(frozen=True)
class Change:
    """A change to one of a flow's answers: the value at a place in its body, a header, or its status."""

    answer: int
    place: int
    value: str
    headers: dict[str, str]
    status: int | None

    def applied(self, steps: list[Step]) -> list[Step]:
        """The flow's answers, one of them changed."""
        at = self.answer % len(steps)
        step = steps[at]
        body = json.loads(json.dumps(step.body))
        places = list(_places(body))
        holder, name = places[self.place % len(places)]
        holder[name] = "@@"
        return [
            *steps[:at],
            Step(
                self.status or step.status,
                json.dumps(body).replace('"@@"', self.value).encode(),
                {**step.headers, **self.headers},
            ),
            *steps[at + 1 :],
        ]


def _places(value: Any) -> Any:
    """The path of every member of an object, nested ones included, and of one that does not exist."""
    yield value, "added"
    for name, item in list(value.items()):
        yield value, name
        if isinstance(item, dict):
            yield from _places(item)


CHANGES = st.lists(
    st.builds(
        Change,
        answer=st.integers(0, 4),
        place=st.integers(0, 11),
        value=st.sampled_from(ODD),
        headers=st.dictionaries(st.sampled_from(sorted(HEADERS)), st.integers(0, 6), max_size=2).map(
            lambda chosen: {name: HEADERS[name][at % len(HEADERS[name])] for name, at in chosen.items()}
        ),
        status=st.sampled_from([None] * 8 + [200, 201, 204, 302, 400, 403, 500]),
    ),
    min_size=1,
    max_size=3,
)


class _Tty(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Doors:
    """Passes a flow's progress, result and error to the output code of the command line and of the sidecar."""

    def __init__(self) -> None:
        self.terminals = [Terminal(_Tty()), Terminal(io.StringIO())]
        self.lines: list[bytes] = []
        self._tell = _listener(Call(1, None, lambda method, params: self.lines.append(to_line({method: params}))))

    def progress(self, event: ProgressEvent) -> None:
        for terminal in self.terminals:
            terminal.progress(event)
        self._tell(event)

    def error(self, error: BridgeError) -> None:
        for terminal in self.terminals:
            terminal.error(error)
        explained = explain(error)
        assert explained.code != INTERNAL_ERROR
        self.lines.append(to_line(explained.data))

    def result(self, result: LoginResult | ErrandResult) -> None:
        login = isinstance(result, LoginResult)
        for text in [login_summary(result)] if isinstance(result, LoginResult) else claims_summary(result.claims):
            assert text.encode() and "\x1b" not in text
        self.lines.append(to_line(response(1, checked("LoginTokens" if login else "ErrandOutcome", result.to_json()))))
        self.lines.append(printed(result.to_json()))

    def check(self) -> None:
        for line in self.lines:
            strict(line)
        for terminal in self.terminals:
            assert "\x1b[2J" not in terminal.stream.getvalue()  # type: ignore[attr-defined]


def printed(value: dict[str, Any]) -> bytes:
    """The output of `--json`."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as out:
        with os.fdopen(writer, "wb"):
            Output(writer, "utf-8").json(value) if len(json.dumps(value)) < 60_000 else None
        return out.read() or json.dumps(value).encode()


def strict(line: bytes) -> Any:
    """Parse a line as a strict JSON parser does."""

    def refuse(name: str) -> NoReturn:
        raise AssertionError(f"{name} is not JSON")

    value = json.loads(line.decode("utf-8"), parse_constant=refuse)
    json.dumps(value, ensure_ascii=False).encode()  # raises for a lone surrogate
    return value


async def flow_of(
    how: str, transport: ScriptedTransport, clock: VirtualClock, listen: Callable[[ProgressEvent], None]
) -> Any:
    """Run one flow as a program does, and return its result or its bridge error."""
    ports: dict[str, Any] = {"steam": StubSteam(clock), "browser": RecordingBrowser(), "clock": clock}
    given: dict[str, Any] = {"application": "my-game", "steam_app_id": 480, "timeout": 40}
    bridge = Bridge(**ports, service=scripted(transport), **given)
    credentials: dict[str, Any] = {
        "access-key": {"access_key_id": ACCESS_KEY[0], "access_key_secret": ACCESS_KEY[1].reveal()},
        "browser": {"exposure_key": EXPOSURE, "hidden_key": HIDDEN},
    }
    try:
        if how == "share":
            return await bridge.share_async("access.token.1", listen)
        if how in ("refresh", "logout"):
            all_ports = Ports(read_settings(given, {}), **ports, open_service=scripted(transport))
            return await getattr(renewal, how)(Secret("refresh.token.0"), all_ports)
        login: Any = bridge.login_async
        return await login(how, listen, **credentials.get(how, {}))
    except BridgeError as error:
        return error


@pytest.mark.parametrize("how", FLOWS)
@settings(max_examples=30, suppress_health_check=list(HealthCheck), derandomize=True)
@given(changes=CHANGES)
def test_odd_answer_ends_in_a_result_or_a_bridge_error_in_every_door(how: str, changes: list[Change]) -> None:
    posts, polls = FLOWS[how]
    for change in changes:
        if change.answer % 2 and polls and isinstance(polls[change.answer % len(polls)].body, dict):
            polls = change.applied(polls)
        elif isinstance(posts[change.answer % len(posts)].body, dict):
            posts = change.applied(posts)
    clock, doors = VirtualClock(), Doors()
    transport = ScriptedTransport(clock, posts, polls)
    outcome = clock.run(flow_of, how, transport, clock, doors.progress)
    if isinstance(outcome, Refreshed):
        outcome = outcome.result or outcome.error
    if isinstance(outcome, BridgeError):
        doors.error(outcome)
    elif isinstance(outcome, (LoginResult, ErrandResult)):
        doors.result(outcome)
    else:
        assert outcome is None or isinstance(outcome, bool)
    doors.check()
    if isinstance(outcome, LoginResult):
        record = Record.of(outcome, how, Uptime("boot", 1.0))
        kept = from_json(record.to_json())
        assert kept is not None and kept.claims == outcome.claims


@pytest.mark.parametrize(
    "value", [value for value in ODD if value != "[" * 90_000]
)  # it would make the answer invalid JSON
@pytest.mark.parametrize("at", ["claims", "a claim", "a state", "a requirement", "expiresIn", "unknown"])
def test_odd_value_beside_the_tokens_does_not_lose_them(at: str, value: str) -> None:
    claim = {"requirement": "REQUIRED", "state": "@@"} if at == "a state" else {"requirement": "@@", "state": "x"}
    claims = "@@" if at == "claims" else {"email": "@@" if at == "a claim" else claim}
    body = {**TOKENS, "claims": claims if "claim" in at or "state" in at or "requirement" in at else {}}
    if at in ("expiresIn", "unknown"):
        body[at] = "@@"
    step = Step(body=json.dumps(body).replace('"@@"', value).encode())
    clock, doors = VirtualClock(), Doors()
    outcome = clock.run(flow_of, "access-key", ScriptedTransport(clock, [step]), clock, doors.progress)
    if value.startswith("[" * 9000) and isinstance(outcome, BridgeError):
        assert "not JSON" in (outcome.detail or "")  # more nesting than this Python's parser accepts
        return
    assert isinstance(outcome, LoginResult), outcome
    assert outcome.access_token == TOKENS["accessToken"]
    doors.result(outcome)
    doors.check()


@pytest.mark.parametrize("value", [value for value in ODD if len(value) < 50_000])
@pytest.mark.parametrize("name", ["expiresIn", "interval"])
def test_odd_number_of_seconds_does_not_end_a_device_login(name: str, value: str) -> None:
    body = json.dumps({**GRANTED.body, name: "@@"}).replace('"@@"', value).encode()
    if value.startswith("[" * 9000):
        return
    clock, doors = VirtualClock(), Doors()
    transport = ScriptedTransport(clock, [Step(body=body)], [AUTHORIZATION_PENDING, ISSUED])
    outcome = clock.run(flow_of, "device", transport, clock, doors.progress)
    # A code whose lifetime is shorter than the polling interval expires, which is a valid end.
    assert isinstance(outcome, LoginResult) or outcome.reason in (None, "expired_token"), outcome
    assert math.isfinite(clock.elapsed)
    doors.check()
