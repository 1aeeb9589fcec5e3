"""Access and refresh tokens: RS256, in the shape of the dialect that is set.

connect.yaml's AccessTokenBody keeps the envelope (`iss`, `aud`, `iat`, `exp`, `jti`, `kty`, `sub`) in the JWT's header;
an earlier state had it in the body, with the player in `sub`.
"""

from __future__ import annotations

import functools
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from . import claims
from .clock import Clock
from .config import EmulatorConfig, Player

ISSUER = "sudomimus"
_KEY_ID = "emulator-1"


class TokenRefused(Exception):
    """An access token that POST /errand does not take, with the reason of its 401."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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

    def access_token(self, player: Player, config: EmulatorConfig, via_url: str) -> str:
        """A token with the claims that the player shares."""
        fields = claims.token_fields(player, config, via_url)
        return self._sign("ACCESS", player, fields, config.tokens.access_token_ttl_seconds, config)

    def refresh_token(self, player: Player, config: EmulatorConfig) -> str:
        """A token that carries the subject alone (RefreshTokenBody)."""
        return self._sign("REFRESH", player, {}, config.tokens.refresh_token_ttl_seconds, config)

    def subject_of(self, access_token: str) -> str:
        """The sector subject of a token that is still valid; raises TokenRefused."""
        try:
            body = jwt.decode(
                access_token,
                _application_key().public_key(),
                algorithms=["RS256"],
                # Times are judged below, by the clock that can be moved; the envelope may stand in the header.
                options={"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_nbf": False},
            )
            envelope = jwt.get_unverified_header(access_token) | body
        except jwt.InvalidTokenError:
            raise TokenRefused("AccessTokenInvalid") from None
        subject = envelope.get("subject") or envelope.get("sub")
        if envelope.get("kty") != "ACCESS" or not isinstance(subject, str):
            raise TokenRefused("AccessTokenInvalid")
        if envelope["exp"] <= self._clock.now():
            raise TokenRefused("AccessTokenExpired")
        return subject

    def _sign(self, kind: str, player: Player, fields: dict[str, Any], seconds: int, config: EmulatorConfig) -> str:
        now = int(self._clock.now())
        envelope: dict[str, Any] = {
            "iss": ISSUER,
            "aud": config.application.anchor,
            "iat": now,
            "exp": now + seconds,
            "jti": str(uuid.uuid4()),
            "kty": kind,
            "sub": player.subject,
        }
        header: dict[str, Any] = {"kid": _KEY_ID}
        if config.dialect == "openapi":
            body = {"subject": player.subject, **fields}
            header |= envelope
        else:
            body = envelope | fields
        return jwt.encode(body, _application_key(), algorithm="RS256", headers=header)
