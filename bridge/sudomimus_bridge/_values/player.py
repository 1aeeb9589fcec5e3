"""The signed-in player, and the claims about the player, as the service describes them to this game: plain facts, no secret.

A claim has the game's policy (`requirement`) and the player's decision (`state`). The service has had three states; the oldest
says SYNTHETIC in place of SYNTHETIC_ONLY and SYNTHETIC_FALLBACK. An unknown value is shown as it is and is never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .events import Claims

MAX_LENGTH = 500
"""The most characters of a name or an email address. A longer text is ignored."""

_JOINERS = dict.fromkeys(map(ord, "\u200c\u200d"))
"""Invisible characters that Persian names and emoji are spelled with."""


@dataclass(frozen=True)
class Player:
    """The player of a session. A member is None if the player does not share it or the bridge does not know it.

    A member is "" if the player shares it and it is empty: some people have no family name.
    """

    subject: str | None = None
    """Identifies the player for this game. Unlike names and addresses, it never changes."""
    name: str | None = field(default=None, repr=False)
    """The whole name, for display."""
    given_name: str | None = field(default=None, repr=False)
    """The first name."""
    family_name: str | None = field(default=None, repr=False)
    """The last name."""
    email: str | None = field(default=None, repr=False)
    """The email address, or the service's placeholder for it."""
    email_verified: bool | None = field(default=None, repr=False)
    """Whether the player has shown that the address is theirs."""
    picture: str | None = field(default=None, repr=False)
    """The URL of the player's picture, on a host that this game may open. The bridge never fetches it."""
    animated_picture: str | None = field(default=None, repr=False)
    """The URL of a moving picture, on a host that this game may open."""
    claims: Claims = field(default_factory=dict, repr=False)
    """The service's `claims` block: what the game asks for and what the player decided, by claim name."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `whoami --json` and the sidecar send.

        Returns:
            A mapping that `json.dumps` takes.
        """
        return {
            "subject": self.subject,
            "name": self.name,
            "givenName": self.given_name,
            "familyName": self.family_name,
            "email": self.email,
            "emailVerified": self.email_verified,
            "picture": self.picture,
            "animatedPicture": self.animated_picture,
        }

    @property
    def shares_nothing_known(self) -> bool:
        """True if only the subject and the claims are known."""
        return self == Player(self.subject, claims=self.claims)


def player_from(profile: Mapping[str, Any], subject: str | None) -> Player | None:
    """The player in an answer of `GET /userinfo`; None if it describes another player than `subject`.

    A member of a wrong type becomes None and does not affect the other members.
    """
    described = shown_text(profile, "sub")
    if not described or subject not in (None, described):
        return None
    verified = profile.get("email_verified")
    given, family = shown_text(profile, "given_name"), shown_text(profile, "family_name")
    name = shown_text(profile, "name")
    return Player(
        subject=described,
        name=name if name is not None else whole_name(given, family),
        given_name=given,
        family_name=family,
        email=shown_text(profile, "email"),
        email_verified=verified if isinstance(verified, bool) else None,
        picture=shown_text(profile, "picture", 4096),
        animated_picture=shown_text(profile, "picture_animated", 4096),
    )


def whole_name(given: str | None, family: str | None) -> str | None:
    """Both names as one; None if neither is known."""
    parts = [part for part in (given, family) if part is not None]
    return " ".join(filter(None, parts)) if parts else None


def shown_text(part: Mapping[str, Any], name: str, longest: int = MAX_LENGTH) -> str | None:
    """The text of a member, which may be empty. None if it is missing, too long, or could control a terminal or a layout."""
    value = part.get(name)
    if not isinstance(value, str) or len(value) > longest or not value.translate(_JOINERS).isprintable():
        return None
    return value


_PLACEHOLDER_UNLESS_SHARED = {"SYNTHETIC", "SYNTHETIC_FALLBACK"}
_STATES = {"GRANTED": "shared", "DENIED": "declined", "UNKNOWN": "not asked"}


def claim_name(name: str) -> str:
    """The name of a claim as a person would say it: "first name" for `firstName`. Any other text stays as it is."""
    return re.sub("(?<=[a-z])[A-Z]", lambda letter: f" {letter[0].lower()}", name) if name.isalnum() else name


def claim_meaning(claim: object) -> str:
    """One claim in words: "shared", "declined", "not asked", "a stand-in", or "unknown" with the service's own word."""
    if not isinstance(claim, Mapping):
        return "unknown"
    requirement, state = str(claim.get("requirement")), claim.get("state")
    if requirement == "OFF":
        return "not asked"
    if requirement == "SYNTHETIC_ONLY" or (requirement in _PLACEHOLDER_UNLESS_SHARED and state != "GRANTED"):
        return "a stand-in"
    if isinstance(state, str):
        return _STATES.get(state, f"unknown ({state[:40]})")
    return "unknown"


def claim_meanings(claims: Claims) -> Iterator[tuple[str, str]]:
    """Yield the name of each claim, as a person would say it, and its meaning, in the service's order."""
    for name, claim in claims.items():
        yield claim_name(name), claim_meaning(claim)


def required_claims(claims: Claims) -> list[str]:
    """The names of the claims that the game requires, as a person would say them."""
    return [claim_name(name) for name, claim in claims.items() if _required(claim)]


def declined_since(before: Claims, after: Claims) -> list[str]:
    """The names of the required claims that the player declined between two answers of the service."""
    return [name for name, claim in after.items() if _declined(claim) and not _declined(before.get(name))]


def _required(claim: Any) -> bool:
    return isinstance(claim, Mapping) and claim.get("requirement") == "REQUIRED"


def _declined(claim: Any) -> bool:
    return _required(claim) and claim.get("state") == "DENIED"
