"""Who is signed in, as a game sees it: plain facts and no secret, so that a save may hold them where a game keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._values.secret import Secret
from .._values.token import read_token


@dataclass(frozen=True)
class Player:
    """The player. What was not shared is None."""

    subject: str | None = None
    """Who it is, for this game and for ever. Names and addresses change."""
    name: str | None = None
    email: str | None = None
    claims: Mapping[str, Any] = field(default_factory=dict)
    """The service's `claims` block: claim name to `{"requirement": …, "state": …}`."""


def player_of(access: Secret, claims: Mapping[str, Any]) -> Player:
    """The player whom this access token is for."""
    facts = read_token(access)
    profile = facts.player
    if profile is None:
        return Player(facts.subject, claims=dict(claims))
    return Player(facts.subject, profile.name or None, profile.email, dict(claims))
