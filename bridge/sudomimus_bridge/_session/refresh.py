"""What becomes of a refresh token when it is used: each answer of `POST /refresh` leaves it in one of five states.

A refresh token is single-use: one repeated after a short grace window revokes the session (session.yaml, `/refresh`). So
what matters most about an answer is whether the token may be sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, auto

from .._values.errors import BridgeError
from .._values.events import LoginResult

Unsent = Callable[[], AbstractAsyncContextManager[object]]
"""Gives a block within which the token is not on its way, nor has it been used by what was sent before."""


class Fate(Enum):
    """Of the refresh token that was sent."""

    RENEWED = auto()
    """Used, and there is a new pair."""
    UNUSED = auto()
    """Surely not used: it never left, or the service refused before it did any work. It may be sent later."""
    CLAIMS = auto()
    """Not used: a claim became required, and the player has to decide first."""
    UNKNOWN = auto()
    """The answer was lost, twice, or once and too long ago: it may have been used, so it is not sent again."""
    DEAD = auto()
    """Revoked, expired, or of a session that is over."""


@dataclass(frozen=True)
class Refreshed:
    """What became of it: a new pair where it was renewed, else the error to raise."""

    fate: Fate
    result: LoginResult | None = None
    error: BridgeError | None = None
