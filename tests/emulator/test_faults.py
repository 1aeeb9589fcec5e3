"""Specifies fault rules: how they are written, and what a real client receives."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._config.fault_rule import FaultRule, parse_fault
from sudomimus_bridge.emulator._contract.paths import REQUESTS
from sudomimus_bridge.emulator._web.application import JournalMiddleware, service_routes

from ..helpers.emulator_helpers import Client, new_ticket, told
from ..helpers.patience import PATIENCE


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        client = Client(emulator)
        with client.http:
            yield client


def test_status_with_reason_and_headers_a_number_of_times(client: Client) -> None:
    client.emulator.fault(path="/direct-issue/*", times=2, status=503, headers={"Retry-After": "3"})
    ticket = new_ticket()
    answer = client.steam(ticket)
    assert (told(answer), answer.headers["retry-after"]) == ((503, None), "3")
    assert told(client.access_key()) == (503, None)
    assert client.steam(ticket).status_code == 200  # the ticket of the first request was never processed
    client.emulator.fault("* * 418 reason=Teapot")
    assert told(client.steam()) == (418, "Teapot")
    client.emulator.clear_faults()
    client.emulator.fault("* * 500 reason=PRIVATE_THING")
    assert told(client.steam()) == (500, None)


@pytest.mark.parametrize("pieces", [[b""], [b"all"], [b"ha", b"lf"]])
def test_request_is_in_the_journal_before_the_client_has_the_whole_answer(pieces: list[bytes]) -> None:
    """An answer without a body is whole as soon as its head has arrived."""
    emulator, length = Emulator(), sum(map(len, pieces))
    received: list[int] = []

    async def app(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 401, "headers": []})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})

    async def client(message: Message) -> None:
        received.append(len(message.get("body", b"")))
        assert sum(received) < length or [request.status for request in emulator.requests] == [401]

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def ask() -> None:
        scope = {"type": "http", "method": "POST", "path": "/errand", "state": {}}
        await JournalMiddleware(app, emulator._state, untouched="/control")(scope, receive, client)

    anyio.run(ask)
    assert received == [0, *map(len, pieces)]


def test_rules_apply_in_order_and_may_skip_requests(client: Client) -> None:
    client.emulator.fault("POST /direct-issue/* 502 skip=1 times=1")
    client.emulator.fault("POST /direct-issue/* 429 skip=1 times=1")
    # Both rules skip the first request.
    assert [client.steam().status_code for _ in range(5)] == [200, 502, 429, 200, 200]
    client.emulator.fault("GET * 500")
    assert client.steam().status_code == 200


@pytest.mark.parametrize(("when", "then"), [("before", 200), ("after", 409)])
def test_reset_before_and_after_the_request_is_processed(client: Client, when: str, then: int) -> None:
    client.emulator.fault(f"POST /direct-issue/* reset when={when} times=1")
    ticket = new_ticket()
    with pytest.raises(httpx.ReadError):
        client.steam(ticket)
    assert client.steam(ticket).status_code == then
    assert [entry.fault for entry in client.emulator.requests] == ["reset", None]


def test_reset_is_a_real_tcp_reset(client: Client) -> None:
    client.emulator.fault("GET /health reset")
    url = urlsplit(client.emulator.urls["native"])
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=PATIENCE) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)


@pytest.mark.parametrize("rule", ["* * garbage", "* * truncate", "* * truncate when=after"])
def test_garbage_and_truncated_answers(client: Client, rule: str) -> None:
    client.emulator.fault(rule + " times=1")
    with pytest.raises(httpx.RemoteProtocolError):
        client.steam()
    assert client.steam().status_code == 200


def test_other_content_type_and_broken_json(client: Client) -> None:
    client.emulator.fault("POST * type=text/html times=1")
    assert client.steam().headers["content-type"] == "text/html"
    client.emulator.fault(status=200, body='{"accessToken": "eyJ', times=1)
    with pytest.raises(ValueError):
        client.steam().json()
    client.emulator.fault(status=200, body={"status": "LATER"}, path="/errand/*/status")
    assert client.http.get("/errand/ernd_x/status").json() == {"status": "LATER"}


def test_redirect(client: Client) -> None:
    client.emulator.fault("POST * 307 redirect=http://127.0.0.1:9/elsewhere")
    answer = client.steam()
    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:9/elsewhere")


def test_huge_answer_is_streamed(client: Client) -> None:
    client.emulator.fault("POST * huge=3")
    with client.http.stream("POST", "/direct-issue/steam-ticket", json={}) as answer:
        assert "content-length" not in answer.headers
        assert sum(len(chunk) for chunk in answer.iter_bytes()) > 3 * 1024 * 1024
    with client.http.stream("POST", "/direct-issue/steam-ticket", json={}) as answer:
        next(answer.iter_bytes())  # a client may close the connection early
    client.emulator.clear_faults()
    assert client.steam().status_code == 200


def test_delay_makes_a_client_time_out(client: Client) -> None:
    client.emulator.fault("POST * delay=30 when=after times=1")
    ticket = new_ticket()
    with pytest.raises(httpx.ReadTimeout):
        client.http.post(
            "/direct-issue/steam-ticket",
            json={"applicationAnchor": "demo-game", "steamTicketHex": ticket, "steamAppId": 480},
            timeout=0.05,
        )
    assert client.steam(ticket).status_code == 409


def test_slow_drip(client: Client) -> None:
    client.emulator.fault("GET /health drip=0.001 times=1")
    with client.http.stream("GET", "/health") as answer:
        assert len(list(answer.iter_raw())) > 10
    client.emulator.fault("GET /health drip=30")
    with pytest.raises(httpx.ReadTimeout):
        client.http.get("/health", timeout=0.05)


def test_emulator_ends_at_once_while_an_answer_is_delayed() -> None:
    with Emulator({"faults": [{"delay": 60}]}) as emulator:
        client = Client(emulator)
        with client.http, pytest.raises(httpx.ReadTimeout):
            client.http.get("/health", timeout=0.05)
        started = time.monotonic()
    assert time.monotonic() - started < 30  # the delay is 60 seconds


def test_pages_and_polls_can_fail_and_the_control_api_cannot(client: Client) -> None:
    client.emulator.fault("* * 500")
    assert client.http.get("/via/errand").status_code == 500
    assert client.http.get("/errand/ernd_x/status").status_code == 500
    assert client.control("GET", "state").status_code == 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "POST /direct-issue/* 503 times=2 retry-after=3",
            FaultRule(method="POST", path="/direct-issue/*", status=503, times=2, headers={"retry-after": "3"}),
        ),
        ("/errand/*/status reset when=after", FaultRule(path="/errand/*/status", reset=True, when="after")),
        ("* * 200 body='{\"a\": 1}'", FaultRule(status=200, body={"a": 1})),
        ("GET drip=0.5", FaultRule(method="GET", drip_seconds=0.5)),
        ('{"garbage": true, "times": 1}', FaultRule(garbage=True, times=1)),
        ('{"hugeMegabytes": 2}', FaultRule(huge_megabytes=2)),
    ],
)
def test_short_form_of_a_rule(text: str, expected: FaultRule) -> None:
    assert parse_fault(text) == expected


NO_RULES = ["", "POST", "/x", "nonsense", "reset garbage", "times=0 reset", "* * reason=X", '{"odd": 1}', "{", "99"]
SLIPS = ["/x 503 tims=2", "/x statsu=503", "/x 503 delays=1"]


@pytest.mark.parametrize("text", NO_RULES + SLIPS)
def test_malformed_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_fault(text)


# --- rules that match nothing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("POST /direct-isue/* 503", "no request has the path '/direct-isue/*'; did you mean '/direct-issue/"),
        ("/connect/reedem 503", "did you mean '/connect/redeem'?"),
        ("/errand/*/stats 503", "did you mean '/errand/{errandKey}/status'?"),
        ("/session/refresh?x=1 503", "did you mean '/session/refresh'?"),
        ("/Session/refresh 503", "did you mean '/session/refresh'?"),
        ("/nowhere 503", "no request has the path '/nowhere'"),
        ("GET /direct-issue/* 503", "no request to '/direct-issue/*' has the method 'GET'; use POST"),
        ("PSOT /errand 503", "has the method 'PSOT'; use POST"),
        ("DELETE * 503", "has the method 'DELETE'"),
    ],
)
def test_rule_that_matches_no_request_is_refused(client: Client, rule: str, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        client.emulator.fault(rule)
    answer = client.control("POST", "faults", [rule])
    assert answer.status_code == 422 and expected in answer.json()["error"]
    *method, path, _ = rule.split()
    fields = {"method": "".join(method) or "*", "path": path, "status": 503}
    with pytest.raises(ValueError, match=re.escape(expected)):
        client.emulator.update(faults=[fields])
    assert client.emulator._faults.active == []


@pytest.mark.parametrize(
    "rule",
    [
        *("* * 503", "/errand/ernd_one/status 503", "/errand/* 503", "/errand/*/status 503", "/*/establish 503"),
        *("/via/avatar/?[0-9]*.svg 503", "HEAD /health 503", "GET /*/health 503", "/via/[ed]* 503"),
    ],
)
def test_rule_that_matches_some_request_is_accepted(client: Client, rule: str) -> None:
    client.emulator.fault(rule)


def test_known_paths_are_those_of_the_routes(client: Client) -> None:
    routes: dict[str, set[str]] = {}
    for route in service_routes(client.emulator._state):
        path = re.sub(r":[a-z]+}", "}", route.path)
        routes.setdefault(path, set()).update((route.methods or set()) - {"HEAD"})
    assert {path: " ".join(sorted(methods)) for path, methods in routes.items()} == REQUESTS
