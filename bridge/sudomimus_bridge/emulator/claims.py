"""The claim policy: what the application asks for, what a player has shared, and what follows for gate and token.

native.yaml's ClaimsStateView and connect.yaml's AccessTokenBody; the four documents know three claims and one kind of
SYNTHETIC, so the view and the token are told in the dialect that is set.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from .config import ClaimName, Dialect, EmulatorConfig, Player

_CLAIMS: dict[Dialect, tuple[ClaimName, ...]] = {
    "documents": ("email", "firstName", "lastName"),
    "openapi": ("email", "firstName", "lastName", "staticAvatar", "animatedAvatar"),
}
_WIRE_NAME: dict[Dialect, dict[str, str]] = {
    "documents": {"SYNTHETIC_ONLY": "SYNTHETIC", "SYNTHETIC_FALLBACK": "SYNTHETIC"},
    "openapi": {"SYNTHETIC": "SYNTHETIC_FALLBACK"},
}
# What a claim is called in the token's body (AccessTokenBody).
_TOKEN_FIELD: dict[ClaimName, str] = {
    "email": "emailAddress",
    "firstName": "firstName",
    "lastName": "lastName",
    "staticAvatar": "staticAvatarUrl",
    "animatedAvatar": "animatedAvatarUrl",
}
# A policy that lets real data through where the player has granted it.
_SHARES = ("OPTIONAL", "REQUIRED", "SYNTHETIC", "SYNTHETIC_FALLBACK")
_SYNTHETIC = ("SYNTHETIC", "SYNTHETIC_ONLY", "SYNTHETIC_FALLBACK")


@dataclass(frozen=True)
class Task:
    """One thing an errand asks the player for: to share a claim, and perhaps to fill in what is missing first."""

    claim: ClaimName
    required: bool
    writes_data: bool


def names(dialect: Dialect) -> tuple[ClaimName, ...]:
    """The shareable claims that this dialect knows."""
    return _CLAIMS[dialect]


def value_of(player: Player, claim: ClaimName, via_url: str) -> str | None:
    """The account's data behind a claim. An avatar is never missing: the service draws one."""
    if claim == "email":
        return player.email
    if claim == "firstName":
        return player.first_name
    if claim == "lastName":
        return player.last_name
    static = player.static_avatar_url or _generated_avatar(player, via_url)
    # "If the selected avatar has no animation, this field is the same URL as staticAvatarUrl." (AccessTokenBody)
    return static if claim == "staticAvatar" else player.animated_avatar_url or static


def view(player: Player, config: EmulatorConfig) -> dict[str, dict[str, str]]:
    """ClaimsStateView: requirement and standing decision for each claim."""
    wire = _WIRE_NAME[config.dialect]
    return {
        claim: {
            "requirement": wire.get(config.claims.of(claim), config.claims.of(claim)),
            "state": player.grants.of(claim),
        }
        for claim in names(config.dialect)
    }


def gate(player: Player, config: EmulatorConfig, via_url: str) -> tuple[str | None, tuple[Task, ...]]:
    """The claim gate's reason and what its errand has to ask, or no reason where the token may be issued.

    A gate's errand also asks for an OPTIONAL claim that the player was never asked about and that has data: the page
    is open anyway. Nothing optional ever makes it force a sign-in.
    """
    required, optional = [], []
    consent_missing = False
    for claim in names(config.dialect):
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
    """What a proactive errand invites to: all that the policy asks for and the player does not share in full.

    A claim once declined is offered again: the errand is for "the user [to] manage what they share" (create-errand).
    """
    tasks = []
    for claim in names(config.dialect):
        requirement = config.claims.of(claim)
        missing = value_of(player, claim, via_url) is None
        if requirement in ("OPTIONAL", "REQUIRED") and (player.grants.of(claim) != "GRANTED" or missing):
            tasks.append(Task(claim, required=requirement == "REQUIRED", writes_data=missing))
    return tuple(tasks)


def asked_at_sign_in(player: Player, config: EmulatorConfig, via_url: str) -> tuple[Task, ...]:
    """What a sign-in in the browser asks: all that is required and not there, and what is optional and was never asked."""
    return tuple(
        task for task in owed(player, config, via_url) if task.required or player.grants.of(task.claim) == "UNKNOWN"
    )


def token_fields(player: Player, config: EmulatorConfig, via_url: str) -> dict[str, Any]:
    """The consent-gated fields of the access token's body."""
    fields = {}
    for claim in names(config.dialect):
        requirement = config.claims.of(claim)
        value = value_of(player, claim, via_url)
        if requirement in _SHARES and player.grants.of(claim) == "GRANTED" and value is not None:
            fields[_TOKEN_FIELD[claim]] = value
        elif requirement in _SYNTHETIC:
            fields[_TOKEN_FIELD[claim]] = _placeholder(player, claim, via_url)
    return fields


def avatar_handle(player: Player) -> str:
    """A handle for the generated avatar that tells nobody the subject."""
    return hashlib.sha256(f"avatar {player.subject}".encode()).hexdigest()[:16]


def _generated_avatar(player: Player, via_url: str) -> str:
    return f"{via_url}/avatar/{avatar_handle(player)}.svg"


def _placeholder(player: Player, claim: ClaimName, via_url: str) -> str:
    if claim == "email":
        return f"{avatar_handle(player)}@proxy.sudomimus.email"
    if claim in ("staticAvatar", "animatedAvatar"):
        return _generated_avatar(player, via_url)
    return "Player" if claim == "firstName" else avatar_handle(player)[:6].upper()
