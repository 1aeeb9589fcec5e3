"""Specifies the client-auth JWT of `/establish`: another library verifies it, and the local service accepts or refuses it."""

from __future__ import annotations

import base64
import hashlib
import json
import time
import traceback
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from joserfc import jwk, jws
from joserfc.errors import BadSignatureError

from sudomimus_bridge._cli.main import main
from sudomimus_bridge._login.methods import Browser
from sudomimus_bridge._service.client_auth import ClientKey
from sudomimus_bridge._service.constraints import Constraints, RealizeConstraint
from sudomimus_bridge._settings import read_settings
from sudomimus_bridge._values.errors import ConfigurationError
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._players.visitor import NO_TLS
from sudomimus_bridge.testing._scripted_service import Seen, Step

from ..helpers.service_helpers import (
    ESTABLISHED,
    EXPOSURE,
    HIDDEN,
    ISSUED,
    REALIZED,
    by_inquiry,
    by_key,
    pem_of,
    private_key,
    ran,
    refused,
)

SCHEME = "SudomimusClientJWT "
WALL = 1_800_000_000


def public_pem(key: Any) -> bytes:
    return bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def read(authorization: str | None, key: Any = None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, after joserfc has verified the signature."""
    assert authorization is not None and authorization.startswith(SCHEME)
    token = jws.deserialize_compact(
        authorization.removeprefix(SCHEME),
        jwk.RSAKey.import_key(public_pem(key or private_key())),
        algorithms=["RS256"],
    )
    return dict(token.headers()), json.loads(token.payload)


def established(*posts: Step, **more: Any) -> list[Seen]:
    return ran("browser", [*posts, ISSUED], [REALIZED], credentials=by_key(**more)).sent("/establish")


def test_signature_claims_and_hash_of_the_body() -> None:
    narrowing = Constraints(realize_constraints=[RealizeConstraint("EMAIL", allowed_emails=["*@éxample.org"])])
    (sent,) = established(ESTABLISHED, constraints=narrowing)
    header, claims = read(sent.authorization)
    assert header == {"alg": "RS256", "typ": "JWT"}
    assert set(claims) == {"iss", "aud", "iat", "exp", "jti", "body_sha256"}
    assert claims["iss"] == sent.body["applicationAnchor"] == "my-game"
    assert claims["aud"] == "sudomimus-connect"
    assert claims["iat"] == WALL and type(claims["iat"]) is int
    assert type(claims["exp"]) is int and 0 < claims["exp"] - claims["iat"] <= 60
    assert uuid.UUID(claims["jti"]).version == 4
    assert claims["body_sha256"] == base64.b64encode(hashlib.sha256(sent.content).digest()).decode()
    assert sent.host == "connect-api.sudomimus.com"


def test_another_key_does_not_verify_it() -> None:
    (sent,) = established(ESTABLISHED)
    with pytest.raises(BadSignatureError):
        read(sent.authorization, private_key(3072))


def test_each_attempt_makes_its_own_token() -> None:
    sent = established(refused(503, Retry_After="100"), refused(500), ESTABLISHED)
    claims = [read(seen.authorization)[1] for seen in sent]
    assert len({each["jti"] for each in claims}) == 3
    assert claims[1]["iat"] >= claims[0]["iat"] + 100
    assert [each["iat"] for each in claims] == [int(WALL + seen.at) for seen in sent]


@pytest.mark.parametrize("ahead", [600, 16, -16, -600])
def test_wrong_clock_is_corrected_by_the_services_clock(ahead: int) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(WALL + ahead))
    sent = established(Step(401, b"", {"Date": date}), ESTABLISHED)
    assert [read(seen.authorization)[1]["iat"] - WALL for seen in sent] == [0, ahead]


@pytest.mark.parametrize("headers", [{}, {"Date": time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(WALL + 5))}])
def test_refused_key_is_not_retried(headers: dict[str, str]) -> None:
    after = ran("browser", [Step(401, b"", headers)], credentials=by_key())
    assert after.error.exit_status == 4
    assert len(after.sent("/establish")) == 1


@pytest.mark.parametrize("trouble", [Step(503), Step(raises=httpx.ConnectError)], ids=["overloaded", "network"])
def test_answer_without_a_date_keeps_the_known_clock_skew(trouble: Step) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(WALL + 600))
    sent = established(Step(401, b"", {"Date": date}), trouble, ESTABLISHED)
    ahead = [read(seen.authorization)[1]["iat"] - int(WALL + seen.at) for seen in sent]
    assert ahead == [0, 600, 600]


def test_clock_that_stays_wrong_is_retried_once() -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(WALL + 600))
    after = ran("browser", [Step(401, b"", {"Date": date})], credentials=by_key())
    assert after.error.exit_status == 4
    assert len(after.sent("/establish")) == 2


# --- the local service ---------------------------------------------------------------------------------------------------


BODY = b'{"applicationAnchor":"demo-game","returnMethods":[{"type":"STATUS_POLL","payload":{}}]}'


@pytest.fixture
def client_key(emulator: Emulator) -> ClientKey:
    return ClientKey(Secret(Path(emulator.urls["clientKeyFile"]).read_text()))


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, verify=NO_TLS) as client:
        yield client


def answered(emulator: Emulator, http: httpx.Client, body: bytes, authorization: Secret) -> int:
    headers = {"Content-Type": "application/json", "Authorization": authorization.reveal()}
    return http.post(f"{emulator.urls['connect']}/establish", content=body, headers=headers).status_code


def test_token_is_accepted_once(emulator: Emulator, http: httpx.Client, client_key: ClientKey) -> None:
    signed = client_key.authorization(BODY, "demo-game", time.time())
    assert [answered(emulator, http, BODY, signed) for _ in range(2)] == [200, 401]


@pytest.mark.parametrize(
    ("body", "anchor", "late"),
    [
        (BODY + b" ", "demo-game", 0),
        (BODY.replace(b'","', b'", "'), "demo-game", 0),
        (BODY, "another-game", 0),
        (BODY, "demo-game", 61),
        (BODY, "demo-game", -31),
    ],
    ids=["a space more", "the same JSON in other bytes", "another issuer", "expired", "of the future"],
)
def test_token_is_refused(
    emulator: Emulator, http: httpx.Client, client_key: ClientKey, body: bytes, anchor: str, late: float
) -> None:
    emulator.freeze()  # a busy machine may take a second to send the request
    signed = client_key.authorization(BODY, anchor, emulator._state.clock.now() - late)
    assert answered(emulator, http, body, signed) == 401


def test_key_of_another_application_is_refused(emulator: Emulator, http: httpx.Client) -> None:
    signed = ClientKey(Secret(pem_of(private_key()))).authorization(BODY, "demo-game", time.time())
    assert answered(emulator, http, BODY, signed) == 401


# --- keys that cannot be used ---------------------------------------------------------------------------------------------

RSA = pem_of(private_key())
LINES = RSA.splitlines()
UNUSABLE = {
    "no PEM": ("this-is-not-a-key-at-all", "no line says BEGIN PRIVATE KEY"),
    "base64 alone": ("".join(LINES[1:-1]), "no line says BEGIN PRIVATE KEY"),
    "encrypted": (pem_of(private_key(), password=b"secret"), "it is encrypted"),
    "encrypted, old": (pem_of(private_key(), "TraditionalOpenSSL", b"secret"), "it is encrypted"),
    "OpenSSH": (pem_of(private_key(), "OpenSSH"), "an SSH key"),
    "public": (public_pem(private_key()).decode(), "no private key"),
    "elliptic": (pem_of(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
    "Edwards": (pem_of(ed25519.Ed25519PrivateKey.generate()), "not an RSA key"),
    "small": (pem_of(private_key(1024)), "1024 bits"),
    "cut off": ("\n".join([*LINES[:10], LINES[-1]]), "damaged"),
    "no end": ("\n".join(LINES[:-1]), "damaged"),
    "a letter wrong": (RSA.replace(LINES[3], "!" + LINES[3][1:]), "damaged"),
    "not ASCII": (RSA.replace(LINES[3], "é" + LINES[3][1:]), "damaged"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_error_about_an_unusable_key_repeats_nothing_of_it(name: str) -> None:
    pem, words = UNUSABLE[name]
    with pytest.raises(ConfigurationError) as caught:
        ClientKey(Secret(pem))
    said = "".join(traceback.format_exception(caught.value))
    assert caught.value.detail is not None
    assert words in caught.value.detail and "RSA, in PEM" in caught.value.detail
    assert not any(line in said for line in pem.splitlines() if len(line) > 40)


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
@pytest.mark.parametrize("spelled", [str, lambda pem: pem.replace("\n", "\\n"), lambda pem: pem.replace("\n", "\r\n")])
def test_usable_key_in_each_form(form: str, spelled: Any) -> None:
    key = ClientKey(Secret(spelled(pem_of(private_key(), form))))
    read(key.authorization(b"{}", "my-game", 0.0).reveal())


def test_key_is_shown_nowhere() -> None:
    key = ClientKey(Secret(RSA))
    assert not any(line in repr(key) + str(vars(key)) for line in LINES[1:-1])


# --- where the key comes from -----------------------------------------------------------------------------------------


def test_flag_wins_over_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text(RSA)
    environ = {"SUDOMIMUS_CLIENT_KEY": "other", "SUDOMIMUS_EXPOSURE_KEY": "exp_1", "SUDOMIMUS_HIDDEN_KEY": "hid_1"}
    browser = Browser(client_key_file=file, environ=environ)
    assert browser.inquiry is None and browser._pem() == Secret(RSA.strip())


def test_credentials_may_be_secrets_already() -> None:
    given = Browser(exposure_key=Secret(EXPOSURE), hidden_key=Secret(HIDDEN), environ={})
    assert given.inquiry == by_inquiry().inquiry


def test_inquiry_wins_over_a_key_in_the_environment() -> None:
    environ = {"SUDOMIMUS_CLIENT_KEY": RSA, "SUDOMIMUS_EXPOSURE_KEY": "exp_1", "SUDOMIMUS_HIDDEN_KEY": "hid_1"}
    inquiry = Browser(environ=environ).inquiry
    assert inquiry is not None and inquiry.exposure_key == Secret("exp_1")
    assert "exp_1" not in repr(Browser(environ=environ))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "SUDOMIMUS_EXPOSURE_KEY and SUDOMIMUS_HIDDEN_KEY"),
        ({"exposure_key": "exp_12345678"}, "the hidden key"),
        ({"hidden_key": "hid_12345678"}, "the exposure key"),
        ({"exposure_key": "hid_12345678", "hidden_key": "exp_12345678"}, "swapped"),
        ({"exposure_key": "exp_1234 5678", "hidden_key": "hid_12345678"}, "exposure key is malformed"),
        ({"exposure_key": "exp_12345678", "hidden_key": "hid_1234\n5678"}, "hidden key is malformed"),
        ({"exposure_key": "exp_12345678", "hidden_key": "hid_12345678", "client_key": "PEM"}, "not both"),
        (
            {"exposure_key": "exp_12345678", "hidden_key": "hid_12345678", "constraints": Constraints()},
            "established already",
        ),
        ({"client_key_file": "/does/not/exist.pem"}, "--client-key-file cannot be read"),
        ({"client_key_file": "/"}, "--client-key-file cannot be read"),
    ],
)
def test_refused_credentials(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        Browser(**given, environ={}).check(read_settings({"application": "my-game"}, {}))
    assert "5678" not in caught.value.sentence


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "key.pem").write_text(RSA)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "jwt" else object())
    status = main(["login", "browser", "--application", "my-game", "--client-key-file", str(tmp_path / "key.pem")])
    assert status == 2
    assert "(jwt). Install them: python -m pip install 'sudomimus-bridge[connect]'" in capsys.readouterr().err


def test_inquiry_works_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert ran("browser", [ISSUED], [REALIZED]).result
