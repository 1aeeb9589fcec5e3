"""The signed-in player as a game sees it: plain facts without a secret, so a game may keep them in its saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._values.secret import Secret
from .._values.token import read_token


@dataclass(frozen=True)
class Player:
    """The player. What the player did not share is None."""

    subject: str | None = None
    """The player's identifier in this application. It never changes; names and addresses do."""
    name: str | None = None
    email: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    """The service's `claims`: claim name to `{"requirement": …, "state": …}`."""


def player_of(access: Secret, claims: Mapping[str, Any]) -> Player:
    """The player whom this access token is for."""
    facts = read_token(access)
    profile = facts.player
    if profile is None:
        return Player(facts.subject, claims=dict(claims))
    return Player(facts.subject, profile.name or None, profile.email, dict(claims))
