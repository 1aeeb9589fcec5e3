"""What an access token says of itself, where it says it: read by name, never relied on.

A token is opaque (BEHAVIOUR, "Where the two differ"): `exp` and `iat` stand in the JWT's header or in its body, the player
in `sub` or `subject`, and any of them may be missing. Nothing here verifies a signature: what a game trusts on its
backend, its backend verifies.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .sealed import sealed
from .secret import Secret


@dataclass(frozen=True)
class TokenFacts:
    """Each None where the token does not say it."""

    lifetime: float | None = None
    """Seconds from issue to expiry, `exp - iat`. Both are the service's time, so a wrong clock here does no harm."""
    subject: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None


@sealed
def read_token(token: Secret) -> TokenFacts:
    """The facts in a token, as far as it is a JWT (RFC 7519) and holds them. Never raises."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return TokenFacts()
    header, body = _part(parts[0]), _part(parts[1])
    issued, expires = _seconds(body, header, "iat"), _seconds(body, header, "exp")
    lifetime = expires - issued if issued is not None and expires is not None and expires > issued else None
    return TokenFacts(
        lifetime=lifetime,
        subject=_text(body, "sub") or _text(body, "subject") or _text(header, "sub") or _text(header, "subject"),
        first_name=_text(body, "firstName"),
        last_name=_text(body, "lastName"),
        email=_text(body, "emailAddress"),
    )


def _part(part: str) -> Mapping[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _seconds(body: Mapping[str, Any], header: Mapping[str, Any], name: str) -> float | None:
    for part in (body, header):
        value = part.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < 1e11:
            return float(value)
    return None


def _text(part: Mapping[str, Any], name: str) -> str | None:
    value = part.get(name)
    return value if isinstance(value, str) and value and value.isprintable() and len(value) <= 500 else None
