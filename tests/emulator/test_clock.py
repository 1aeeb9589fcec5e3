"""Specifies the emulator's clock: the times in headers, tokens and errands come from it, and logins work after it was moved."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parsedate_to_datetime

import httpx
import jwt
import pytest

from sudomimus_bridge import Bridge
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.testing import LocalService

from ..helpers.emulator_helpers import Client

DAY = 86_400


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


def _date(answer: httpx.Response) -> float:
    (date,) = answer.headers.get_list("date")
    return parsedate_to_datetime(date).timestamp()


def test_every_answer_has_the_emulators_date(client: Client) -> None:
    emulator = client.emulator
    emulator.advance(400 * DAY)
    now = int(emulator._state.clock.now())
    emulator.fault("POST /connect/info 503 times=1")
    emulator.fault("POST /connect/info drip=0.0001 times=1")
    answers = [
        client.http.get("/health"),
        client.http.get("/nowhere"),
        client.http.put("/errand"),
        client.http.get("/health", headers={"Host": "evil.example"}),
        client.http.get("/via/errand?key=none"),
        client.http.get("/via/static/via.css"),
        client.http.get("/_emulator/state"),
        *(client.connect("info", {"applicationAnchor": "demo-game", "locale": "en"}) for _ in range(3)),
        client.steam(),
    ]
    assert [_date(answer) for answer in answers] == [now] * len(answers)
    emulator.advance(DAY)
    assert _date(client.http.get("/health")) == now + DAY


def test_failure_of_the_emulator_itself_has_its_date(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    client.emulator.advance(DAY)
    monkeypatch.setattr(client.emulator, "snapshot", lambda: 1 / 0)
    answer = client.http.get("/_emulator/state")
    assert (answer.status_code, _date(answer)) == (500, int(client.emulator._state.clock.now()))


def test_fault_rule_may_set_another_date(client: Client) -> None:
    client.emulator.fault(path="/health", status=200, headers={"Date": "Sun, 06 Nov 1994 08:49:37 GMT"})
    assert _date(client.http.get("/health")) == 784_111_777


def test_pages_tokens_and_journal_show_no_other_time(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    client.emulator.advance(400 * DAY)
    now = int(client.emulator._state.clock.now())
    errand = client.steam().json()["errand"]
    page = client.http.get(errand["url"])
    assert "expires" not in page.headers and "last-modified" not in page.headers
    assert "expires" not in page.headers["set-cookie"].lower() and "max-age" not in page.headers["set-cookie"].lower()
    client.emulator.update({"claims.email": "OFF"})
    token = client.steam().json()["accessToken"]
    said = jwt.get_unverified_header(token) | jwt.decode(token, options={"verify_signature": False})
    assert said["iat"] == now and client.emulator.requests[-1].at == client.emulator._state.clock.now()


@pytest.mark.parametrize("frozen", [False, True])
def test_client_key_login_succeeds_after_the_clock_was_moved(
    sudomimus_service: LocalService, sudomimus_bridge: Bridge, frozen: bool
) -> None:
    sudomimus_service.freeze(frozen)
    sudomimus_service.advance(400 * DAY)
    result = sudomimus_bridge.login("browser", client_key_file=sudomimus_service.client_key_file)
    assert result.application_anchor == "my-game"


def test_errand_is_completed_after_the_clock_was_moved(
    sudomimus_service: LocalService, sudomimus_bridge: Bridge
) -> None:
    sudomimus_service.advance(400 * DAY)
    sudomimus_service.requires("email")
    assert sudomimus_bridge.login().claims["email"]["state"] == "GRANTED"
