"""`make contracts`: what an OpenAPI document has that the bridge does not know, and a table that says what the bridge does."""

from __future__ import annotations

import importlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge._service.exchange import Exchange
from sudomimus_bridge._service.replies import Replied
from sudomimus_bridge._service.rules import RULES
from sudomimus_bridge.emulator import Emulator

from ..conftest import StubLog
from ..helpers.emulator_helpers import ROBIN
from ..helpers.every_way_in import column

_DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module of the command."""
    pytest.importorskip("yaml", reason="PyYAML is in the extra `dev`")
    monkeypatch.syspath_prepend(_DOCS)
    return importlib.import_module("compare_contract")


# --- the command -----------------------------------------------------------------------------------------------------

NATIVE = """
openapi: 3.1.0
info: {title: Native, version: 9.9.9}
paths:
  /errand:
    post:
      requestBody:
        content: {application/json: {schema: {properties: {accessToken: {}}}}}
      responses:
        200:
          description: The page, if `ScopeTooLow` is not the case.
          content:
            application/json:
              schema:
                properties:
                  errand: {oneOf: [{type: "null"}, {$ref: "#/components/schemas/Errand"}]}
                  claims: {$ref: "#/components/schemas/Claims"}
        401: {description: Who is this.}
        default: {$ref: "#/components/responses/Failure"}
  /errand/{key}/status:
    get:
      responses:
        200:
          content: {application/json: {schema: {properties: {status: {enum: [PENDING]}}}}}
components:
  responses:
    Failure: {content: {application/json: {schema: {$ref: "#/components/schemas/Error"}}}}
  schemas:
    Error: {description: "`InvalidBody` and others, see `ErrandStatus`.", properties: {reason: {}, message: {}}}
    ErrandStatus: {}
    Errand: {properties: {errandKey: {}, url: {}, expiresAt: {}}}
    Claims: {properties: {email: {properties: {requirement: {}, state: {}}}}}
"""


def edited(old: str, new: str) -> str:
    assert old in NATIVE
    return NATIVE.replace(old, new)


SAME = edited(", if `ScopeTooLow` is not the case", "")


def compare(tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str) -> tuple[int, list[str], str]:
    path = tmp_path / "native.yaml"
    path.write_text(text, encoding="utf-8")
    status = tool.main([str(path)])
    out, err = capsys.readouterr()
    return status, out.splitlines(), err


def test_document_that_has_nothing_new(tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines, _ = compare(tool, tmp_path, capsys, SAME)
    assert status == 0
    assert lines[0].startswith("native.yaml (Native 9.9.9): 0 new, ")
    assert "  lacking  POST /direct-issue/steam-ticket: the call" in lines
    assert "  lacking  POST /errand: status 403" in lines
    assert not [line for line in lines if "/establish" in line]  # another API has another document


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("{accessToken: {}}", "{accessToken: {}, locale: {}}", "POST /errand: the request's locale"),
        ("{accessToken: {}}", "{}", None),
        ("    post:\n", "    post:\n      security: [{Key: []}]\n", "POST /errand: the request's Authorization"),
        (
            "    post:\n",
            "    post:\n      parameters: [{in: query, name: page}]\n",
            "POST /errand: the request's query page",
        ),
        ("url: {}, ", "url: {}, qrCode: {}, ", "POST /errand: the answer's errand.qrCode"),
        ("{email:", "{phone: {}, email:", "POST /errand: the answer's claims.phone"),
        ("{status:", "{steps: {items: {properties: {name: {}}}}, status:", "GET /errand/{}/status: the answer's steps"),
        ("401:", "451: {}\n        401:", "POST /errand: status 451 (today: ServiceUnavailable, "),
        ("401:", "202: {}\n        401:", "POST /errand: status 202 (today: ServiceUnavailable, "),
        ("401:", "503: {}\n        4XX: {}\n        401:", None),  # there is a rule for it
        (
            "401: {description: Who",
            "403: {description: If `PlayerTooYoung`.}\n        401: {description: Who",
            'POST /errand: reason PlayerTooYoung of 403 (today: LoginDenied, "The service refused to sign you in',
        ),
        (
            "401: {description: Who",
            "403: {description: If `AccountDisabled`.}\n        401: {description: Who",
            None,
        ),
        ("reason: {}", "reason: {enum: [InvalidBody, TooLate]}", "POST /errand: reason TooLate"),
        ("reason: {}", "reason: {description: Or `TooLate`.}", "POST /errand: reason TooLate"),
        ("  /errand:\n", "  /wallet: {get: {responses: {}}}\n  /errand:\n", "GET /wallet: the call"),
        ("schemas/Errand", "schemas/Claims", "POST /errand: the answer's errand.email"),
    ],
)
def test_new_part_is_listed(
    tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, found: str | None
) -> None:
    assert old in SAME
    status, lines, _ = compare(tool, tmp_path, capsys, SAME.replace(old, new, 1))
    listed = [line.removeprefix("  new      ") for line in lines if line.startswith("  new ")]
    assert status == (0 if found is None else 1)
    assert (listed == []) is (found is None) and (found is None or listed[0].startswith(found)), listed
    if new == "{}":
        assert "  lacking  POST /errand: the request's accessToken, which the bridge sends" in lines


def test_reason_of_an_answer_that_is_no_error(tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, lines, _ = compare(tool, tmp_path, capsys, NATIVE)
    assert status == 1 and "reason ScopeTooLow of 200" in lines[1]


@pytest.mark.parametrize("dialect", ["documents", "openapi", "v4"])
def test_document_in_json_of_what_the_local_service_plays(
    tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], dialect: str
) -> None:
    document = Emulator().openapi(dialect)
    document["paths"] = {
        re.sub("^/(connect|device|session)/", "/", path): item for path, item in document["paths"].items()
    }
    status, lines, _ = compare(tool, tmp_path, capsys, json.dumps(document, indent="\t"))
    assert (status, lines[0].split(": ")[1].startswith("0 new")) == (0, True), lines
    assert ("  lacking  GET /userinfo: the call" in lines) is (dialect != "v4")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("paths: [", "neither JSON nor YAML"),
        ('{"paths": ', "neither JSON nor YAML"),
        ("[" * 1500, "neither JSON nor YAML"),
        ("", "no `openapi` and `paths`"),
        ("hello", "no `openapi` and `paths`"),
        ("swagger: '2.0'\npaths: {}", "no `openapi` and `paths`"),
        ("openapi: 3.1.0\npaths: {/errand: {post: {}}}", "not as OpenAPI has it"),
        ("openapi: 3.1.0\npaths: {/errand: }", "not as OpenAPI has it"),
        (SAME.replace('"#/components/schemas/Errand"', '"other.yaml#/Errand"'), "refers to another document"),
        (SAME.replace('"#/components/schemas/Errand"', '"#/components/schemas/None"'), "not as OpenAPI has it"),
        (SAME.replace("ErrandStatus: {}", "Loop: {$ref: '#/components/schemas/Loop'}").replace(
            "schemas/Errand\"", "schemas/Loop\""), "refers to itself"),
    ],
)  # fmt: skip
def test_document_that_cannot_be_compared(
    tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, why: str
) -> None:
    status, lines, err = compare(tool, tmp_path, capsys, text)
    assert (status, lines) == (2, []) and why in err and "Traceback" not in err


def test_schema_that_holds_itself(tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holds_itself = SAME.replace("url: {},", 'url: {}, next: {$ref: "#/components/schemas/Errand"},')
    status, lines, _ = compare(tool, tmp_path, capsys, holds_itself)
    assert (status, lines[1]) == (1, "  new      POST /errand: the answer's errand.next")


def test_missing_file(tool: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tool.main([]) == tool.main([str(tmp_path / "none.yaml")]) == tool.main([str(tmp_path)]) == 2
    assert "SPEC=FILE" in (err := capsys.readouterr().err) and "No such file" in err


# --- the table -------------------------------------------------------------------------------------------------------


class Watched(dict[str, Any]):
    """An answer's object that records which members are looked for."""

    def __init__(self, body: dict[str, Any], read: set[str], path: str = "") -> None:
        inside = {
            name: Watched(value, read, f"{path}{name}.") if name == "errand" and isinstance(value, dict) else value
            for name, value in body.items()
        }
        super().__init__(inside)
        self._read, self._path = read, path

    def get(self, name: str, default: Any = None) -> Any:
        self._read.add(f"{self._path}{name}")
        return super().get(name, default)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[set[str], set[str]]]:
    """For each call of the bridge: the members that it has sent, and those that it has looked for in answers."""
    calls: dict[str, tuple[set[str], set[str]]] = {}
    post, get = Exchange.post, Exchange.get

    def watched(call: str, sent: set[str], reply: Any) -> Any:
        sends, reads = calls.setdefault(re.sub("(?<=^GET /errand/)[^/]+", "{}", call), (set(), set()))
        sends |= sent
        return replace(reply, body=Watched(reply.body, reads)) if isinstance(reply, Replied) else reply

    async def watched_post(exchange: Exchange, path: str, body: Any, sign: Any = None) -> Any:
        sent = {*body, *(["Authorization"] if sign else [])}
        return watched(f"POST {path}", sent, await post(exchange, path, body, sign))

    async def watched_get(exchange: Exchange, path: str, bearer: Any = None) -> Any:
        return watched(f"GET {path}", {"Authorization"} if bearer else set(), await get(exchange, path, bearer))

    monkeypatch.setattr(Exchange, "post", watched_post)
    monkeypatch.setattr(Exchange, "get", watched_get)
    return calls


def test_table_is_what_the_bridge_sends_and_reads(
    tool: Any, seen: Any, emulator: Emulator, stub_library: Path, stub_log: StubLog, hurried: None
) -> None:
    column("`Bridge`", "v4", stub_library)
    emulator.update({"scripted_player.does": "approves", "claims.email": "REQUIRED"})
    with Bridge(**emulator.settings, steam_library=stub_library, no_browser=True) as bridge:
        bridge.login("browser", client_key_file=emulator.urls["clientKeyFile"])
        emulator.put_player(steam_id=ROBIN, email=None, grants={"email": "UNKNOWN"})
        bridge.login()  # with an errand
        emulator.update({"scripted_player.after_seconds": 0.1})
        bridge.login("device")  # with polls that come too early
    table = {use.call: use for use in tool.USES}
    assert set(seen) == set(table)
    for call, (sent, read) in seen.items():
        assert table[call].sends - {"realizeConstraints", "authenticationConstraints"} == sent, call
        assert read - tool.EVERYWHERE <= table[call].reads <= read | tool.EVERYWHERE, call


def test_every_reason_of_the_rules_is_one_of_the_services(tool: Any) -> None:
    known = {reason for call in tool.known_calls().values() for _, reason in call.reasons}
    assert {reason for rule in RULES for reason in rule.reasons} <= known
