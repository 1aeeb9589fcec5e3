"""Specifies rules that all four APIs share: valid JSON, valid text, known paths and allowed methods."""

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
    """A body as raw text. `json.dumps` cannot write some of these numbers."""
    return f'{{"applicationAnchor": "demo-game", "steamTicketHex": "{new_ticket()}", "steamAppId": {raw_app_id}}}'


def send(client: Client, raw: bytes) -> tuple[int, str | None]:
    headers = {"Content-Type": "application/json"}
    return told(client.http.post("/direct-issue/steam-ticket", content=raw, headers=headers))


def test_whole_number_in_any_json_notation_is_accepted(client: Client) -> None:
    for written in ("480", "480.0", "4.8e2"):
        assert send(client, steam(written).encode()) == (200, None)
    for written in ("480.5", "1e400", "-1e400"):
        assert send(client, steam(written).encode()) == (400, "InvalidBody")
    assert client.establish(realizeConstraints=[_everyone(60.0)]).status_code == 200
    assert told(client.establish(realizeConstraints=[_everyone(60.5)])) == (400, "InvalidBody")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_nan_and_infinity_are_refused_even_in_an_unknown_member(client: Client, number: str) -> None:
    assert send(client, steam(f'480, "more": {number}').encode()) == (400, "InvalidBody")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_other_encodings_than_utf_8_are_refused(client: Client, encoding: str) -> None:
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
def test_empty_text_is_treated_as_an_unknown_name(
    client: Client, api: str, path: str, body: dict[str, Any], expected: str | int
) -> None:
    if path.endswith("access-key"):
        answer = client.access_key(**body)
    else:
        answer = client.http.post(f"{client.emulator.urls[api]}/{path}", json=body)
    assert expected in (answer.status_code, told(answer)[1])


def test_empty_subject_belongs_to_no_player(client: Client) -> None:
    answer = client.send_signed("session", "revoke-all", {"subject": ""})
    assert (answer.status_code, answer.json()) == (200, {"revoked": True})


@pytest.mark.parametrize("key", ["ernd_unknown", "a%2Fb", "a/b", "%2e%2e%2f", "%0a", "%ff", "%00", "", "x" * 5000])
def test_malformed_errand_key_is_answered_like_an_unknown_one(client: Client, key: str) -> None:
    answer = client.http.get(f"/errand/{key}/status")
    assert (answer.status_code, answer.json()) == (200, {"status": "EXPIRED"})
    assert client.emulator.requests[-1].path == "/errand/{errandKey}/status"


def test_errand_of_a_removed_account_expires(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    errand = client.steam().json()["errand"]
    client.emulator.remove_player(ROBIN)
    assert client.status(errand["errandKey"]) == "EXPIRED"
    assert client.http.get(errand["url"]).status_code == 410
    assert ROBIN not in client.emulator.players


@pytest.mark.parametrize("path", ["/errand/", "/connect/establish/", "/device/device-token/", "/health/"])
def test_path_with_a_trailing_slash_is_not_found(client: Client, path: str) -> None:
    assert told(client.http.post(path, json={})) == (404, "RouteNotFound")


def test_answer_to_a_wrong_method_names_the_allowed_ones(client: Client) -> None:
    for path in ("/errand", "/connect/redeem", "/device/device-token", "/session/refresh"):
        answer = client.http.get(path)
        assert (told(answer), answer.headers["allow"]) == ((405, "MethodNotAllowed"), "POST")


def _everyone(seconds: float) -> dict[str, Any]:
    assert json.dumps(seconds).count(".") == 1
    return {"constraintType": "EVERYONE", "payload": {}, "accessTokenTtlSeconds": seconds}
