"""The facts in an access token: its lifetime and its player, in each of the three formats that the service has had.

docs/contracts/service.md, "Tokens", describes the formats. A token is opaque to a game: `exp` and `iat` are in the JWT's
header or in its body, the player is `sub` or `subject`, and any of them may be missing. This module verifies no signature. The
game's backend must verify a token before it trusts it.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .player import Player, shown_text, whole_name
from .secret import Secret, sealed


@dataclass(frozen=True)
class TokenFacts:
    """The facts in one token. A fact that the token does not state is None."""

    lifetime: float | None = None
    """Seconds from issue to expiry, `exp - iat`. Both are the service's time, so a wrong clock here does no harm."""
    subject: str | None = None
    player: Player | None = None
    """The player's profile. Tokens of the service's version 4 have none: ask `GET /userinfo`."""


@sealed
def read_token(token: Secret) -> TokenFacts:
    """Read the facts in a token. A token that is not a JWT (RFC 7519) has none. Never raises."""
    parts = token.reveal().split(".")
    if len(parts) != 3:
        return TokenFacts()
    header, body = _part(parts[0]), _part(parts[1])
    issued, expires = _seconds(body, header, "iat"), _seconds(body, header, "exp")
    lifetime = expires - issued if issued is not None and expires is not None and expires > issued else None
    named = (shown_text(part, name) for part in (body, header) for name in ("sub", "subject"))
    subject = next(filter(None, named), None)
    return TokenFacts(lifetime, subject, _player(body, subject))


def _player(body: Mapping[str, Any], subject: str | None) -> Player | None:
    """The profile in the body of an older token; None if there is none."""
    given, family = shown_text(body, "firstName"), shown_text(body, "lastName")
    player = Player(
        subject=subject,
        name=whole_name(given, family),
        given_name=given,
        family_name=family,
        email=shown_text(body, "emailAddress"),
        picture=shown_text(body, "staticAvatarUrl", 4096),
        animated_picture=shown_text(body, "animatedAvatarUrl", 4096),
    )
    return None if player.shares_nothing_known else player


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
