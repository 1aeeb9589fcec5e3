"""The meaning of each claim for the player, in words.

A claim has the game's policy (`requirement`) and the player's decision (`state`). All states of the service are read here: the
oldest says SYNTHETIC for SYNTHETIC_ONLY and SYNTHETIC_FALLBACK. An unknown value is shown as it is and is never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .events import Claims

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
    """For every claim its name, as a person would say it, and its meaning, in the service's order."""
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
