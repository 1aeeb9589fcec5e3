"""Specifies how the dialects differ, and that the examples of the vendor's four documents work in `documents`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from sudomimus_bridge.emulator import Emulator, visit

from ..helpers.emulator_helpers import KIM, ROBIN, Client, page, said, told

DIALECTS = ["documents", "openapi", "v4"]
GRANTED = dict.fromkeys(("email", "firstName", "lastName", "staticAvatar", "animatedAvatar"), "GRANTED")


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


# --- choosing one ----------------------------------------------------------------------------------------------------


def test_default_dialect_is_v4(client: Client) -> None:
    assert client.emulator.config.dialect == "v4"
    with Emulator({"dialect": "v4"}, dialect="documents") as emulator:
        assert emulator.config.dialect == "documents"
        emulator.update(dialect="openapi")
        emulator.reset(settings=True)
        assert emulator.config.dialect == "documents"
    with pytest.raises(ValueError, match="dialect: "):
        Emulator(dialect="v5")  # type: ignore[arg-type]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_call_works_after_the_dialect_was_changed(client: Client, dialect: Any) -> None:
    before = client.steam().json()
    client.emulator.update(dialect=dialect)
    assert client.share(before["accessToken"]).status_code == 200
    assert client.session("introspect", accessToken=before["accessToken"]).json()["status"] == "active"
    renewed = client.session("refresh", refreshToken=before["refreshToken"])
    assert renewed.status_code == 200
    client.emulator.update(dialect="v4")
    assert client.session("refresh", refreshToken=renewed.json()["refreshToken"]).status_code == 200


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_tokens_of_v4_have_exactly_their_members(client: Client) -> None:
    pair = client.steam().json()
    access, refresh = said(pair["accessToken"]), said(pair["refreshToken"])
    common = {"alg", "kid", "typ", "iss", "aud", "sid", "jti", "iat", "exp"}
    assert (set(access), set(refresh)) == (common | {"sub"}, common | {"rotationVersion"})
    assert access["typ"] == "vnd.sudomimus.application-access+jwt"
    assert refresh["typ"] == "vnd.sudomimus.application-refresh+jwt"
    assert access["iss"].startswith("http://127.0.0.1:") and access["aud"] == "demo-game"
    assert access["sid"] == refresh["sid"] and access["jti"] != refresh["jti"]
    assert refresh["rotationVersion"] == 1
    again = said(client.session("refresh", refreshToken=pair["refreshToken"]).json()["refreshToken"])
    assert (again["sid"], again["rotationVersion"]) == (refresh["sid"], 2)


@pytest.mark.parametrize("dialect", ["documents", "openapi"])
def test_kinds_of_older_tokens(client: Client, dialect: Any) -> None:
    client.emulator.update(dialect=dialect)
    pair = client.steam().json()
    assert (said(pair["accessToken"])["kty"], said(pair["refreshToken"])["kty"]) == ("Access", "Refresh")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_tokens_of_a_workload(client: Client, dialect: Any) -> None:
    client.emulator.update(dialect=dialect)
    client.emulator.config.access_keys[0].workload = "agent-1"
    pair = client.access_key().json()
    renewed = client.session("refresh", refreshToken=pair["refreshToken"]).json()
    for access in (said(pair["accessToken"]), said(renewed["accessToken"])):
        if dialect == "v4":
            assert (access["typ"], access["act"]) == ("vnd.sudomimus.workload-access+jwt", {"sub": "agent-1"})
            assert access["sub"] == client.emulator.player(KIM).subject
        else:
            assert access["kty"] == "Access" and "act" not in access
    assert said(renewed["refreshToken"]).keys() == said(client.steam().json()["refreshToken"]).keys()
    token = renewed["accessToken"]
    assert client.session("introspect", accessToken=token).json()["status"] == "active"
    assert client.share(token).status_code == 200
    assert client.profile("userinfo", token).status_code == (200 if dialect == "v4" else 404)
    assert said(client.steam().json()["accessToken"]).get("act") is None


# --- the profile -----------------------------------------------------------------------------------------------------


def test_userinfo_has_only_shared_claims(client: Client) -> None:
    client.emulator.update(claims=dict.fromkeys(GRANTED, "OPTIONAL"))
    client.emulator.put_player(steam_id=ROBIN, email="robin@example.com", grants={"email": "GRANTED"})
    token = client.steam().json()["accessToken"]
    subject = client.emulator.player(ROBIN).subject
    shown = {"sub": subject, "email": "robin@example.com", "email_verified": True}
    answer = client.profile("userinfo", token)
    assert answer.json() == shown
    assert (answer.headers["cache-control"], answer.headers["vary"]) == ("no-store", "Authorization")
    client.emulator.put_player(steam_id=ROBIN, last_name="", grants=GRANTED)  # shared, and empty
    live = client.profile("userinfo", token).json()
    assert (live["given_name"], live["family_name"], live["name"]) == ("Robin", "", "Robin")
    assert live["picture"] == live["picture_animated"]
    assert client.http.get(live["picture"]).status_code == 200


def test_userinfo_shows_newly_shared_claims_with_the_same_token(client: Client) -> None:
    token = client.steam().json()["accessToken"]
    assert "email" not in client.profile("userinfo", token).json()
    visit(client.share(token).json()["errand"]["url"], email="new@example.com")
    assert client.profile("userinfo", token).json()["email"] == "new@example.com"
    state = client.profile("claim-state", token).json()
    assert state["sub"] == client.emulator.player(ROBIN).subject
    assert state["claims"]["email"] == {"requirement": "OPTIONAL", "state": "GRANTED"}
    assert set(state["claims"]) == {"email", "given_name", "family_name", "picture", "picture_animated"}


@pytest.mark.parametrize("name", ["userinfo", "claim-state"])
@pytest.mark.parametrize(
    "ended", ["expired", "logged out", "suspended", "deleted", "refresh token", "junk", "none", "basic"]
)
def test_profile_call_without_a_valid_token_is_refused(client: Client, name: str, ended: str) -> None:
    pair = client.steam().json()
    token = {"refresh token": pair["refreshToken"], "junk": "é", "none": ""}.get(ended, pair["accessToken"])
    if ended == "expired":
        client.emulator.advance(3600)
    elif ended == "logged out":
        client.session("logout", refreshToken=pair["refreshToken"])
    elif ended == "suspended":
        client.emulator.set_sessions(suspended=True)
    elif ended == "deleted":
        client.emulator.player().deleted = True
    scheme = "Basic" if ended == "basic" else "Bearer"
    headers = [(b"Authorization", f"{scheme} {token}".encode())] if ended != "none" else []
    answer = client.http.get(f"{client.emulator.urls['session']}/{name}", headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_token"})
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert token not in str(client.emulator.requests) or not token


@pytest.mark.parametrize("dialect", ["documents", "openapi"])
def test_profile_calls_do_not_exist_before_v4(client: Client, dialect: Any) -> None:
    client.emulator.update(dialect=dialect)
    token = client.steam().json()["accessToken"]
    for path in ("userinfo", "claim-state", "applications/demo-game/jwks.json"):
        assert client.profile(path, token).status_code == 404


def test_key_set_of_an_application(client: Client) -> None:
    answer = client.http.get("/session/applications/demo-game/jwks.json")
    (key,) = answer.json()["keys"]
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"} and "max-age=" in answer.headers["cache-control"]
    assert key["kid"] == said(client.steam().json()["accessToken"])["kid"]
    assert told(client.http.get("/session/applications/another/jwks.json")) == (404, "ApplicationNotFound")


# --- requests and reasons --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("api", "path", "body"),
    [
        ("native", "direct-issue/steam-ticket", {"applicationAnchor": "x", "steamTicketHex": "00", "steamAppId": 1}),
        ("native", "errand", {"accessToken": "x"}),
        ("connect", "status-poll", {"exposureKey": "x", "hiddenKey": "x"}),
        ("connect", "redeem", {"exposureKey": "x", "hiddenKey": "x", "confirmationKey": "x"}),
        ("connect", "info", {"applicationAnchor": "x", "locale": "en"}),
        ("session", "refresh", {"refreshToken": "x"}),
        ("session", "introspect", {"accessToken": "x"}),
        ("session", "logout", {"refreshToken": "x"}),
    ],
)
def test_v4_refuses_unknown_members(client: Client, api: str, path: str, body: dict[str, Any]) -> None:
    for dialect, expected in (("documents", False), ("openapi", False), ("v4", True)):
        client.emulator.update(dialect=dialect)
        answer = client.http.post(f"{client.emulator.urls[api]}/{path}", json=body | {"later": 1})
        assert (told(answer) == (400, "InvalidBody")) is expected


def test_v4_bounds_a_ticket(client: Client) -> None:
    assert client.steam("ab" * 2560).status_code == 200
    assert told(client.steam("ab" * 2561)) == (400, "InvalidBody")
    client.emulator.update(dialect="openapi")
    assert client.steam("cd" * 2561).status_code == 200


@pytest.mark.parametrize(
    ("dialect", "reason"),
    [("documents", "ApplicationDisabled"), ("openapi", "ApplicationDisabled"), ("v4", "ApplicationNotActive")],
)
def test_disabled_application(client: Client, dialect: Any, reason: str) -> None:
    client.emulator.update({"application.disabled": True}, dialect=dialect)
    assert told(client.steam()) == (403, reason)
    assert told(client.access_key()) == (403, reason)
    assert told(client.establish()) == (403, reason)
    assert told(client.device("device-authorize", {"applicationAnchor": "demo-game"})) == (403, reason)


def test_answers_that_forbid_caching(client: Client) -> None:
    def no_store(answer: httpx.Response) -> bool:
        return (answer.headers.get("cache-control"), answer.headers.get("pragma")) == ("no-store", "no-cache")

    for dialect, more in (("openapi", False), ("v4", True)):
        client.emulator.update({"claims.email": "OPTIONAL"}, dialect=dialect)
        assert no_store(client.steam())
        inquiry = client.establish()
        assert no_store(inquiry) is more
        assert no_store(client.share(client.steam().json()["accessToken"])) is more
        keys = {name: inquiry.json()[name] for name in ("exposureKey", "hiddenKey")}
        assert no_store(client.connect("status-poll", keys)) is more
        client.emulator.update({"claims.email": "REQUIRED"})
        assert no_store(client.steam()) is more


def test_redeem_names_missing_data_in_v4(client: Client) -> None:
    for dialect, reason in (("openapi", "ClaimConsentRequired"), ("v4", "RequiredClaimDataMissing")):
        client.emulator.update({"claims.email": "OFF"}, dialect=dialect)
        keys = client.emulator.establish()
        visit(page(client, keys), steam_id=KIM)
        confirmation = client.connect("status-poll", keys).json()["confirmationKey"]
        client.emulator.update({"claims.email": "REQUIRED"})
        client.emulator.put_player(steam_id=KIM, email=None, grants={"email": "GRANTED"})
        assert told(client.connect("redeem", {**keys, "confirmationKey": confirmation})) == (403, reason)


def test_introspection_needs_a_session_of_that_player(client: Client) -> None:
    token = client.steam().json()["accessToken"]
    client.emulator.reset()
    assert client.session("introspect", accessToken=token).json()["status"] == "not_found"


@pytest.mark.parametrize("algorithm", [None, "RS256"])
def test_client_jwt_without_alg_counts_as_rs256(client: Client, algorithm: str | None) -> None:
    raw = b'{"applicationAnchor": "demo-game"}'
    token = client.resigned(client.client_jwt(raw), {} if algorithm is None else {"alg": algorithm})
    assert client.send_signed("connect", "establish", raw, token).status_code == 200


@pytest.mark.parametrize(
    "header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": None}, {"alg": "RS256", "crit": ["exp"]}]
)
def test_client_jwt_with_another_header_is_refused(client: Client, header: dict[str, Any]) -> None:
    raw = b'{"applicationAnchor": "demo-game"}'
    token = client.resigned(client.client_jwt(raw), header)
    assert told(client.send_signed("connect", "establish", raw, token)) == (401, "ClientAuthInvalidAlgorithm")


# --- the examples of the four documents ------------------------------------------------------------------------------
# Each body as the document's curl command sends it.


@pytest.fixture
def documented(client: Client) -> Client:
    application = {"anchor": "example", "allowed_callback_domains": ["example"]}
    client.emulator.update({"application": application}, dialect="documents")
    return client


def test_example_of_establish(documented: Client) -> None:
    lifetimes = {"accessTokenTtlSeconds": 1, "refreshTokenTtlSeconds": 1}
    raw = json.dumps(
        {
            "applicationAnchor": "example",
            "authenticationConstraints": [{"method": "PASSKEY_USERNAMELESS", "payload": {}, **lifetimes}],
            "realizeConstraints": [
                {"constraintType": "EMAIL", "payload": {"allowedEmails": ["example"]}, **lifetimes},
            ],
            "returnMethods": [{"type": "CALLBACK", "payload": {"callbackUrl": "example"}}],
        }
    ).encode()
    unsigned = documented.http.post(
        f"{documented.emulator.urls['connect']}/establish", content=raw, headers={"Content-Type": "application/json"}
    )
    assert told(unsigned) == (401, "ClientAuthMissing")  # the command as it is printed has no Authorization
    signed = documented.send_signed("connect", "establish", raw, documented.client_jwt(raw, iss="example"))
    assert signed.status_code == 200 and set(signed.json()) == {"applicationAnchor", "exposureKey", "hiddenKey"}


def test_lifetime_of_one_second_is_accepted(documented: Client) -> None:
    body = {
        "applicationAnchor": "example",
        "realizeConstraints": [
            {"constraintType": "EVERYONE", "payload": {}, "accessTokenTtlSeconds": 1, "refreshTokenTtlSeconds": 1}
        ],
    }
    raw = json.dumps(body).encode()
    answer = documented.send_signed("connect", "establish", raw, documented.client_jwt(raw, iss="example")).json()
    keys = {name: answer[name] for name in ("exposureKey", "hiddenKey")}
    assert visit(page(documented, keys)) == "done"
    confirmation = documented.connect("status-poll", keys).json()["confirmationKey"]
    pair = documented.connect("redeem", {**keys, "confirmationKey": confirmation}).json()
    for token in (pair["accessToken"], pair["refreshToken"]):
        assert said(token)["exp"] - said(token)["iat"] == 1
    documented.emulator.advance(2)
    assert told(documented.share(pair["accessToken"])) == (401, "AccessTokenExpired")


def test_examples_of_redeem_and_errand(documented: Client) -> None:
    keys = {"exposureKey": "example", "hiddenKey": "example", "confirmationKey": "example"}
    assert told(documented.connect("redeem", keys)) == (400, "InquiryNotFound")
    assert told(documented.share("example")) == (401, "AccessTokenInvalid")


def test_examples_of_native_flows(client: Client) -> None:
    client.emulator.update({"application.anchor": "your-application"}, dialect="documents")
    body = {"applicationAnchor": "your-application", "returnMethods": [{"type": "STATUS_POLL", "payload": {}}]}
    raw = json.dumps(body).encode()
    answer = client.send_signed("connect", "establish", raw, client.client_jwt(raw, iss="your-application")).json()
    keys = {name: answer[name] for name in ("exposureKey", "hiddenKey")}
    assert keys["exposureKey"].startswith("exp_") and keys["hiddenKey"].startswith("hid_")
    assert client.connect("status-poll", keys).json() == {"status": "PENDING"}
    visit(page(client, keys))
    realized = client.connect("status-poll", keys).json()
    assert realized["status"] == "REALIZED" and realized["confirmationKey"].startswith("cnf_")
    client.emulator.reset()
    client.emulator.update({"application.anchor": "my-game", "claims": {"email": "REQUIRED", "firstName": "OPTIONAL"}})
    denied = client.steam(applicationAnchor="my-game").json()
    assert denied["reason"] == "ClaimConsentRequired" and set(denied["claims"]) == {"email", "firstName", "lastName"}
    assert denied["errand"]["errandKey"].startswith("ernd_") and denied["errand"]["expiresAt"].endswith("Z")
    assert client.status(denied["errand"]["errandKey"]) == "PENDING"
    visit(denied["errand"]["url"])
    assert client.status(denied["errand"]["errandKey"]) == "COMPLETED"
    assert client.steam(applicationAnchor="my-game").status_code == 200
    client.emulator.update({"application.anchor": "my-cli-tool", "claims.email": "OFF"})
    assert client.access_key(applicationAnchor="my-cli-tool").status_code == 200
