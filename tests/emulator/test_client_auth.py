"""Specifies the client-auth JWT of the local service: each claim of the contract, accepted and refused, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from sudomimus_bridge.emulator import Emulator

from ..helpers.emulator_helpers import Client, told

BODY = {"applicationAnchor": "demo-game", "returnMethods": [{"type": "STATUS_POLL", "payload": {}}]}
RAW = json.dumps(BODY).encode()


@pytest.fixture
def client() -> Iterator[Client]:
    with Emulator() as emulator:
        emulator.freeze()
        emulator.advance(1 - emulator._state.clock.now() % 1)  # on the second, as tokens have it
        client = Client(emulator)
        with client.http:
            yield client


def test_signed_request_establishes_an_inquiry(client: Client) -> None:
    answer = client.send_signed("connect", "establish", RAW)
    assert answer.status_code == 200
    assert set(answer.json()) == {"applicationAnchor", "exposureKey", "hiddenKey"}
    assert answer.json()["exposureKey"].startswith("exp_") and answer.json()["hiddenKey"].startswith("hid_")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "another"}, "ClientAuthInvalidIssuer"),
        ({"iss": None}, "ClientAuthInvalidIssuer"),
        ({"aud": "sudomimus-session"}, "ClientAuthInvalidAudience"),
        ({"aud": ["sudomimus-connect"]}, "ClientAuthInvalidAudience"),
        ({"aud": None}, "ClientAuthInvalidAudience"),
        ({"iat": None}, "ClientAuthMalformed"),
        ({"exp": None}, "ClientAuthMalformed"),
        ({"iat": True}, "ClientAuthMalformed"),
        ({"jti": None}, "ClientAuthInvalidTokenId"),
        ({"jti": ""}, "ClientAuthInvalidTokenId"),
        ({"body_sha256": None}, "ClientAuthBodyHashMismatch"),
        ({"body_sha256": "\ud800"}, "ClientAuthBodyHashMismatch"),
        ({"body_sha256": "é"}, "ClientAuthBodyHashMismatch"),
        ({"body_sha256": "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="}, "ClientAuthBodyHashMismatch"),
    ],
)
def test_wrong_claim_is_refused(client: Client, changes: dict[str, Any], reason: str) -> None:
    answer = client.send_signed("connect", "establish", RAW, client.client_jwt(RAW, **changes))
    assert told(answer) == (401, reason)


@pytest.mark.parametrize(
    ("issued", "lifetime", "expected"),
    [
        (0, 60, (200, None)),
        (0, 61, (401, "ClientAuthInvalidLifetime")),
        (0, 0, (401, "ClientAuthInvalidLifetime")),
        (0, -5, (401, "ClientAuthInvalidLifetime")),
        (30, 60, (200, None)),
        (31, 60, (401, "ClientAuthIssuedInFuture")),
        (-59, 60, (200, None)),
        (-60, 60, (401, "ClientAuthExpired")),
        (-3600, 60, (401, "ClientAuthExpired")),
    ],
)
def test_times_of_a_token(client: Client, issued: int, lifetime: int, expected: tuple[int, str | None]) -> None:
    now = int(client.emulator._state.clock.now())
    token = client.client_jwt(RAW, iat=now + issued, exp=now + issued + lifetime)
    assert told(client.send_signed("connect", "establish", RAW, token)) == expected


def test_token_is_accepted_once(client: Client) -> None:
    token = client.client_jwt(RAW)
    assert client.send_signed("connect", "establish", RAW, token).status_code == 200
    assert told(client.send_signed("connect", "establish", RAW, token)) == (401, "ClientAuthReplayed")
    # Its id is used up: a later token with the same id is refused, too.
    jti = jwt.decode(token, options={"verify_signature": False})["jti"]
    client.emulator.advance(3600)
    again = client.client_jwt(RAW, jti=jti)
    assert told(client.send_signed("connect", "establish", RAW, again)) == (401, "ClientAuthReplayed")


def test_token_sent_many_times_at_once_is_accepted_once(client: Client) -> None:
    token = client.client_jwt(RAW)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.send_signed("connect", "establish", RAW, token), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


def test_request_refused_for_another_reason_does_not_use_up_its_token(client: Client) -> None:
    token = client.client_jwt(RAW)
    assert told(client.send_signed("connect", "establish", RAW + b" ", token)) == (401, "ClientAuthBodyHashMismatch")
    assert client.send_signed("connect", "establish", RAW, token).status_code == 200


def test_token_by_another_key_or_algorithm_is_refused(client: Client) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    token = client.client_jwt(RAW, key=stranger)
    assert told(client.send_signed("connect", "establish", RAW, token)) == (401, "ClientAuthInvalidSignature")
    shared = client.client_jwt(RAW, key="a secret that both would have to know", algorithm="HS256")
    assert told(client.send_signed("connect", "establish", RAW, shared)) == (401, "ClientAuthInvalidAlgorithm")
    longer = client.client_jwt(RAW, algorithm="RS512")
    assert told(client.send_signed("connect", "establish", RAW, longer)) == (401, "ClientAuthInvalidAlgorithm")
    head, _, _ = client.client_jwt(RAW).rpartition(".")
    assert told(client.send_signed("connect", "establish", RAW, f"{head}.")) == (401, "ClientAuthInvalidSignature")


@pytest.mark.parametrize(
    ("authorization", "reason"),
    [
        (None, "ClientAuthMissing"),
        ("", "ClientAuthMissing"),
        ("SudomimusClientJWT", "ClientAuthMissing"),
        ("Bearer {token}", "ClientAuthMissing"),
        ("SudomimusClientJWT abc", "ClientAuthMalformed"),
        ("SudomimusClientJWT a.b.c", "ClientAuthMalformed"),
        ("sudomimusclientjwt {token}", None),
    ],
)
def test_authorization_header(client: Client, authorization: str | None, reason: str | None) -> None:
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization.format(token=client.client_jwt(RAW))
    answer = client.http.post(f"{client.emulator.urls['connect']}/establish", content=RAW, headers=headers)
    assert told(answer) == ((401, reason) if reason else (200, None))


def test_order_of_the_checks(client: Client) -> None:
    wrong = {"applicationAnchor": "demo-game", "returnMethods": []}
    client.emulator.update({"application.disabled": True})
    bad = client.client_jwt(b"other")
    assert told(client.send_signed("connect", "establish", b"{", bad)) == (400, "InvalidBody")
    assert told(client.send_signed("connect", "establish", wrong | {"applicationAnchor": "x"}, bad)) == (
        *(404, "ApplicationNotFound"),
    )
    assert told(client.send_signed("connect", "establish", wrong, bad)) == (401, "ClientAuthBodyHashMismatch")
    assert told(client.send_signed("connect", "establish", wrong)) == (403, "ApplicationNotActive")
    client.emulator.update({"application.disabled": False})
    assert told(client.send_signed("connect", "establish", wrong)) == (400, "InvalidBody")
