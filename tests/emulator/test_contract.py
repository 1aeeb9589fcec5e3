"""The edges of the contracts, the same for all four APIs: what is JSON, what is text, which path and which method there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from sudomimus_bridge.emulator import Emulator

from ..helpers.emulator_helpers import ROBIN, Client, new_ticket, told


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


def steam(raw_app_id: str) -> str:
    """A body as it stands on the wire, for what no serialiser of this language writes."""
    return f'{{"applicationAnchor": "demo-game", "steamTicketHex": "{new_ticket()}", "steamAppId": {raw_app_id}}}'


def send(client: Client, raw: bytes) -> tuple[int, str | None]:
    headers = {"Content-Type": "application/json"}
    return told(client.http.post("/direct-issue/steam-ticket", content=raw, headers=headers))


def test_a_whole_number_is_one_however_it_is_written(client: Client) -> None:
    for written in ("480", "480.0", "4.8e2"):
        assert send(client, steam(written).encode()) == (200, None)
    for written in ("480.5", "1e400", "-1e400"):
        assert send(client, steam(written).encode()) == (400, "InvalidBody")
    assert client.establish(realizeConstraints=[_everyone(60.0)]).status_code == 200
    assert told(client.establish(realizeConstraints=[_everyone(60.5)])) == (400, "InvalidBody")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json_is_refused_where_nobody_reads_it_too(client: Client, number: str) -> None:
    assert send(client, steam(f'480, "more": {number}').encode()) == (400, "InvalidBody")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_json_is_utf_8_without_a_mark(client: Client, encoding: str) -> None:
    assert send(client, steam("480").encode(encoding)) == (400, "InvalidBody")


@pytest.mark.parametrize(
    ("api", "path", "body", "expected"),
    [
        (
            "native",
            "direct-issue/steam-ticket",
            {"applicationAnchor": "", "steamTicketHex": "00", "steamAppId": 480},
            404,
        ),
        ("native", "direct-issue/access-key", {"accessKeyIdentifier": ""}, "InvalidAccessKeyIdentifier"),
        ("native", "direct-issue/access-key", {"accessKeySecret": ""}, "InvalidAccessKeySecret"),
        ("connect", "status-poll", {"exposureKey": "", "hiddenKey": ""}, "InquiryNotFound"),
        ("connect", "redeem", {"exposureKey": "", "hiddenKey": "", "confirmationKey": ""}, "InquiryNotFound"),
        ("connect", "info", {"applicationAnchor": "demo-game", "locale": ""}, 200),
        ("session", "refresh", {"refreshToken": ""}, "RefreshTokenInvalid"),
        ("session", "logout", {"refreshToken": ""}, "RefreshTokenInvalid"),
    ],
)
def test_empty_text_is_text_that_names_nothing(
    client: Client, api: str, path: str, body: dict[str, Any], expected: str | int
) -> None:
    if path.endswith("access-key"):
        answer = client.access_key(**body)
    else:
        answer = client.http.post(f"{client.emulator.urls[api]}/{path}", json=body)
    assert expected in (answer.status_code, told(answer)[1])


def test_nobody_has_the_empty_subject(client: Client) -> None:
    answer = client.send_signed("session", "revoke-all", {"subject": ""})
    assert (answer.status_code, answer.json()) == (200, {"revoked": True})


@pytest.mark.parametrize("key", ["ernd_unknown", "a%2Fb", "a/b", "%2e%2e%2f", "%0a", "%ff", "%00", "", "x" * 5000])
def test_a_malformed_errand_key_looks_like_an_unknown_one(client: Client, key: str) -> None:
    answer = client.http.get(f"/errand/{key}/status")
    assert (answer.status_code, answer.json()) == (200, {"status": "EXPIRED"})
    assert client.emulator.requests[-1].path == "/errand/{errandKey}/status"


def test_an_account_that_is_gone_has_no_errand(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    errand = client.steam().json()["errand"]
    client.emulator.remove_player(ROBIN)
    assert client.status(errand["errandKey"]) == "EXPIRED"
    assert client.http.get(errand["url"]).status_code == 410
    assert ROBIN not in client.emulator.players


@pytest.mark.parametrize("path", ["/errand/", "/connect/establish/", "/device/device-token/", "/health/"])
def test_a_slash_too_many_is_not_found(client: Client, path: str) -> None:
    assert told(client.http.post(path, json={})) == (404, "RouteNotFound")


def test_a_wrong_method_hears_which_are_allowed(client: Client) -> None:
    for path in ("/errand", "/connect/redeem", "/device/device-token", "/session/refresh"):
        answer = client.http.get(path)
        assert (told(answer), answer.headers["allow"]) == ((405, "MethodNotAllowed"), "POST")


def _everyone(seconds: float) -> dict[str, Any]:
    assert json.dumps(seconds).count(".") == 1
    return {"constraintType": "EVERYONE", "payload": {}, "accessTokenTtlSeconds": seconds}
