"""Specifies the emulator's Device API, which follows RFC 8628, over a real socket."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.emulator._memory.sign_ins import normal_user_code

from ..helpers.emulator_helpers import KIM, ROBIN, Client, told


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


def authorize(client: Client) -> dict[str, Any]:
    answer = client.device("device-authorize", {"applicationAnchor": "demo-game"})
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def poll(client: Client, device: dict[str, Any]) -> httpx.Response:
    return client.device("device-token", {"deviceCode": device["deviceCode"]})


def error(answer: httpx.Response) -> tuple[int, str, int | None]:
    """The status, the error and the interval. The answer has no other member."""
    assert set(answer.json()) <= {"error", "interval"}
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    return answer.status_code, answer.json()["error"], answer.json().get("interval")


# --- /device-authorize -----------------------------------------------------------------------------------------------


def test_codes_of_an_authorization(client: Client) -> None:
    device, via = authorize(client), client.emulator.urls["via"]
    assert device == {
        "applicationAnchor": "demo-game",
        "deviceCode": device["deviceCode"],
        "userCode": device["userCode"],
        "verificationUri": f"{via}/device",
        "verificationUriComplete": f"{via}/device?user-code={device['userCode']}",
        "expiresIn": 600,
        "interval": 5,
    }
    assert re.fullmatch("dvc_[0-9a-f]{64}", device["deviceCode"])
    signs = "[0-9ABCDEFGHJKMNPQRSTVWXYZ]{4}"
    assert re.fullmatch(f"{signs}-{signs}", device["userCode"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"applicationAnchor": 7},
        {"applicationAnchor": "ab"},
        {"applicationAnchor": "a" * 65},
        {"applicationAnchor": "Demo-Game"},
        {"applicationAnchor": "demo--game"},
        {"applicationAnchor": "demo-game", "scope": "all"},
    ],
)
def test_malformed_request_is_refused(client: Client, body: Any) -> None:
    assert told(client.device("device-authorize", body)) == (400, "InvalidBody")


def test_order_of_the_checks(client: Client) -> None:
    client.emulator.update({"application": {"disabled": True, "device_code": False}, "budgets.available": False})
    body = {"applicationAnchor": "another"}
    assert told(client.device("device-authorize", body)) == (503, None)
    client.emulator.update({"budgets": {"available": True, "attempts_per_application": 0}})
    assert told(client.device("device-authorize", body)) == (429, None)
    client.emulator.update({"budgets.attempts_per_application": 150})
    assert told(client.device("device-authorize", body)) == (404, "ApplicationNotFound")
    body = {"applicationAnchor": "demo-game"}
    assert told(client.device("device-authorize", body)) == (403, "ApplicationNotActive")
    client.emulator.update({"application.disabled": False})
    assert told(client.device("device-authorize", body)) == (403, "Layer3Denied")
    client.emulator.update({"application.device_code": True})
    assert client.device("device-authorize", body).status_code == 200


# --- /device-token ---------------------------------------------------------------------------------------------------


def test_sign_in_by_the_complete_address(client: Client) -> None:
    device = authorize(client)
    assert error(poll(client, device)) == (400, "authorization_pending", None)
    assert visit(device["verificationUriComplete"]) == "done"
    answer = poll(client, device)
    assert answer.status_code == 200
    assert set(answer.json()) == {"applicationAnchor", "accessToken", "refreshToken", "claims"}
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert client.session("refresh", refreshToken=answer.json()["refreshToken"]).status_code == 200
    assert error(poll(client, device)) == (400, "invalid_request", None)


def test_code_may_be_typed_carelessly(client: Client) -> None:
    device = authorize(client)
    typed = device["userCode"].lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert visit(device["verificationUri"], user_code=typed, steam_id=KIM) == "done"
    assert poll(client, device).json()["claims"]["email"]["state"] == "GRANTED"


@pytest.mark.parametrize(("typed", "meant"), [("abcd-efgh", "ABCD-EFGH"), (" oIl1\t0aZ9", "0111-0AZ9"), ("", "-")])
def test_typed_code_is_normalised(typed: str, meant: str) -> None:
    assert normal_user_code(typed) == meant


@pytest.mark.parametrize(
    "body",
    [{}, [], None, "text", {"deviceCode": 7}, {"deviceCode": "dvc_x"}, {"deviceCode": "dvc_" + "0" * 64}],
)
def test_unknown_or_malformed_device_code_is_refused(client: Client, body: Any) -> None:
    assert error(client.device("device-token", body)) == (400, "invalid_request", None)


def test_token_request_with_other_members_is_refused(client: Client) -> None:
    device = authorize(client)
    body = {"deviceCode": device["deviceCode"], "grant": "x"}
    assert error(client.device("device-token", body)) == (400, "invalid_request", None)
    raw = client.http.post(f"{client.emulator.urls['device']}/device-token", content=b"deviceCode=x")
    assert error(raw) == (400, "invalid_request", None)


def test_each_early_poll_makes_the_interval_longer(client: Client) -> None:
    device = authorize(client)
    steps: list[tuple[float, str, int | None]] = [
        (0, "authorization_pending", None),
        (5, "authorization_pending", None),
        (4.9, "slow_down", 10),
        (9.9, "slow_down", 15),
        (15, "authorization_pending", None),
        (14, "slow_down", 20),
        (20, "authorization_pending", None),
    ]
    for seconds, expected, interval in steps:
        client.emulator.advance(seconds)
        assert error(poll(client, device)) == (400, expected, interval)
    visit(device["verificationUriComplete"])
    assert poll(client, device).status_code == 200  # slow_down applies to pending codes only


def test_slow_down_can_be_turned_off(client: Client) -> None:
    client.emulator.update({"device": {"slow_down": False, "interval": 2}})
    device = authorize(client)
    assert device["interval"] == 2
    assert {error(poll(client, device)) for _ in range(3)} == {(400, "authorization_pending", None)}


def test_declined_code(client: Client) -> None:
    client.emulator.update({"claims": {"email": "OFF", "firstName": "OFF"}})
    device = authorize(client)
    assert visit(device["verificationUriComplete"], agree=False) == "declined"
    assert error(poll(client, device)) == (400, "access_denied", None)
    assert error(poll(client, device)) == (400, "access_denied", None)


@pytest.mark.parametrize("approved", [False, True])
def test_expired_code(client: Client, approved: bool) -> None:
    device = authorize(client)
    if approved:
        visit(device["verificationUriComplete"])
    client.emulator.advance(599)
    assert error(poll(client, authorize(client)))[1] == "authorization_pending"
    client.emulator.advance(1)
    assert error(poll(client, device)) == (400, "expired_token", None)


@pytest.mark.parametrize(
    "change",
    [
        lambda e: e.update({"application.disabled": True}),
        lambda e: e.update({"application.anchor": "renamed"}),
        lambda e: e.update({"application.device_code": False}),
        lambda e: e.update({"application.allowed_steam_ids": [str(KIM)]}),
        lambda e: e.update({"claims.lastName": "REQUIRED"}),
        lambda e: e.remove_player(ROBIN),
        lambda e: setattr(e.player(), "disabled", True),
        lambda e: setattr(e.player(), "deleted", True),
        lambda e: setattr(e.player(), "refused", "SsoAuthorityConflict"),
        lambda e: setattr(e.player(), "subject", "rotated"),
    ],
)
def test_change_after_the_approval_can_forbid_the_tokens(client: Client, change: Any) -> None:
    device = authorize(client)
    visit(device["verificationUriComplete"])
    change(client.emulator)
    assert error(poll(client, device)) == (400, "access_denied", None)
    client.emulator.reset(settings=True)
    assert error(poll(client, device))[1] == "invalid_request"  # forgotten


def test_failed_issuance_ends_the_authorization(client: Client) -> None:
    device = authorize(client)
    visit(device["verificationUriComplete"])
    client.emulator.update({"device.issuance_fails": True})
    assert error(poll(client, device)) == (500, "server_error", None)
    client.emulator.update({"device.issuance_fails": False})
    assert error(poll(client, device)) == (400, "access_denied", None)


def test_one_of_many_polls_at_once_gets_the_tokens(client: Client) -> None:
    device = authorize(client)
    visit(device["verificationUriComplete"])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: poll(client, device), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    assert {answer.json().get("error") for answer in answers if answer.status_code == 400} == {"invalid_request"}


def test_scripted_player(client: Client) -> None:
    client.emulator.update({"scripted_player": {"does": "approves", "after_seconds": 7}})
    first = authorize(client)
    assert error(poll(client, first))[1] == "authorization_pending"
    client.emulator.advance(7)
    assert poll(client, first).status_code == 200
    client.emulator.update({"scripted_player": {"does": "declines", "after_seconds": 0}})
    assert error(poll(client, authorize(client)))[1] == "access_denied"


def test_scripted_player_who_may_not_sign_in_changes_nothing(client: Client) -> None:
    client.emulator.update({"scripted_player.does": "approves", "application.allowed_steam_ids": [str(KIM)]})
    assert error(poll(client, authorize(client)))[1] == "authorization_pending"


def test_scripted_player_enters_missing_data(client: Client) -> None:
    client.emulator.update({"scripted_player": {"does": "approves", "email": "nobody"}, "claims.email": "REQUIRED"})
    device = authorize(client)
    assert error(poll(client, device))[1] == "authorization_pending"  # the page would refuse that address
    client.emulator.update({"scripted_player.email": "r@example.com"})
    assert poll(client, device).json()["claims"]["email"]["state"] == "GRANTED"
    assert client.emulator.player().email == "r@example.com"
