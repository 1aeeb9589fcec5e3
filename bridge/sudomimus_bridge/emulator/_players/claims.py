"""The claim policy: the application's requirements, the player's decisions, and their effect on gate, token and profile.

docs/contracts/service.md, "Claims". The dialect decides the number and the names of the claims.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._config.config import EmulatorConfig, Player
from .._contract.dialects import ClaimName

TOKEN_NAMES: Mapping[ClaimName, str] = {
    "email": "emailAddress",
    "firstName": "firstName",
    "lastName": "lastName",
    "staticAvatar": "staticAvatarUrl",
    "animatedAvatar": "animatedAvatarUrl",
}
"""The name of each claim in the body of an older token."""

PROFILE_NAMES: Mapping[ClaimName, str] = {
    "email": "email",
    "firstName": "given_name",
    "lastName": "family_name",
    "staticAvatar": "picture",
    "animatedAvatar": "picture_animated",
}
"""The name of each claim in `/userinfo` and `/claim-state`, which is OpenID Connect's."""

# The requirements that pass real data on if the player has granted it, and those that use a placeholder otherwise.
_SHARES = ("OPTIONAL", "REQUIRED", "SYNTHETIC", "SYNTHETIC_FALLBACK")
_SYNTHETIC = ("SYNTHETIC", "SYNTHETIC_ONLY", "SYNTHETIC_FALLBACK")


@dataclass(frozen=True)
class Task:
    """One request of an errand: the player shares a claim, and may first have to enter missing data."""

    claim: ClaimName
    required: bool
    writes_data: bool


def value_of(player: Player, claim: ClaimName, via_url: str) -> str | None:
    """The account's data behind a claim. An avatar is never missing: the service draws one."""
    if claim == "email":
        return player.email
    if claim == "firstName":
        return player.first_name
    if claim == "lastName":
        return player.last_name
    static = player.static_avatar_url or _generated_avatar(player, via_url)
    # Without an animated avatar, the static one is used.
    return static if claim == "staticAvatar" else player.animated_avatar_url or static


def view(player: Player, config: EmulatorConfig) -> dict[str, dict[str, str]]:
    """The `claims` block of an answer: requirement and decision for each claim."""
    names = config.spoken.requirement_names
    return {
        claim: {
            "requirement": names.get(config.claims.of(claim), config.claims.of(claim)),
            "state": player.grants.of(claim),
        }
        for claim in config.spoken.claims
    }


def gate(player: Player, config: EmulatorConfig, via_url: str) -> tuple[str | None, tuple[Task, ...]]:
    """The claim gate's reason and its errand's tasks. The reason is None if the tokens may be issued.

    Because the page is open anyway, the errand also asks for each OPTIONAL claim that has data and about which the player was
    never asked. An optional claim alone causes neither an errand nor a forced sign-in.
    """
    required, optional = [], []
    consent_missing = False
    for claim in config.spoken.claims:
        requirement, state = config.claims.of(claim), player.grants.of(claim)
        missing = value_of(player, claim, via_url) is None
        if requirement == "REQUIRED" and (state != "GRANTED" or missing):
            consent_missing = consent_missing or state != "GRANTED"
            required.append(Task(claim, required=True, writes_data=missing))
        elif requirement == "OPTIONAL" and state == "UNKNOWN" and not missing:
            optional.append(Task(claim, required=False, writes_data=False))
    if not required:
        return None, ()
    reason = "ClaimConsentRequired" if consent_missing else "RequiredClaimDataMissing"
    return reason, (*required, *optional)


def owed(player: Player, config: EmulatorConfig, via_url: str) -> tuple[Task, ...]:
    """The tasks of a proactive errand: each claim that the policy asks for and the player does not fully share.

    A declined claim is offered again, because the errand lets the player change what they share.
    """
    tasks = []
    for claim in config.spoken.claims:
        requirement = config.claims.of(claim)
        missing = value_of(player, claim, via_url) is None
        if requirement in ("OPTIONAL", "REQUIRED") and (player.grants.of(claim) != "GRANTED" or missing):
            tasks.append(Task(claim, required=requirement == "REQUIRED", writes_data=missing))
    return tuple(tasks)


def asked_at_sign_in(player: Player, config: EmulatorConfig, via_url: str) -> tuple[Task, ...]:
    """The tasks of a sign-in in the browser: missing required claims, and optional ones about which nobody has asked yet."""
    return tuple(
        task for task in owed(player, config, via_url) if task.required or player.grants.of(task.claim) == "UNKNOWN"
    )


def shared(player: Player, config: EmulatorConfig, via_url: str) -> dict[ClaimName, str]:
    """The values that the application may see now: real data if the player has granted it, or a placeholder."""
    values: dict[ClaimName, str] = {}
    for claim in config.spoken.claims:
        requirement = config.claims.of(claim)
        value = value_of(player, claim, via_url)
        if requirement in _SHARES and player.grants.of(claim) == "GRANTED" and value is not None:
            values[claim] = value
        elif requirement in _SYNTHETIC:
            values[claim] = _placeholder(player, claim, via_url)
    return values


def profile(player: Player, config: EmulatorConfig, via_url: str) -> dict[str, Any]:
    """The body of `/userinfo`. A claim that is not shared is absent; one that is shared and empty is an empty string."""
    values = shared(player, config, via_url)
    members: dict[str, Any] = {"sub": player.subject}
    members |= {PROFILE_NAMES[claim]: value for claim, value in values.items()}
    if "email" in values:
        members["email_verified"] = True
    names = [values[claim] for claim in ("firstName", "lastName") if values.get(claim)]
    if names:
        members["name"] = " ".join(names)
    return members


def avatar_handle(player: Player) -> str:
    """The name of a generated avatar, which does not reveal the subject."""
    return hashlib.sha256(f"avatar {player.subject}".encode()).hexdigest()[:16]


def _generated_avatar(player: Player, via_url: str) -> str:
    return f"{via_url}/avatar/{avatar_handle(player)}.svg"


def _placeholder(player: Player, claim: ClaimName, via_url: str) -> str:
    if claim == "email":
        return f"{avatar_handle(player)}@proxy.sudomimus.email"
    if claim in ("staticAvatar", "animatedAvatar"):
        return _generated_avatar(player, via_url)
    return "Player" if claim == "firstName" else avatar_handle(player)[:6].upper()
