"""Specifies the emulator's Native API: every check of the contract, in its order, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._config.config import AccessKey

from ..helpers.emulator_helpers import KIM, ROBIN, Client, new_ticket, said, told


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


def test_valid_ticket_is_exchanged_for_tokens_and_claims(client: Client) -> None:
    answer = client.steam()
    assert answer.status_code == 200
    assert set(answer.json()) == {"applicationAnchor", "accessToken", "refreshToken", "claims"}
    assert answer.json()["applicationAnchor"] == "demo-game"
    assert answer.json()["claims"]["email"] == {"requirement": "OPTIONAL", "state": "UNKNOWN"}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"steamTicketHex": None}, (400, "InvalidBody")),
        ({"steamTicketHex": 7}, (400, "InvalidBody")),
        ({"applicationAnchor": None}, (400, "InvalidBody")),
        ({"steamAppId": None}, (400, "InvalidBody")),
        ({"steamAppId": "480"}, (400, "InvalidBody")),
        ({"steamAppId": True}, (400, "InvalidBody")),
        ({"steamAppId": 0}, (400, "InvalidSteamAppId")),
        ({"steamTicketHex": "abc"}, (400, "InvalidBody")),
        ({"steamTicketHex": "zz"}, (400, "InvalidBody")),
        ({"applicationAnchor": "another"}, (404, "ApplicationNotFound")),
        ({"steamAppId": 730}, (403, "Layer1Denied")),
    ],
)
def test_request_with_a_wrong_member_is_refused(
    client: Client, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert told(client.steam(**changes)) == expected


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"text"', b"\xff", b"[" * 100_000])
def test_body_that_is_not_a_json_object_is_refused(client: Client, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    for path in ("/direct-issue/steam-ticket", "/direct-issue/access-key", "/errand"):
        assert told(client.http.post(path, content=content, headers=headers)) == (400, "InvalidBody")


def test_other_content_type_is_refused(client: Client) -> None:
    assert told(client.http.post("/direct-issue/steam-ticket", content=b"{}")) == (400, "InvalidBody")


def test_body_that_is_too_large_is_refused(client: Client) -> None:
    assert client.steam(padding="x" * (1 << 20)).status_code == 413


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"application.disabled": True}, (403, "ApplicationNotActive")),
        ({"application.allowed_steam_app_ids": [730]}, (403, "Layer1Denied")),
        ({"budgets.available": False}, (503, None)),
        ({"budgets.attempts_per_application": 0}, (429, None)),
        ({"steam": "rejects"}, (401, "SteamTicketInvalid")),
        ({"steam": "unreachable"}, (502, "SteamTicketVerificationFailed")),
        ({"application.allowed_steam_ids": [str(KIM)]}, (403, "Layer2Denied")),
        ({"application.allowed_steam_ids": [], "application.allowed_emails": ["*"]}, (403, "Layer2Denied")),
        ({"application.direct_issue": False}, (403, "Layer3Denied")),
        ({"authorization_artifact_stale": 1}, (409, "AuthorizationArtifactStale")),
    ],
)
def test_refusals_by_the_application_and_by_steam(
    client: Client, settings: dict[str, Any], expected: tuple[int, str | None]
) -> None:
    client.emulator.update(settings)
    assert told(client.steam()) == expected


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("deleted", True, "AccountDeleted"),
        ("disabled", True, "AccountDisabled"),
        ("refused", "EmailDomainBlocked", "EmailDomainBlocked"),
        ("refused", "EmailDomainRequiresSso", "EmailDomainRequiresSso"),
        ("refused", "SsoAuthorityConflict", "SsoAuthorityConflict"),
    ],
)
def test_refusals_because_of_the_account(client: Client, field: str, value: object, expected: str) -> None:
    for player in client.emulator.players.values():
        setattr(player, field, value)
    assert told(client.steam()) == (403, expected)
    assert told(client.access_key()) == (403, expected)


def test_each_layer_2_rule_admits_a_player(client: Client) -> None:
    client.emulator.update({"application.allowed_steam_ids": []})
    robin = client.emulator.player()
    robin.email, robin.account_alias = "robin@studio.example", "robin-1"
    for rule in (
        {"allowed_steam_ids": [str(ROBIN)]},
        {"allowed_emails": ["*@studio.example"]},
        {"allowed_account_aliases": ["robin-1"]},
        {"allowed_sector_subjects": [robin.subject]},
    ):
        client.emulator.update({"application": rule})
        assert client.steam().status_code == 200
        client.emulator.update({"application": {name: [] for name in rule}})
        assert told(client.steam()) == (403, "Layer2Denied")


def test_order_of_the_checks(client: Client) -> None:
    """At first everything is wrong. Each step corrects one thing, and the next check refuses the request."""
    emulator = client.emulator
    emulator.update(
        {
            "application": {
                "disabled": True,
                "allowed_steam_app_ids": [1],
                "allowed_steam_ids": [],
                "direct_issue": False,
            },
            "budgets.available": False,
            "steam": "rejects",
            "claims.email": "REQUIRED",
            "authorization_artifact_stale": 1,
        }
    )
    emulator.player().disabled = True
    ticket = new_ticket()
    assert told(client.steam(ticket, steamAppId=0)) == (400, "InvalidSteamAppId")
    assert told(client.steam(ticket, applicationAnchor="x")) == (404, "ApplicationNotFound")
    assert told(client.steam(ticket)) == (403, "ApplicationNotActive")
    emulator.update({"application.disabled": False})
    assert told(client.steam(ticket)) == (403, "Layer1Denied")
    emulator.update({"application.allowed_steam_app_ids": [480]})
    assert told(client.steam(ticket)) == (503, None)
    emulator.update({"budgets.available": True})
    assert told(client.steam(ticket)) == (401, "SteamTicketInvalid")
    emulator.update({"steam": "verifies"})
    assert told(client.steam(ticket)) == (409, "ReplayProtectionAlreadySeen")
    assert told(client.steam()) == (403, "Layer2Denied")
    emulator.update({"application.allowed_steam_ids": ["*"]})
    assert told(client.steam()) == (403, "Layer3Denied")
    emulator.update({"application.direct_issue": True})
    assert told(client.steam()) == (403, "AccountDisabled")
    emulator.player().disabled = False
    assert told(client.steam()) == (409, "AuthorizationArtifactStale")
    assert told(client.steam()) == (403, "ClaimConsentRequired")
    emulator.update({"claims.email": "OFF"})
    assert client.steam().status_code == 200


# --- tickets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ticket", [new_ticket(identity="Sudomimus"), new_ticket(identity=""), new_ticket(app_id=730)])
def test_steam_refuses_a_ticket_for_another_identity_or_app(client: Client, ticket: str) -> None:
    assert told(client.steam(ticket)) == (401, "SteamTicketInvalid")


def test_verified_ticket_is_refused_for_a_day_in_either_case_of_hex(client: Client) -> None:
    ticket = new_ticket()
    assert client.steam(ticket).status_code == 200
    assert told(client.steam(ticket.upper())) == (409, "ReplayProtectionAlreadySeen")
    client.emulator.advance(24 * 3600 - 1)
    assert told(client.steam(ticket)) == (409, "ReplayProtectionAlreadySeen")
    client.emulator.advance(1)
    assert client.steam(ticket).status_code == 200


def test_claim_gate_uses_up_the_ticket_too(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    ticket = new_ticket()
    assert told(client.steam(ticket)) == (403, "ClaimConsentRequired")
    assert told(client.steam(ticket)) == (409, "ReplayProtectionAlreadySeen")


@pytest.mark.parametrize("steam", ["rejects", "unreachable"])
def test_unverified_ticket_is_refused_for_a_minute_only(client: Client, steam: str) -> None:
    client.emulator.update(steam=steam)
    ticket = new_ticket()
    client.steam(ticket)
    client.emulator.update(steam="verifies")
    assert told(client.steam(ticket)) == (409, "ReplayProtectionAlreadySeen")
    client.emulator.advance(60)
    assert client.steam(ticket).status_code == 200


def test_one_of_two_requests_with_a_ticket_is_refused(client: Client) -> None:
    client.emulator.update(steam_seconds=0.1)
    ticket = new_ticket()
    with ThreadPoolExecutor(2) as pool:
        answers = [told(answer) for answer in pool.map(lambda _: client.steam(ticket), range(2))]
    assert sorted(answers, key=lambda answer: answer[0]) == [(200, None), (409, "ReplayProtectionAlreadySeen")]


def test_cancelled_ticket_is_refused(client: Client, tmp_path: Path) -> None:
    log = tmp_path / "steam.jsonl"
    client.emulator.update(steam_log=log)
    first, second = b"a" * 16, b"b" * 16
    assert client.steam(new_ticket(nonce=b"c" * 16)).status_code == 200  # no log yet
    line = json.dumps({"call": "SteamAPI_ISteamUser_CancelAuthTicket", "nonce": first.hex()})
    log.write_text(f'{{"call": "SteamAPI_RunCallbacks"}}\nnot json\n{line}\n')
    assert told(client.steam(new_ticket(nonce=first))) == (401, "SteamTicketInvalid")
    assert client.steam(new_ticket(nonce=second)).status_code == 200
    with log.open("a") as lines:
        lines.write(line.replace(first.hex(), second.hex()) + "\n")
    assert told(client.steam(new_ticket(nonce=second) + "00")) == (401, "SteamTicketInvalid")
    log.write_text("")  # a new run
    assert client.steam(new_ticket(nonce=first) + "00").status_code == 200


def test_ticket_of_a_real_steam_counts_as_the_default_players(client: Client) -> None:
    token = client.steam("14000000" + "ab" * 200).json()["accessToken"]
    assert said(token)["sub"] == client.emulator.player(ROBIN).subject
    client.emulator.update(accept_foreign_tickets=False)
    assert told(client.steam("14000000" + "cd" * 200)) == (401, "SteamTicketInvalid")


def test_unknown_player_is_created_without_an_email(client: Client) -> None:
    assert client.steam(new_ticket(steam_id=76561198000000001)).status_code == 200
    created = client.emulator.players[76561198000000001]
    assert created.email is None
    assert created.subject not in {client.emulator.player(ROBIN).subject, "76561198000000001"}


# --- budgets and circuit ---------------------------------------------------------------------------------------------


def test_budget_of_150_attempts_in_ten_seconds_for_an_application(client: Client) -> None:
    answers = [client.steam("00").status_code for _ in range(151)]
    assert answers == [200] + [409] * 149 + [429]
    assert client.steam("00").content == b""
    assert client.access_key().status_code == 200  # another route has another budget
    client.emulator.advance(10)
    assert client.steam().status_code == 200


def test_global_budget_and_retry_after(client: Client) -> None:
    client.emulator.update({"budgets": {"attempts_global": 1, "retry_after": 7}})
    assert client.steam().status_code == 200
    answer = client.steam()
    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, b"", "7")


def test_request_refused_before_the_budget_is_not_counted(client: Client) -> None:
    client.emulator.update({"budgets.attempts_per_application": 1})
    for _ in range(3):
        assert client.steam(steamAppId=730).status_code == 403
    assert client.steam().status_code == 200


@pytest.mark.parametrize("steam", ["rejects", "unreachable"])
def test_twenty_failures_open_the_circuit_for_a_minute(client: Client, steam: str) -> None:
    client.emulator.update(steam=steam)
    for _ in range(20):
        assert client.steam().status_code in (401, 502)
    client.emulator.update(steam="verifies")
    assert told(client.steam()) == (429, None)
    client.emulator.advance(59)
    assert told(client.steam()) == (429, None)
    client.emulator.advance(1)
    assert client.steam().status_code == 200


# --- access keys -----------------------------------------------------------------------------------------------------


def test_access_key_is_reusable_and_signs_its_player_in(client: Client) -> None:
    assert client.access_key().status_code == 200
    answer = client.access_key()
    assert said(answer.json()["accessToken"])["sub"] == client.emulator.player(KIM).subject
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"accessKeyIdentifier": None}, (400, "InvalidBody")),
        ({"accessKeySecret": []}, (400, "InvalidBody")),
        ({"accessKeyIdentifier": "acs_k_1"}, (400, "InvalidAccessKeyIdentifier")),
        # Version 1 rather than 4.
        ({"accessKeyIdentifier": "acs_k_0d6aa6a3-6a4f-11ee-8c99-0242ac120002"}, (400, "InvalidAccessKeyIdentifier")),
        ({"accessKeySecret": "acs_t_" + "A" * 64}, (400, "InvalidAccessKeySecret")),
        ({"accessKeySecret": "0" * 64}, (400, "InvalidAccessKeySecret")),
        ({"applicationAnchor": "another"}, (404, "ApplicationNotFound")),
        ({"accessKeySecret": "acs_t_" + "0" * 64}, (401, "AccessKeyDirectDenied")),
        ({"accessKeyIdentifier": "acs_k_00000000-0000-4000-8000-000000000000"}, (401, "AccessKeyDirectDenied")),
    ],
)
def test_refused_access_key_requests(client: Client, changes: dict[str, Any], expected: tuple[int, str]) -> None:
    assert told(client.access_key(**changes)) == expected


@pytest.mark.parametrize("change", [{"revoked": True}, {"expires_at": "2001-01-01T00:00:00Z"}, {"application": "x"}])
def test_revoked_or_expired_access_key(client: Client, change: dict[str, Any]) -> None:
    client.emulator.config.access_keys = [AccessKey.model_validate(change)]
    assert told(client.access_key()) == (401, "AccessKeyDirectDenied")


def test_other_refusals_of_an_access_key(client: Client) -> None:
    client.emulator.update({"application.access_key_direct": False})
    assert told(client.access_key()) == (403, "Layer1Denied")
    client.emulator.update({"application.access_key_direct": True, "authorization_artifact_stale": 1})
    assert told(client.access_key()) == (409, "AuthorizationArtifactStale")
    del client.emulator.players[KIM]
    assert told(client.access_key()) == (500, None)  # a PRIVATE reason
    client.emulator.update({"budgets.available": False})
    assert told(client.access_key()) == (503, None)


def test_credential_failures_open_a_circuit(client: Client) -> None:
    for _ in range(20):
        assert client.access_key(accessKeySecret="acs_t_" + "0" * 64).status_code == 401
    assert told(client.access_key()) == (429, None)
    client.emulator.advance(60)
    assert client.access_key().status_code == 200


# --- tokens ----------------------------------------------------------------------------------------------------------

_ALL_GRANTED = dict.fromkeys(("email", "firstName", "lastName", "staticAvatar", "animatedAvatar"), "GRANTED")


def _body(client: Client, token: str) -> dict[str, Any]:
    key = client.emulator._state.tokens.public_key_pem
    options: Any = {"verify_aud": False}
    decoded: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], options=options)
    return decoded


def test_token_in_the_dialect_openapi(client: Client) -> None:
    client.emulator.update(dialect="openapi")
    client.emulator.put_player(steam_id=ROBIN, email="r@example.com", grants=_ALL_GRANTED)
    client.emulator.update({"claims": dict.fromkeys(_ALL_GRANTED, "OPTIONAL")})
    answer = client.steam().json()
    body, header = _body(client, answer["accessToken"]), jwt.get_unverified_header(answer["accessToken"])
    assert {"iss", "aud", "iat", "exp", "jti", "kty", "sub"} <= set(header)
    assert body == {
        "subject": header["sub"],
        "emailAddress": "r@example.com",
        "firstName": "Robin",
        "lastName": "Marsh",
        "staticAvatarUrl": body["staticAvatarUrl"],
        "animatedAvatarUrl": body["staticAvatarUrl"],
    }
    assert set(answer["claims"]) == set(_ALL_GRANTED)
    assert client.http.get(body["staticAvatarUrl"]).headers["content-type"].startswith("image/svg+xml")
    assert _body(client, answer["refreshToken"]) == {"subject": header["sub"]}


def test_token_in_the_dialect_documents(client: Client) -> None:
    client.emulator.put_player(steam_id=ROBIN, email="r@example.com", grants=_ALL_GRANTED)
    client.emulator.update(
        {"dialect": "documents", "claims": {"lastName": "SYNTHETIC_FALLBACK", "staticAvatar": "REQUIRED"}}
    )
    answer = client.steam().json()
    body, header = _body(client, answer["accessToken"]), jwt.get_unverified_header(answer["accessToken"])
    assert {"exp", "iat", "sub", "emailAddress", "firstName", "lastName"} <= set(body)
    assert not {"exp", "iat", "sub", "iss"} & set(header)
    assert "staticAvatarUrl" not in body and "subject" not in body
    assert set(answer["claims"]) == {"email", "firstName", "lastName"}
    assert answer["claims"]["lastName"]["requirement"] == "SYNTHETIC"


@pytest.mark.parametrize(
    ("requirement", "state", "expected"),
    [
        ("OFF", "GRANTED", None),
        ("OPTIONAL", "GRANTED", "Kim"),
        ("OPTIONAL", "UNKNOWN", None),
        ("OPTIONAL", "DENIED", None),
        ("REQUIRED", "GRANTED", "Kim"),
        ("SYNTHETIC_ONLY", "GRANTED", "Player"),
        ("SYNTHETIC_FALLBACK", "GRANTED", "Kim"),
        ("SYNTHETIC_FALLBACK", "DENIED", "Player"),
        ("SYNTHETIC", "UNKNOWN", "Player"),
    ],
)
def test_value_of_a_claim_for_the_application(
    client: Client, requirement: str, state: str, expected: str | None
) -> None:
    client.emulator.update({"claims.firstName": requirement})
    client.emulator.put_player(steam_id=KIM, grants={"firstName": state})
    token = client.access_key().json()["accessToken"]
    assert "firstName" not in said(token)
    assert client.profile("userinfo", token).json().get("given_name") == expected
    client.emulator.update(dialect="openapi")
    assert said(client.access_key().json()["accessToken"]).get("firstName") == expected


def test_synthetic_email_is_a_proxy_address_and_needs_no_errand(client: Client) -> None:
    client.emulator.update(
        {"claims": {"email": "SYNTHETIC_ONLY", "firstName": "OFF", "staticAvatar": "SYNTHETIC_ONLY"}}, dialect="openapi"
    )
    answer = client.steam()
    body = _body(client, answer.json()["accessToken"])
    assert body["emailAddress"].endswith("@proxy.sudomimus.email")
    assert body["staticAvatarUrl"].startswith("http")
    assert client.share(answer.json()["accessToken"]).json()["errand"] is None


def test_drift_adds_and_removes_members(client: Client) -> None:
    client.emulator.update(
        {"drift": {"fields": {"new": 1}, "claims": {"phone": {"requirement": "MAYBE", "state": "LATER"}}}}
    )
    assert client.steam().json()["claims"]["phone"]["state"] == "LATER"
    assert client.steam().json()["new"] == 1
    client.emulator.update({"drift.without": ["claims"], "claims.email": "REQUIRED"})
    assert "claims" not in client.steam().json()


def test_health_and_unknown_routes(client: Client) -> None:
    health = client.http.get("/health").json()
    assert health["status"] == "ok" and set(health) == {"status", "service", "version"}
    assert told(client.http.get("/nowhere")) == (404, "RouteNotFound")
    assert told(client.http.get("/errand")) == (405, "MethodNotAllowed")
    assert client.http.get("/health", headers={"Host": "rebound.example"}).status_code == 400
