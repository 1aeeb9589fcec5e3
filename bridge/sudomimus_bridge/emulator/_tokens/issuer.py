"""Issues access and refresh tokens, RS256 JWTs in the shape of the dialect, and reads them.

docs/contracts/service.md, "Tokens", has the three shapes. Tokens of all shapes can be read, because the dialect may have
changed since a token was issued.
"""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.api_jws import PyJWS

from .._clock import Clock
from .._config.config import EmulatorConfig, Player
from .._players import claims

OLDER_ISSUER = "sudomimus"
KEY_ID = "emulator-1"
_JWS = PyJWS()

Kind = Literal["access", "refresh"]
TYPES: Mapping[Kind, str] = {
    "access": "vnd.sudomimus.application-access+jwt",
    "refresh": "vnd.sudomimus.application-refresh+jwt",
}
"""The header `typ` of a token since v4."""
WORKLOAD_TYPE = "vnd.sudomimus.workload-access+jwt"
"""The `typ` of an access token that an Agent's or Automation's key got. Its refresh token is like any other."""
OLDER_TYPES: Mapping[Kind, str] = {"access": "Access", "refresh": "Refresh"}
"""The member `kty` of a token before v4."""


class TokenRefused(Exception):
    """The service refuses a token. Has the reason of the 401."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass
class Addresses:
    """The addresses of the service. The server sets them once it has a port."""

    native: str = ""

    @property
    def via(self) -> str:
        """The base of the pages."""
        return f"{self.native}/via"

    @property
    def issuer(self) -> str:
        """The `iss` of tokens since v4."""
        return f"{self.native}/connect"


@dataclass(frozen=True)
class SignedToken:
    """A token, and the values by which the service finds it again."""

    text: str = field(repr=False)
    jti: str
    expires_at: float


@dataclass(frozen=True)
class Envelope:
    """The members of a valid token, for every shape. `subject` and `sid` are None if the shape has none."""

    kind: Kind | None
    issuer: str | None
    audience: str | None
    jti: str
    expires_at: float
    subject: str | None
    sid: str | None


@functools.cache
def _application_key() -> rsa.RSAPrivateKey:
    # One key for the process: generating a key takes longer than the rest of a test's start.
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class TokenIssuer:
    """Signs tokens with the application's private key, and reads signed tokens."""

    def __init__(self, clock: Clock, config: EmulatorConfig, addresses: Addresses) -> None:
        self._clock = clock
        self._config = config
        self._addresses = addresses

    @property
    def public_key_pem(self) -> str:
        """The application's public key, as `/info` has it before v4."""
        public = _application_key().public_key()
        return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()

    @property
    def jwks(self) -> dict[str, Any]:
        """The same key as a JWK Set (RFC 7517, 5), where a token's `kid` names it."""
        key = RSAAlgorithm.to_jwk(_application_key().public_key(), as_dict=True)
        public = {name: key[name] for name in ("kty", "n", "e")}
        return {"keys": [public | {"use": "sig", "alg": "RS256", "kid": KEY_ID}]}

    def access_token(
        self, player: Player, sid: str, seconds: int | None = None, workload: str | None = None
    ) -> SignedToken:
        """An access token. Before v4 it contains the claims that the player shares; since v4 it names the workload."""
        seconds = seconds or self._config.tokens.access_token_ttl_seconds
        profile = {
            claims.TOKEN_NAMES[claim]: value
            for claim, value in claims.shared(player, self._config, self._addresses.via).items()
        }
        typed = {"sub": player.subject, "sid": sid, **({"act": {"sub": workload}} if workload else {})}
        return self._sign("access", player, seconds, profile, typed)

    def refresh_token(self, player: Player, sid: str, version: int, seconds: int | None = None) -> SignedToken:
        """A refresh token. Since v4 it names the session and not the player."""
        seconds = seconds or self._config.tokens.refresh_token_ttl_seconds
        return self._sign("refresh", player, seconds, {}, {"sid": sid, "rotationVersion": version})

    def valid_access(self, access_token: str) -> Envelope:
        """Read an access token that has not expired. Raises `TokenRefused`."""
        envelope = self.read_access(access_token)
        if envelope.expires_at <= self._clock.now():
            raise TokenRefused("AccessTokenExpired")
        return envelope

    def read_access(self, access_token: str) -> Envelope:
        """Read an access token of this service, even an expired one. Raises `TokenRefused`."""
        try:
            envelope = _opened(access_token)
            _verify(access_token)
        except jwt.InvalidTokenError:
            raise TokenRefused("AccessTokenInvalid") from None
        if envelope.kind != "access" or envelope.subject is None:
            raise TokenRefused("AccessTokenInvalid")
        return envelope

    def read_refresh(self, refresh_token: str) -> Envelope:
        """Read a refresh token of this service. Raises `TokenRefused`, with the checks in the order of `/refresh`."""
        try:
            envelope = _opened(refresh_token)
        except jwt.InvalidTokenError:
            raise TokenRefused("RefreshTokenInvalid") from None
        known_issuer = envelope.issuer in (OLDER_ISSUER, self._addresses.issuer)
        if not known_issuer or envelope.audience != self._config.application.anchor:
            raise TokenRefused("RefreshTokenInvalid")
        if envelope.kind != "refresh":
            raise TokenRefused("RefreshTokenInvalidType")
        try:
            _verify(refresh_token)
        except jwt.InvalidTokenError:
            raise TokenRefused("RefreshTokenInvalidSignature") from None
        return envelope

    def _sign(
        self, kind: Kind, player: Player, seconds: int, profile: Mapping[str, str], typed: Mapping[str, Any]
    ) -> SignedToken:
        now, jti, shape = int(self._clock.now()), str(uuid.uuid4()), self._config.spoken.tokens
        common = {"aud": self._config.application.anchor, "iat": now, "exp": now + seconds, "jti": jti}
        older = {"iss": OLDER_ISSUER, **common, "kty": OLDER_TYPES[kind], "sub": player.subject}
        header: dict[str, Any] = {"kid": KEY_ID}
        body: dict[str, Any]
        match shape:
            case "typed":
                header["typ"] = WORKLOAD_TYPE if "act" in typed else TYPES[kind]
                body = {"iss": self._addresses.issuer, **common, **typed}
            case "envelope in the header":
                header |= older
                body = {"subject": player.subject, **profile}
            case "envelope in the body":
                body = {**older, **profile}
        text = jwt.encode(body, _application_key(), algorithm="RS256", headers=header)
        return SignedToken(text, jti, now + seconds)


def _opened(token: str) -> Envelope:
    """The claims of a token, unverified. Raises jwt.InvalidTokenError if a required one is missing or of another type."""
    parts = _JWS.decode_complete(token, options={"verify_signature": False})
    try:
        body = json.loads(parts["payload"])
    except (ValueError, RecursionError):
        raise jwt.DecodeError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise jwt.DecodeError("the body is not an object")
    said: dict[str, Any] = parts["header"] | body
    kinds: dict[str, Kind] = {text: kind for table in (TYPES, OLDER_TYPES) for kind, text in table.items()}
    kinds[WORKLOAD_TYPE] = "access"
    typed = said.get("typ") in (*TYPES.values(), WORKLOAD_TYPE)
    named = said.get("typ") if typed else said.get("kty")
    subject = said.get("sub") if typed else said.get("subject") or said.get("sub")
    jti, expires = said.get("jti"), said.get("exp")
    if said.get("alg") != "RS256" or not isinstance(jti, str) or not isinstance(expires, int):
        raise jwt.DecodeError("a member is missing")
    return Envelope(
        kind=kinds.get(named) if isinstance(named, str) else None,
        issuer=_text(said.get("iss")),
        audience=_text(said.get("aud")),
        jti=jti,
        expires_at=expires,
        subject=_text(subject),
        sid=_text(said.get("sid")) if typed else None,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _verify(token: str) -> None:
    # PyJWT checks only the signature. The emulator's own clock is used for the times, and the rules check the rest.
    _JWS.decode(token, _application_key().public_key(), algorithms=["RS256"])
