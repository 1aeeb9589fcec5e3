"""The client JWT that `POST /establish` carries (docs/contracts/service.md), made with PyJWT and cryptography.

The private key stays in one object that never shows it, and no error repeats any part of it. A shipped game has no client key.
Its backend establishes the inquiry and sends the inquiry's two keys to the game.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import TYPE_CHECKING

from .._extras import require_extra
from .._values.errors import ConfigurationError
from .._values.secret import Secret, sealed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

AUDIENCE = "sudomimus-connect"
LIFETIME_SECONDS = 60
"""The longest time from `iat` to `exp`."""

SMALLEST_KEY = 2048
"""The fewest bits of an RSA key (RFC 7518, 3.3)."""


class ClientKey:
    """An application's client-auth private key."""

    def __init__(self, pem: Secret) -> None:
        """Raises `ConfigurationError` if the PEM is malformed, or if the extra `connect` is not installed."""
        require_extra("connect", "Signing in with a client key")
        self._key = _rsa_key(pem)

    def authorization(self, body: bytes, application: str, now: float) -> Secret:
        """The header Authorization for a request with exactly this body. `now`: the time, in seconds since 1970."""
        import jwt

        claims = {
            "iss": application,
            "aud": AUDIENCE,
            "iat": int(now),
            "exp": int(now) + LIFETIME_SECONDS,
            "jti": str(uuid.uuid4()),
            "body_sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
        }
        return Secret(f"SudomimusClientJWT {jwt.encode(claims, self._key, algorithm='RS256')}")


@sealed
def _rsa_key(pem: Secret) -> RSAPrivateKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    if why := _what_is_wrong(pem):
        raise _malformed(why)
    try:
        key = load_pem_private_key(_bytes(pem), password=None)
    except TypeError:
        raise _malformed(_ENCRYPTED) from None
    except (ValueError, UnsupportedAlgorithm):
        raise _malformed("its text is damaged, or its format is not supported") from None
    if not isinstance(key, RSAPrivateKey):
        raise _malformed("it is not an RSA key")
    if key.key_size < SMALLEST_KEY:
        raise _malformed(f"it has {key.key_size} bits, and at least {SMALLEST_KEY} are needed")
    return key


_ENCRYPTED = "it is encrypted; remove its password, in a folder that only you can read"


def _what_is_wrong(pem: Secret) -> str | None:
    """Why the PEM cannot be a private key, judged by its header lines; None if they look right."""
    text = pem.reveal()
    if "-----BEGIN" not in text:
        return "it is not in PEM: no line says BEGIN PRIVATE KEY"
    if "BEGIN ENCRYPTED PRIVATE KEY" in text or "Proc-Type: 4,ENCRYPTED" in text:
        return _ENCRYPTED
    if "BEGIN OPENSSH PRIVATE KEY" in text:
        return "it is an SSH key"
    if "PRIVATE KEY-----" not in text:
        return "it holds a public key or a certificate, and no private key"
    return None


def _bytes(pem: Secret) -> bytes:
    """The PEM in bytes. In an environment variable, a backslash and an n often stand for the end of a line."""
    text = pem.reveal().strip()
    return (text if "\n" in text else text.replace("\\r", "").replace("\\n", "\n")).encode()


def _malformed(why: str) -> ConfigurationError:
    return ConfigurationError(
        detail=f"The client key cannot be used: {why}. It must be the application's client-auth private key: RSA, in PEM."
    )
