"""Specifies the emulator's Session API: each reason of `/refresh`; introspection, logout and revocation; over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._memory.sessions import Pair
from sudomimus_bridge.emulator._players.visitor import visit_errand

from ..helpers.emulator_helpers import KIM, ROBIN, Client, said, told


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        client = Client(emulator)
        with client.http:
            yield client


def refresh(client: Client, token: str) -> tuple[int, str | None]:
    return told(client.session("refresh", refreshToken=token))


def renewed(client: Client, token: str) -> Pair:
    answer = client.session("refresh", refreshToken=token)
    assert answer.status_code == 200
    return Pair(answer.json()["accessToken"], answer.json()["refreshToken"])


# --- /refresh --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["openapi", "documents"])
def test_refresh_returns_a_new_pair(client: Client, dialect: str) -> None:
    client.emulator.update(dialect=dialect)
    first = client.steam().json()
    client.emulator.advance(60)
    answer = client.session("refresh", refreshToken=first["refreshToken"])
    assert answer.status_code == 200
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")
    assert set(answer.json()) == {"accessToken", "refreshToken", "claims"}
    assert answer.json()["claims"] == first["claims"]
    assert answer.json()["refreshToken"] != first["refreshToken"]
    assert client.share(answer.json()["accessToken"]).status_code == 200


def test_every_login_method_opens_a_session(client: Client) -> None:
    for answer in (client.steam(), client.access_key()):
        renewed(client, answer.json()["refreshToken"])
    assert client.emulator.snapshot()["sessions"] == {"active": 2, "suspended": 0, "revoked": 0, "expired": 0}


def test_second_use_of_a_refresh_token_ends_the_session(client: Client) -> None:
    first = client.emulator.open_session()
    second = renewed(client, first.refresh_token)
    client.emulator.advance(10.5)
    assert refresh(client, first.refresh_token) == (401, "RefreshTokenFamilyCompromised")
    assert refresh(client, second.refresh_token) == (401, "RefreshTokenRevoked")
    assert refresh(client, first.refresh_token) == (401, "RefreshTokenRevoked")


def test_grace_window_of_zero_allows_no_second_use(client: Client) -> None:
    client.emulator.update({"sessions.grace_seconds": 0})
    first = client.emulator.open_session()
    second = client.session("refresh", refreshToken=first.refresh_token).json()
    # The clock is frozen, so no time has passed.
    assert told(client.session("refresh", refreshToken=first.refresh_token)) == (401, "RefreshTokenFamilyCompromised")
    assert told(client.session("refresh", refreshToken=second["refreshToken"])) == (401, "RefreshTokenRevoked")


def test_second_use_in_the_grace_window_returns_the_same_child(client: Client) -> None:
    first = client.emulator.open_session()
    second = renewed(client, first.refresh_token)
    client.emulator.advance(10)
    again = renewed(client, first.refresh_token)
    assert again.refresh_token == second.refresh_token
    assert again.access_token != second.access_token
    assert refresh(client, second.refresh_token) == (200, None)


def test_grace_window_closes_when_the_child_is_used(client: Client) -> None:
    first = client.emulator.open_session()
    second = renewed(client, first.refresh_token)
    third = renewed(client, second.refresh_token)
    assert refresh(client, first.refresh_token) == (401, "RefreshTokenFamilyCompromised")
    assert refresh(client, third.refresh_token) == (401, "RefreshTokenRevoked")


def test_second_use_without_adoption_has_an_empty_body(client: Client) -> None:
    client.emulator.update({"sessions.adopts": False})
    first = client.emulator.open_session()
    second = renewed(client, first.refresh_token)
    assert refresh(client, first.refresh_token) == (401, None)
    assert refresh(client, second.refresh_token) == (401, "RefreshTokenRevoked")


def test_end_of_a_session_does_not_affect_another(client: Client) -> None:
    one, other = client.emulator.open_session(), client.emulator.open_session()
    renewed(client, one.refresh_token)
    client.emulator.advance(11)
    assert refresh(client, one.refresh_token) == (401, "RefreshTokenFamilyCompromised")
    assert refresh(client, other.refresh_token) == (200, None)


def test_many_refreshes_at_once_get_the_same_child(client: Client) -> None:
    first = client.emulator.open_session()
    with ThreadPoolExecutor(8) as pool:
        pairs = list(pool.map(lambda _: renewed(client, first.refresh_token), range(8)))
    assert len({pair.refresh_token for pair in pairs}) == 1
    assert client.emulator.sessions[0].rotations == 1


def test_many_refreshes_at_once_without_adoption_end_the_session(client: Client) -> None:
    client.emulator.update({"sessions.adopts": False})
    first = client.emulator.open_session()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(client, first.refresh_token), range(8)))
    assert answers.count((200, None)) == 1
    assert answers.count((401, None)) == 1
    assert answers.count((401, "RefreshTokenRevoked")) == 6


@pytest.mark.parametrize("body", [{}, {"refreshToken": 7}, [], None])
def test_body_that_does_not_fit_the_contract_is_refused(client: Client, body: Any) -> None:
    for path in ("refresh", "logout"):
        answer = client.http.post(f"{client.emulator.urls['session']}/{path}", json=body)
        assert told(answer) == (400, "InvalidBody")


@pytest.mark.parametrize(
    ("api", "path", "names"),
    [
        ("session", "refresh", ["refreshToken"]),
        ("session", "logout", ["refreshToken"]),
        ("session", "introspect", ["accessToken"]),
        ("connect", "status-poll", ["exposureKey", "hiddenKey"]),
        ("connect", "redeem", ["exposureKey", "hiddenKey", "confirmationKey"]),
        ("native", "errand", ["accessToken"]),
    ],
)
def test_lone_surrogate_is_refused(client: Client, api: str, path: str, names: list[str]) -> None:
    body = {**client.emulator.establish(), **dict.fromkeys(names[-1:], "\ud800")}
    raw = json.dumps({name: body[name] for name in names}).encode()
    headers = {"Content-Type": "application/json"}
    assert told(client.http.post(f"{client.emulator.urls[api]}/{path}", content=raw, headers=headers)) == (
        *(400, "InvalidBody"),
    )


def forged(client: Client, key: Any = None, algorithm: str = "RS256", **changes: Any) -> str:
    """A refresh token with changed claims, signed with another key than the service's."""
    client.emulator.update(dialect="openapi")  # there the header has all claims that are checked
    token = client.emulator.open_session().refresh_token
    header, body = jwt.get_unverified_header(token), jwt.decode(token, options={"verify_signature": False})
    header = {name: value for name, value in (header | changes).items() if value is not None and name != "alg"}
    key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(body, key, algorithm=algorithm, headers=header)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "RefreshTokenInvalidSignature"),
        ({"kty": "Access"}, "RefreshTokenInvalidType"),
        ({"kty": None}, "RefreshTokenInvalidType"),
        ({"iss": "another"}, "RefreshTokenInvalid"),
        ({"aud": "another-game"}, "RefreshTokenInvalid"),
        ({"jti": None}, "RefreshTokenInvalid"),
        ({"exp": None}, "RefreshTokenInvalid"),
        ({"algorithm": "HS256", "key": "a secret that is long enough for HS256"}, "RefreshTokenInvalid"),
    ],
)
def test_token_that_the_service_did_not_sign_is_refused(client: Client, changes: dict[str, Any], reason: str) -> None:
    token = forged(client, **changes)
    assert refresh(client, token) == (401, reason)
    assert told(client.session("logout", refreshToken=token)) == (401, reason)


@pytest.mark.parametrize("token", ["x", "a.b.c", "é", "e30.e30.e30", "e30.W10."])
def test_malformed_token_is_refused(client: Client, token: str) -> None:
    assert refresh(client, token) == (401, "RefreshTokenInvalid")
    assert told(client.session("introspect", accessToken=token)) == (401, "AccessTokenInvalid")


def test_access_and_refresh_tokens_are_not_interchangeable(client: Client) -> None:
    pair = client.emulator.open_session()
    assert refresh(client, pair.access_token) == (401, "RefreshTokenInvalidType")
    assert told(client.session("introspect", accessToken=pair.refresh_token)) == (401, "AccessTokenInvalid")


def test_reason_of_refresh_for_each_state_of_the_session(client: Client) -> None:
    token, session = client.emulator.open_session().refresh_token, client.emulator.sessions[0]
    session.issuance_protocol = "OIDC"
    assert refresh(client, token) == (401, "RefreshTokenInvalidType")
    session.issuance_protocol = "APPLICATION"
    session.suspended = True
    assert refresh(client, token) == (401, "RefreshTokenSuspended")
    session.suspended = False
    session.revoked = True
    assert refresh(client, token) == (401, "RefreshTokenRevoked")
    session.revoked = False
    client.emulator.advance(30 * 86400)
    assert refresh(client, token) == (401, "RefreshTokenExpired")
    client.emulator.reset()
    assert refresh(client, token) == (401, "RefreshTokenInvalid")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda e: e.remove_player(ROBIN), (400, "AccountNotFound")),
        (lambda e: setattr(e.player(), "disabled", True), (403, "AccountDisabled")),
        (lambda e: setattr(e.player(), "deleted", True), (403, "AccountDeleted")),
        (lambda e: e.update({"application.disabled": True}), (403, "ApplicationNotActive")),
        *(
            (lambda e, why=why: setattr(e.player(), "refused", why), (403, why))
            for why in ("EmailDomainBlocked", "EmailDomainRequiresSso", "SsoAuthorityConflict")
        ),
        (lambda e: setattr(e.player(), "subject", "rotated"), (409, "AuthorizationArtifactStale")),
        (lambda e: e.update({"authorization_artifact_stale": 1}), (409, "AuthorizationArtifactStale")),
        (lambda e: e.update({"claims.lastName": "REQUIRED"}), (403, "ClaimConsentRequired")),
    ],
)
def test_refused_renewal_does_not_use_up_the_token(client: Client, change: Any, expected: tuple[int, str]) -> None:
    before = client.emulator.player().model_copy(deep=True)
    token = client.emulator.open_session().refresh_token
    change(client.emulator)
    answer = client.session("refresh", refreshToken=token)
    assert told(answer) == expected
    assert set(answer.json()) == {"reason"}  # no errand, no claims
    client.emulator.update({"application.disabled": False, "claims.lastName": "OFF"})
    client.emulator.put_player(before)
    assert refresh(client, token) == (200, None)


def test_newly_required_claim_is_shared_by_an_errand_before_the_renewal(client: Client) -> None:
    pair = client.emulator.open_session()
    client.emulator.update({"claims.email": "REQUIRED"})
    assert refresh(client, pair.refresh_token) == (403, "ClaimConsentRequired")
    errand = client.share(pair.access_token).json()["errand"]
    assert visit_errand(errand["url"]) == "done"
    answer = client.session("refresh", refreshToken=pair.refresh_token)
    assert answer.json()["claims"]["email"] == {"requirement": "REQUIRED", "state": "GRANTED"}


def test_renewal_is_refused_if_required_data_was_removed(client: Client) -> None:
    client.emulator.update({"claims.email": "REQUIRED"})
    client.emulator.put_player(steam_id=ROBIN, email="r@example.com", grants={"email": "GRANTED"})
    token = client.emulator.open_session().refresh_token
    client.emulator.player().email = None
    assert refresh(client, token) == (403, "RequiredClaimDataMissing")


def test_lifetimes_come_from_the_settings(client: Client) -> None:
    client.emulator.update({"tokens": {"access_token_ttl_seconds": 30, "refresh_token_ttl_seconds": 90}})
    pair = client.emulator.open_session()
    client.emulator.advance(31)
    assert told(client.share(pair.access_token)) == (401, "AccessTokenExpired")
    pair = renewed(client, pair.refresh_token)
    client.emulator.update({"tokens.access_token_ttl_seconds": 7})
    client.emulator.advance(60)
    pair = renewed(client, pair.refresh_token)  # the new token has a full lifetime
    envelope = said(pair.access_token)
    assert envelope["exp"] - envelope["iat"] == 7
    client.emulator.advance(90)
    assert refresh(client, pair.refresh_token) == (401, "RefreshTokenExpired")


# --- /introspect, /logout, /revoke-all -------------------------------------------------------------------------------


def status(client: Client, access_token: str) -> str:
    answer = client.session("introspect", accessToken=access_token)
    assert answer.status_code == 200
    assert answer.json()["recommendedRecheckSeconds"] == 60
    return str(answer.json()["status"])


def test_introspection_reports_the_session_and_ignores_the_tokens_expiry(client: Client) -> None:
    pair, session = client.emulator.open_session(), client.emulator.sessions[0]
    client.emulator.advance(7200)
    assert status(client, pair.access_token) == "active"
    renewed(client, pair.refresh_token)
    assert status(client, pair.access_token) == "active"
    session.suspended = True
    assert status(client, pair.access_token) == "revoked"
    session.suspended = False
    client.emulator.advance(30 * 86400)
    assert status(client, pair.access_token) == "expired"
    session.revoked = True
    assert status(client, pair.access_token) == "revoked"
    client.emulator.reset()
    assert status(client, pair.access_token) == "not_found"


@pytest.mark.parametrize("token", [None, 7, ""])
def test_introspection_without_a_token(client: Client, token: Any) -> None:
    assert told(client.session("introspect", accessToken=token)) == (401, "AccessTokenMissing")


def test_logout_ends_one_session_and_may_be_repeated(client: Client) -> None:
    first, other = client.emulator.open_session(), client.emulator.open_session()
    second = renewed(client, first.refresh_token)
    assert client.session("logout", refreshToken=first.refresh_token).json() == {
        "revoked": True
    }  # used, but valid for this
    assert client.session("logout", refreshToken=second.refresh_token).json() == {"revoked": False}
    assert refresh(client, second.refresh_token) == (401, "RefreshTokenRevoked")
    assert refresh(client, other.refresh_token) == (200, None)


def test_logout_with_an_expired_or_unknown_token(client: Client) -> None:
    pair = client.emulator.open_session()
    client.emulator.advance(30 * 86400)
    assert client.session("logout", refreshToken=pair.refresh_token).json() == {"revoked": False}
    client.emulator.reset()
    assert client.session("logout", refreshToken=pair.refresh_token).json() == {"revoked": False}


def test_revoke_all_needs_the_applications_signature(client: Client) -> None:
    robin = [client.emulator.open_session() for _ in range(3)]
    kim = client.emulator.open_session(KIM)
    client.session("logout", refreshToken=robin[0].refresh_token)
    body = {"subject": client.emulator.player().subject}
    raw = json.dumps(body).encode()
    answer = client.send_signed("session", "revoke-all", body, client.client_jwt(raw))
    assert told(answer) == (401, "ClientAuthInvalidAudience")
    assert told(client.http.post(f"{client.emulator.urls['session']}/revoke-all", json=body)) == (
        *(401, "ClientAuthMissing"),
    )
    # The signature is checked before the body.
    assert told(client.send_signed("session", "revoke-all", b"{}")) == (400, "InvalidBody")
    assert told(client.send_signed("session", "revoke-all", b"{", client.client_jwt(b"{"))) == (
        *(401, "ClientAuthInvalidAudience"),
    )
    client.emulator.update(dialect="openapi")
    assert client.send_signed("session", "revoke-all", body).json() == {"revokedCount": 2}
    assert client.send_signed("session", "revoke-all", body).json() == {"revokedCount": 0}
    client.emulator.update(dialect="v4")
    for _ in range(2):
        assert client.send_signed("session", "revoke-all", body).json() == {"revoked": True}
    assert refresh(client, robin[1].refresh_token) == (401, "RefreshTokenRevoked")
    assert refresh(client, kim.refresh_token) == (200, None)
