"""Checks the client-auth JWT of `/establish` and `/revoke-all`: each claim, and the hash of the request's exact bytes.

docs/contracts/service.md, "The client's signature". The service documents the status 401 without reasons, so the reasons
here are the emulator's. The vendor's own Python SDK sends a JOSE header without `alg`, so an absent `alg` is RS256.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from .._memory.state import State
from .._tokens.client_key import client_public_key
from .issuance import Refusal

SCHEME = "SudomimusClientJWT"
LONGEST_LIFETIME_SECONDS = 60
CLOCK_SKEW_SECONDS = 30


def check_client(state: State, authorization: str | None, raw_body: bytes, *, audience: str, anchor: str) -> None:
    """Return, or raise the 401. The `jti` is recorded last, so a request that is refused otherwise does not use it up."""
    claims = _verified(_credentials(authorization))
    if claims.get("iss") != anchor:
        raise Refusal(401, "ClientAuthInvalidIssuer")
    if claims.get("aud") != audience:
        raise Refusal(401, "ClientAuthInvalidAudience")
    _check_times(claims, state.clock.now())
    digest = base64.b64encode(hashlib.sha256(raw_body).digest())
    stated = claims.get("body_sha256")
    if not isinstance(stated, str) or not hmac.compare_digest(stated.encode("utf-8", "replace"), digest):
        raise Refusal(401, "ClientAuthBodyHashMismatch")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise Refusal(401, "ClientAuthInvalidTokenId")
    if not state.seen_ids.first_time(anchor, jti):
        raise Refusal(401, "ClientAuthReplayed")


def _credentials(authorization: str | None) -> str:
    if not authorization:
        raise Refusal(401, "ClientAuthMissing")
    scheme, _, token = authorization.partition(" ")
    # The case of a scheme's name does not matter (RFC 9110, 11.1).
    if scheme.lower() != SCHEME.lower() or not token.strip():
        raise Refusal(401, "ClientAuthMissing")
    return token.strip()


def _verified(token: str) -> dict[str, Any]:
    """The claims of a JWT with a valid signature (RFC 7515, 5.2). PyJWT refuses a header without `alg`, which is allowed here."""
    parts = token.split(".")
    if len(parts) != 3:
        raise Refusal(401, "ClientAuthMalformed")
    header, claims = _json_part(parts[0]), _json_part(parts[1])
    if header.get("alg", "RS256") != "RS256" or "crit" in header:
        raise Refusal(401, "ClientAuthInvalidAlgorithm")
    try:
        signed = f"{parts[0]}.{parts[1]}".encode("ascii")
        client_public_key().verify(_decoded(parts[2]), signed, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, UnicodeEncodeError):
        raise Refusal(401, "ClientAuthInvalidSignature") from None
    return claims


def _json_part(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_decoded(part))
    except (ValueError, RecursionError):
        raise Refusal(401, "ClientAuthMalformed") from None
    if not isinstance(value, dict):
        raise Refusal(401, "ClientAuthMalformed")
    return value


def _decoded(part: str) -> bytes:
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Refusal(401, "ClientAuthMalformed") from None


def _check_times(claims: dict[str, Any], now: float) -> None:
    issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
    if issued > now + CLOCK_SKEW_SECONDS:
        raise Refusal(401, "ClientAuthIssuedInFuture")
    if not 0 < expires - issued <= LONGEST_LIFETIME_SECONDS:
        raise Refusal(401, "ClientAuthInvalidLifetime")
    if expires <= now:
        raise Refusal(401, "ClientAuthExpired")


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Refusal(401, "ClientAuthMalformed")
    return value
