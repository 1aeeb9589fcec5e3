"""The client-auth JWT of `/establish` and `/revoke-all`: every claim of connect.yaml's SudomimusClientJWT, checked.

The contract gives all failures one status, 401, and no names; the names here are this emulator's.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.api_jws import PyJWS

from .clock import Clock
from .refusals import Refusal

SCHEME = "SudomimusClientJWT"
LONGEST_LIFETIME_SECONDS = 60
CLOCK_SKEW_SECONDS = 30
_JWS = PyJWS()


class SeenIds:
    """Every `jti` that was honoured: "the same `jti` is honored exactly once"."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def first_time(self, issuer: str, jti: str) -> bool:
        """Remember the `jti`; False where it was there already."""
        known = (issuer, jti) in self._seen
        self._seen.add((issuer, jti))
        return not known


class ClientAuth:
    """Checks a request's Authorization header against its exact bytes."""

    def __init__(self, clock: Clock, public_key: rsa.RSAPublicKey) -> None:
        self._clock = clock
        self._public_key = public_key
        self._seen = SeenIds()

    def check(self, authorization: str | None, raw_body: bytes, *, audience: str, anchor: str) -> None:
        """Pass, or raise the 401. The `jti` is spent last: a request that fails otherwise does not burn it."""
        claims = self._claims(_credentials(authorization))
        if claims.get("iss") != anchor:
            raise Refusal(401, "ClientAuthInvalidIssuer")
        if claims.get("aud") != audience:
            raise Refusal(401, "ClientAuthInvalidAudience")
        self._times(claims)
        digest = base64.b64encode(hashlib.sha256(raw_body).digest())
        stated = claims.get("body_sha256")
        if not isinstance(stated, str) or not hmac.compare_digest(stated.encode("utf-8", "replace"), digest):
            raise Refusal(401, "ClientAuthBodyHashMismatch")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not jti:
            raise Refusal(401, "ClientAuthInvalidTokenId")
        if not self._seen.first_time(anchor, jti):
            raise Refusal(401, "ClientAuthReplayed")

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            claims = json.loads(_JWS.decode(token, self._public_key, algorithms=["RS256"]))
        except jwt.InvalidAlgorithmError:
            raise Refusal(401, "ClientAuthInvalidAlgorithm") from None
        except jwt.InvalidSignatureError:
            raise Refusal(401, "ClientAuthInvalidSignature") from None
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise Refusal(401, "ClientAuthMalformed") from None
        if not isinstance(claims, dict):
            raise Refusal(401, "ClientAuthMalformed")
        return claims

    def _times(self, claims: dict[str, Any]) -> None:
        now, issued, expires = self._clock.now(), _seconds(claims, "iat"), _seconds(claims, "exp")
        if issued > now + CLOCK_SKEW_SECONDS:
            raise Refusal(401, "ClientAuthIssuedInFuture")
        if not 0 < expires - issued <= LONGEST_LIFETIME_SECONDS:
            raise Refusal(401, "ClientAuthInvalidLifetime")
        if expires <= now:
            raise Refusal(401, "ClientAuthExpired")


def _credentials(authorization: str | None) -> str:
    if not authorization:
        raise Refusal(401, "ClientAuthMissing")
    scheme, _, token = authorization.partition(" ")
    # A scheme's name has no case (RFC 9110, 11.1).
    if scheme.lower() != SCHEME.lower() or not token.strip():
        raise Refusal(401, "ClientAuthMissing")
    return token.strip()


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(401, "ClientAuthMalformed")
    return value
