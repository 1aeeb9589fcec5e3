"""Access and refresh tokens: RS256, in the shape of the dialect that is set, with the public key to verify them.

connect.yaml's AccessTokenBody keeps the envelope (`iss`, `aud`, `iat`, `exp`, `jti`, `kty`, `sub`) in the JWT's header;
an earlier state had it in the body, with the player in `sub`. What is read back may be of either.
"""

from __future__ import annotations

import functools
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.api_jws import PyJWS

from . import claims
from .clock import Clock
from .config import EmulatorConfig, Player

ISSUER = "sudomimus"
_KEY_ID = "emulator-1"
_JWS = PyJWS()

Kind = Literal["ACCESS", "REFRESH"]


class TokenRefused(Exception):
    """A token that is not taken, with the reason of its 401."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class SignedToken:
    """A token and what the service remembers it by."""

    text: str = field(repr=False)
    jti: str
    expires_at: float


@functools.cache
def _application_key() -> rsa.RSAPrivateKey:
    # One for the process: making a key takes longer than everything else that a test starts.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class TokenIssuer:
    """Signs with the application's private key and reads back what it signed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    @property
    def public_key_pem(self) -> str:
        """The application's public key (connect.yaml: applicationPublicKey)."""
        public = _application_key().public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def jwks(self) -> dict[str, Any]:
        """The same key as a JWK Set (RFC 7517, 5), found by the tokens' `kid`."""
        key = RSAAlgorithm.to_jwk(_application_key().public_key(), as_dict=True)
        public = {name: key[name] for name in ("kty", "n", "e")}
        return {"keys": [public | {"use": "sig", "alg": "RS256", "kid": _KEY_ID}]}

    def access_token(
        self, player: Player, config: EmulatorConfig, via_url: str, seconds: int | None = None
    ) -> SignedToken:
        """A token with the claims that the player shares."""
        fields = claims.token_fields(player, config, via_url)
        return self._sign("ACCESS", player, fields, seconds or config.tokens.access_token_ttl_seconds, config)

    def refresh_token(self, player: Player, config: EmulatorConfig, seconds: int | None = None) -> SignedToken:
        """A token that carries the subject alone (RefreshTokenBody)."""
        return self._sign("REFRESH", player, {}, seconds or config.tokens.refresh_token_ttl_seconds, config)

    def subject_of(self, access_token: str) -> str:
        """The sector subject of an access token that is still valid; raises TokenRefused."""
        envelope = self.read_access(access_token)
        if envelope["exp"] <= self._clock.now():
            raise TokenRefused("AccessTokenExpired")
        return str(envelope["subject"])

    def read_access(self, access_token: str) -> dict[str, Any]:
        """Envelope and body of an access token of ours, be it expired or not; raises TokenRefused."""
        try:
            envelope = _opened(access_token)
            _verified(access_token)
        except jwt.InvalidTokenError:
            raise TokenRefused("AccessTokenInvalid") from None
        if envelope.get("kty") != "ACCESS" or not _complete(envelope):
            raise TokenRefused("AccessTokenInvalid")
        return envelope

    def read_refresh(self, refresh_token: str, config: EmulatorConfig) -> dict[str, Any]:
        """Envelope and body of a refresh token of ours; raises TokenRefused in the order of session.yaml's 401."""
        try:
            envelope = _opened(refresh_token)
        except jwt.InvalidTokenError:
            raise TokenRefused("RefreshTokenInvalid") from None
        if (
            envelope.get("alg") != "RS256"
            or envelope.get("iss") != ISSUER
            or envelope.get("aud") != config.application.anchor
            or not _complete(envelope)
        ):
            raise TokenRefused("RefreshTokenInvalid")
        if envelope.get("kty") != "REFRESH":
            raise TokenRefused("RefreshTokenInvalidType")
        try:
            _verified(refresh_token)
        except jwt.InvalidTokenError:
            raise TokenRefused("RefreshTokenInvalidSignature") from None
        return envelope

    def _sign(
        self, kind: Kind, player: Player, fields: dict[str, Any], seconds: int, config: EmulatorConfig
    ) -> SignedToken:
        now, jti = int(self._clock.now()), str(uuid.uuid4())
        envelope: dict[str, Any] = {
            "iss": ISSUER,
            "aud": config.application.anchor,
            "iat": now,
            "exp": now + seconds,
            "jti": jti,
            "kty": kind,
            "sub": player.subject,
        }
        header: dict[str, Any] = {"kid": _KEY_ID}
        if config.dialect == "openapi":
            body = {"subject": player.subject, **fields}
            header |= envelope
        else:
            body = envelope | fields
        text = jwt.encode(body, _application_key(), algorithm="RS256", headers=header)
        return SignedToken(text, jti, now + seconds)


def _opened(token: str) -> dict[str, Any]:
    """Header and body as one, unverified, the player under `subject`."""
    parts = _JWS.decode_complete(token, options={"verify_signature": False})
    try:
        body = json.loads(parts["payload"])
    except (ValueError, RecursionError):
        raise jwt.DecodeError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise jwt.DecodeError("the body is no object")
    envelope: dict[str, Any] = parts["header"] | body
    return envelope | {"subject": envelope.get("subject") or envelope.get("sub")}


def _verified(token: str) -> None:
    # Times and audience are judged elsewhere: by the clock that can be moved, and wherever in the token they stand.
    _JWS.decode(token, _application_key().public_key(), algorithms=["RS256"])


def _complete(envelope: dict[str, Any]) -> bool:
    texts = all(isinstance(envelope.get(name), str) for name in ("subject", "jti"))
    return texts and isinstance(envelope.get("exp"), int)
