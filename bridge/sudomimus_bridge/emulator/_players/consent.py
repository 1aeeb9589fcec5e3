"""The content of the consent page, and the effect of its two buttons on a player's data and decisions. No HTML here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._config.config import Player
from .._contract.dialects import ClaimName
from .claims import Task, value_of

_LABELS: dict[ClaimName, str] = {
    "email": "Email address",
    "firstName": "First name",
    "lastName": "Last name",
    "staticAvatar": "Profile picture",
    "animatedAvatar": "Animated profile picture",
}
# The player's attribute for each field on the page. The page asks for no pictures.
_ATTRIBUTE: dict[ClaimName, str] = {"email": "email", "firstName": "first_name", "lastName": "last_name"}
_EMAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\".]+(?:\.[^\s@<>\".]+)+")


@dataclass(frozen=True)
class Item:
    """One claim on the consent page."""

    claim: ClaimName
    label: str
    required: bool
    value: str | None
    picture: bool
    ticked: bool
    typed: str
    error: str | None
    # Whether this field gets the focus if the page is shown again.
    first_error: bool


def items(
    player: Player, tasks: tuple[Task, ...], via_url: str, form: Mapping[str, Any] | None, errors: Mapping[str, str]
) -> list[Item]:
    """The rows of the page: each claim with its value, or with a field and the text that the player has entered."""
    shown = []
    for task in tasks:
        claim = task.claim
        value = value_of(player, claim, via_url)
        ticked = f"share-{claim}" in form if form is not None else player.grants.of(claim) == "GRANTED"
        shown.append(
            Item(
                claim=claim,
                label=_LABELS[claim],
                required=task.required,
                value=value,
                # The page loads nothing from other hosts, so it shows only the emulator's own pictures.
                picture=claim not in _ATTRIBUTE and bool(value and value.startswith(via_url)),
                ticked=ticked,
                typed=_typed(form, claim),
                error=errors.get(claim),
                first_error=claim == next(iter(errors), None),
            )
        )
    return shown


def agree(player: Player, tasks: tuple[Task, ...], via_url: str, form: Mapping[str, Any]) -> dict[ClaimName, str]:
    """Record the form's data and decisions. If it has errors, record nothing and return a message for each wrong field."""
    errors: dict[ClaimName, str] = {}
    data: dict[str, str] = {}
    for task in tasks:
        if _shared(task, form) and value_of(player, task.claim, via_url) is None:
            typed = _typed(form, task.claim)
            error = _problem(task.claim, typed)
            if error:
                errors[task.claim] = error
            else:
                data[_ATTRIBUTE[task.claim]] = typed
    if errors:
        return errors
    for attribute, value in data.items():
        setattr(player, attribute, value)
    for task in tasks:
        setattr(player.grants, task.claim, "GRANTED" if _shared(task, form) else "DENIED")
    return {}


def decline(player: Player, tasks: tuple[Task, ...]) -> bool:
    """Record that the player declines. Returns True if no claim was required: then the errand is completed."""
    for task in tasks:
        setattr(player.grants, task.claim, "DENIED")
    return not any(task.required for task in tasks)


def _shared(task: Task, form: Mapping[str, Any]) -> bool:
    return task.required or f"share-{task.claim}" in form


def _typed(form: Mapping[str, Any] | None, claim: ClaimName) -> str:
    typed = form.get(claim, "") if form is not None else ""
    return typed.strip() if isinstance(typed, str) else ""


def _problem(claim: ClaimName, typed: str) -> str | None:
    if claim == "email":
        if not typed:
            return "Enter your email address."
        if len(typed) > 254 or not _EMAIL.fullmatch(typed):
            return "That does not look like an email address. It should look like name@example.com."
        return None
    if not typed:
        return f"Enter your {_LABELS[claim].lower()}."
    return f"Use at most 64 characters for your {_LABELS[claim].lower()}." if len(typed) > 64 else None
