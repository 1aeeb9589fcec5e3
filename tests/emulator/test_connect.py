"""Specifies the emulator's Connect API: an inquiry from start to tokens, and each reason, over a real socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import jwt
import pytest

from sudomimus_bridge._service.establish_request import CallbackMethod
from sudomimus_bridge.emulator import Emulator, visit

from ..helpers.emulator_helpers import KIM, ROBIN, Client, keys, page, realized, said, told


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        emulator.advance(1 - emulator._state.clock.now() % 1)  # on the second, as tokens have it
        client = Client(emulator)
        with client.http:
            yield client


def returning(kind: str, payload: Any = None) -> dict[str, Any]:
    return {"returnMethods": [{"type": kind, "payload": payload or {}}]}


def test_inquiry_from_start_to_tokens(client: Client) -> None:
    inquiry = client.establish(**returning("STATUS_POLL")).json()
    pair = {name: inquiry[name] for name in ("exposureKey", "hiddenKey")}
    assert client.connect("status-poll", pair).json() == {"status": "PENDING"}
    assert visit(page(client, inquiry), share=["firstName"]) == "done"
    polls = [client.connect("status-poll", pair).json() for _ in range(2)]
    assert polls[0] == polls[1] and polls[0]["status"] == "REALIZED"
    answer = client.connect("redeem", {**pair, "confirmationKey": polls[0]["confirmationKey"]})
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert set(answer.json()) == {"applicationAnchor", "accessToken", "refreshToken", "claims"}
    assert answer.json()["claims"]["firstName"] == {"requirement": "OPTIONAL", "state": "GRANTED"}
    assert answer.json()["claims"]["email"] == {"requirement": "OPTIONAL", "state": "DENIED"}
    assert said(answer.json()["accessToken"])["sub"] == client.emulator.player().subject


def test_reasons_of_redeem_about_the_inquiry(client: Client) -> None:
    inquiry = keys(client)
    whole = {**inquiry, "confirmationKey": "cnf_x"}
    assert told(client.connect("redeem", whole)) == (400, "InquiryNotRealized")
    assert told(client.connect("redeem", {**whole, "hiddenKey": "hid_x"})) == (400, "InquiryNotFound")
    assert told(client.connect("redeem", {**whole, "exposureKey": "exp_é"})) == (400, "InquiryNotFound")
    visit(page(client, inquiry))
    assert told(client.connect("redeem", whole)) == (400, "InquiryNotFound")
    whole["confirmationKey"] = client.connect("status-poll", inquiry).json()["confirmationKey"]
    assert client.connect("redeem", whole).status_code == 200
    assert told(client.connect("redeem", whole)) == (400, "InquiryAlreadyRedeemed")
    assert told(client.connect("status-poll", inquiry)) == (400, "InquiryAlreadyRedeemed")


@pytest.mark.parametrize("body", [{}, {"exposureKey": 1, "hiddenKey": "x", "confirmationKey": "x"}, [], None, "text"])
def test_body_that_does_not_fit_the_contract_is_refused(client: Client, body: Any) -> None:
    for path in ("status-poll", "redeem", "info"):
        assert told(client.connect(path, body)) == (400, "InvalidBody")


def test_inquiry_expires_whether_realized_or_not(client: Client) -> None:
    pending, done = keys(client), realized(client)
    client.emulator.advance(900)
    assert told(client.connect("status-poll", pending)) == (400, "InquiryExpired")
    assert told(client.connect("redeem", done)) == (400, "InquiryExpired")
    assert visit(page(client, pending)) == "expired"


def test_inquiry_expires_when_its_polls_are_used_up(client: Client) -> None:
    client.emulator.update({"connect.polling_attempts": 2})
    inquiry = keys(client)
    assert [client.connect("status-poll", inquiry).status_code for _ in range(3)] == [200, 200, 400]
    assert told(client.connect("redeem", {**inquiry, "confirmationKey": "x"})) == (400, "InquiryExpired")
    client.emulator.update({"connect.polling_attempts": 1})
    inquiry = keys(client)
    visit(page(client, inquiry))
    assert [client.connect("status-poll", inquiry).status_code for _ in range(3)] == [200, 200, 200]


def test_declined_inquiry_counts_as_expired(client: Client) -> None:
    client.emulator.update({"claims": {"email": "OFF", "firstName": "OFF"}})
    inquiry = keys(client)
    assert visit(page(client, inquiry), agree=False) == "declined"
    assert told(client.connect("status-poll", inquiry)) == (400, "InquiryExpired")
    assert visit(page(client, inquiry)) == "declined"


def test_declined_required_claim_can_be_granted_later(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    inquiry = keys(client)
    assert visit(page(client, inquiry), agree=False) == "declined"
    assert client.emulator.player().grants.email == "DENIED"
    assert visit(page(client, keys(client)), email="robin@example.com") == "done"
    assert client.emulator.player().grants.email == "GRANTED"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda e: e.update({"application.disabled": True}), (403, "ApplicationNotActive")),
        (lambda e: e.update({"application.anchor": "renamed"}), (400, "ApplicationNotFound")),
        (lambda e: setattr(e.player(), "authentication_missing", True), (400, "AuthenticationNotFound")),
        (lambda e: e.remove_player(ROBIN), (400, "AccountNotFound")),
        (lambda e: setattr(e.player(), "disabled", True), (403, "AccountDisabled")),
        (lambda e: setattr(e.player(), "deleted", True), (403, "AccountDeleted")),
        *(
            (lambda e, why=why: setattr(e.player(), "refused", why), (403, why))
            for why in ("EmailDomainBlocked", "EmailDomainRequiresSso", "SsoAuthorityConflict")
        ),
        (lambda e: setattr(e.player(), "subject", "rotated"), (409, "AuthorizationArtifactStale")),
        (lambda e: e.update({"authorization_artifact_stale": 1}), (409, "AuthorizationArtifactStale")),
        (lambda e: e.update({"claims.lastName": "REQUIRED"}), (403, "ClaimConsentRequired")),
    ],
)
def test_change_after_the_page_can_forbid_the_tokens(client: Client, change: Any, expected: tuple[int, str]) -> None:
    inquiry = realized(client)
    change(client.emulator)
    answer = client.connect("redeem", inquiry)
    assert told(answer) == expected
    assert set(answer.json()) == {"reason"}


def test_refused_redeem_does_not_use_up_the_inquiry(client: Client) -> None:
    inquiry = realized(client)
    client.emulator.update({"application.disabled": True})
    assert client.connect("redeem", inquiry).status_code == 403
    client.emulator.update({"application.disabled": False})
    assert client.connect("redeem", inquiry).status_code == 200


def test_one_of_many_redeems_at_once_succeeds(client: Client) -> None:
    inquiry = realized(client)
    with ThreadPoolExecutor(8) as pool:
        answers = [told(answer) for answer in pool.map(lambda _: client.connect("redeem", inquiry), range(8))]
    assert sorted(status for status, _ in answers) == [200] + [400] * 7
    assert {reason for status, reason in answers if status == 400} == {"InquiryAlreadyRedeemed"}
    assert len(client.emulator.sessions) == 1


def test_revealed_tokens_redeem_the_inquiry(client: Client) -> None:
    inquiry = keys(client, **returning("REVEAL"))
    assert visit(page(client, inquiry)) == "revealed"
    answer = client.connect("redeem", {**inquiry, "confirmationKey": "x"})
    assert told(answer) == (400, "InquiryAlreadyRedeemed")
    assert visit(page(client, inquiry)) == "done"  # another browser sees no tokens


def test_inquiry_without_status_poll_cannot_be_polled(client: Client) -> None:
    inquiry = keys(client, **returning("REVEAL"))
    assert told(client.connect("status-poll", inquiry)) == (403, "Layer3Denied")
    inquiry = keys(client)
    client.emulator.update({"application.status_poll": False})
    assert told(client.connect("status-poll", inquiry)) == (403, "Layer3Denied")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://g.example/x", "https://g.example/x?exposure-key=E&confirmation-key=C"),
        ("https://g.example/?a=1&a=&b=2#f", "https://g.example/?a=1&a=&b=2&exposure-key=E&confirmation-key=C#f"),
        (
            "https://g.example/?exposure-key=no&exposure-key=no&confirmation-key=",
            "https://g.example/?exposure-key=E&confirmation-key=C",
        ),
    ],
)
def test_address_of_a_callback(url: str, expected: str) -> None:
    method = CallbackMethod.model_validate({"type": "CALLBACK", "payload": {"callbackUrl": url}})
    assert method.location("E", "C") == expected


# --- info, keys, script ----------------------------------------------------------------------------------------------


def test_public_key_verifies_the_tokens_as_pem_and_as_jwk(client: Client) -> None:
    client.emulator.update(dialect="openapi")
    token = client.emulator.open_session().access_token
    answer = client.connect("info", {"applicationAnchor": "demo-game", "locale": "en-US"}).json()
    assert (answer["applicationAnchor"], answer["applicationName"]) == ("demo-game", "Demo Game")
    checks = {"verify_exp": False, "verify_aud": False}
    jwt.decode(token, answer["applicationPublicKey"], algorithms=["RS256"], options=checks)  # type: ignore[arg-type]
    for base in (client.emulator.urls["connect"], client.emulator.urls["native"]):
        keys = jwt.PyJWKSet.from_dict(client.http.get(f"{base}/.well-known/jwks.json").json())
        key = keys[jwt.get_unverified_header(token)["kid"]]
        jwt.decode(token, key, algorithms=["RS256"], options=checks)  # type: ignore[arg-type]
    assert "d" not in client.http.get("/.well-known/jwks.json").json()["keys"][0]
    assert told(client.connect("info", {"applicationAnchor": "x", "locale": "en"})) == (404, "ApplicationNotFound")


@pytest.mark.parametrize("api", ["connect", "device", "session"])
def test_health(client: Client, api: str) -> None:
    answer = client.http.get(f"{client.emulator.urls[api]}/health").json()
    assert (answer["status"], answer["service"]) == ("ok", f"sudomimus-{api}")


def test_scripted_player_needs_no_browser(client: Client) -> None:
    client.emulator.update({"scripted_player": {"does": "approves", "after_seconds": 4, "steam_id": KIM}})
    inquiry = keys(client)
    assert client.connect("status-poll", inquiry).json()["status"] == "PENDING"
    client.emulator.advance(4)
    answer = client.connect("status-poll", inquiry).json()
    assert answer["status"] == "REALIZED"
    redeemed = client.connect("redeem", {**inquiry, "confirmationKey": answer["confirmationKey"]}).json()
    assert redeemed["claims"]["email"]["state"] == "GRANTED"
    client.emulator.update({"scripted_player": {"does": "declines"}})
    client.emulator.advance(4)
    inquiry = keys(client)
    client.emulator.advance(4)
    assert told(client.connect("status-poll", inquiry)) == (400, "InquiryExpired")


def test_fault_rules_apply_to_the_connect_api(client: Client) -> None:
    inquiry = realized(client)
    client.emulator.fault("POST /connect/redeem reset when=after times=1")
    with pytest.raises(httpx.TransportError):
        client.connect("redeem", inquiry)
    assert told(client.connect("redeem", inquiry)) == (400, "InquiryAlreadyRedeemed")
