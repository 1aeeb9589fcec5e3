"""docs/backend.md: its code accepts the service's access tokens in each dialect, and refuses every other token."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from sudomimus_bridge.emulator import Emulator
from sudomimus_bridge.emulator._tokens.issuer import _application_key

from ..helpers.emulator_helpers import ROBIN

_PAGE = Path(__file__).parents[2] / "docs" / "backend.md"
_CODE = re.findall(r"^```python\n(.*?)^```", _PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
_FUNCTIONS = {"v4": "player_of", "openapi": "player_of_older", "documents": "player_of_older"}

Verify = Callable[[str], str]


@pytest.fixture(params=_FUNCTIONS)
def emulator(request: pytest.FixtureRequest) -> Iterator[Emulator]:
    with Emulator(dialect=request.param) as service:
        yield service


@pytest.fixture
def verify(emulator: Emulator) -> Verify:
    """The page's function for the tokens of this dialect, on the local service."""
    name = _FUNCTIONS[emulator.config.dialect]
    (code,) = (code for code in _CODE if f"def {name}(" in code)
    for api in ("session", "connect"):
        code = code.replace(f"https://{api}-api.sudomimus.com", emulator.urls[api])
    names: dict[str, Any] = {}
    exec(compile(code.replace("my-game", emulator.urls["application"]), str(_PAGE), "exec"), names)
    verified: Verify = names[name]
    return verified


def resigned(token: str, changes: dict[str, Any], key: Any = None, algorithm: str = "RS256") -> str:
    """A token with other members, each where the token has it; a change of None leaves the member out."""
    header = jwt.get_unverified_header(token)
    body = jwt.decode(token, options={"verify_signature": False})
    for name, value in changes.items():
        part = header if name in header else body
        assert name in part or name in ("typ", "kty")
        if value is None:
            del part[name]
        else:
            part[name] = value
    # PyJWT leaves `typ` out of a header only if it is told so.
    header.setdefault("typ", None)
    return jwt.encode(body, _application_key() if key is None else key, algorithm=algorithm, headers=header)


def test_access_token_of_each_dialect_names_its_player(emulator: Emulator, verify: Verify) -> None:
    token = emulator.open_session(ROBIN).access_token
    assert verify(token) == verify(resigned(token, {})) == emulator.player(ROBIN).subject


KIND = {"v4": "typ", "openapi": "kty", "documents": "kty"}


@pytest.mark.parametrize("fault", ["typ", "no typ", "aud", "no aud", "exp", "no exp", "key", "none", "HS256", "words"])
def test_other_token_is_refused(emulator: Emulator, verify: Verify, fault: str) -> None:
    token, kind = emulator.open_session().access_token, KIND[emulator.config.dialect]
    public = emulator._state.tokens.public_key_pem
    changed: dict[str, Callable[[], str]] = {
        "typ": lambda: resigned(token, {kind: "vnd.sudomimus.workload-access+jwt"}),
        "no typ": lambda: resigned(token, {kind: None}),
        "aud": lambda: resigned(token, {"aud": "another-game"}),
        "no aud": lambda: resigned(token, {"aud": None}),
        "exp": lambda: resigned(token, {"exp": int(time.time()) - 1}),
        "no exp": lambda: resigned(token, {"exp": None}),
        "key": lambda: resigned(token, {}, rsa.generate_private_key(public_exponent=65537, key_size=2048)),
        "none": lambda: resigned(token, {}, "", "none"),
        "HS256": lambda: _by_public_key(token, public),
        "words": lambda: "not a token",
    }
    with pytest.raises(jwt.PyJWTError):
        verify(changed[fault]())


def _by_public_key(token: str, public: str) -> str:
    """A token that is signed with the public key as if that were a password. PyJWT itself refuses to make one."""
    parts = jwt.decode_complete(token, options={"verify_signature": False})
    signer = jwt.PyJWS()
    signer.unregister_algorithm("HS256")

    class Password(jwt.algorithms.HMACAlgorithm):
        def prepare_key(self, key: Any) -> bytes:
            return str(key).encode()

    signer.register_algorithm("HS256", Password(Password.SHA256))
    payload = jwt.encode(parts["payload"], "x" * 32).split(".")[1]
    return signer.encode(
        jwt.utils.base64url_decode(payload), public, algorithm="HS256", headers=parts["header"] | {"alg": "HS256"}
    )


def test_refresh_token_is_refused(emulator: Emulator, verify: Verify) -> None:
    with pytest.raises(jwt.PyJWTError):
        verify(emulator.open_session().refresh_token)


@pytest.mark.parametrize("emulator", ["v4"], indirect=True)
@pytest.mark.parametrize("kid", ["emulator-2", "", None])
def test_token_with_an_unknown_key_is_refused_after_one_more_request(
    emulator: Emulator, verify: Verify, kid: str | None
) -> None:
    token = emulator.open_session().access_token
    assert verify(token)
    with pytest.raises(jwt.PyJWKClientError):
        verify(resigned(token, {"kid": kid}))
    asked = [each.path for each in emulator.requests]
    # A newer PyJWT does not ask twice within 30 seconds.
    assert set(asked) == {"/session/applications/{applicationAnchor}/jwks.json"} and len(asked) <= 2


@pytest.mark.parametrize("emulator", ["v4"], indirect=True)
def test_keys_that_cannot_be_fetched_are_another_error(emulator: Emulator, verify: Verify) -> None:
    token = emulator.open_session().access_token
    emulator.stop()
    with pytest.raises(jwt.PyJWKClientConnectionError):
        verify(token)


@pytest.mark.parametrize("emulator", ["v4"], indirect=True)
def test_key_set_has_the_key_that_verifies(emulator: Emulator) -> None:
    (key,) = emulator._state.tokens.jwks["keys"]
    assert RSAAlgorithm.from_jwk(key).public_numbers() == _application_key().public_key().public_numbers()  # type: ignore[union-attr]
