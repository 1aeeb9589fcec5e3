"""What becomes of a refresh token when it is used, and whether it may be sent again.

A refresh token is single-use: a second use after a short grace time ends the session (docs/contracts/service.md). So the most
important thing about an answer of `POST /refresh` is whether the token may be sent again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import Enum, auto

from .._values.errors import BridgeError
from .._values.events import LoginResult

Unsent = Callable[[], AbstractAsyncContextManager[object]]
"""Makes a block that runs while the next try is waited for: the token is not on its way, and nothing has used it."""


class Fate(Enum):
    """What became of the refresh token that was sent."""

    RENEWED = auto()
    """Used: the answer brought a new pair."""
    UNUSED = auto()
    """Certainly unused: it never left, or the service refused before it did any work."""
    CLAIMS = auto()
    """Unused: a claim has become required, and the player has to decide first."""
    UNKNOWN = auto()
    """Perhaps used: the answer was lost twice, or it was lost once and too long ago for a second try."""
    DEAD = auto()
    """Revoked, expired, or of a session that has ended."""

    @property
    def may_be_sent_again(self) -> bool:
        """Whether a second use of the token is safe."""
        return self in (Fate.UNUSED, Fate.CLAIMS)


@dataclass(frozen=True)
class Refreshed:
    """The outcome of a renewal: a new pair if the fate is `RENEWED`, else usually the error to raise."""

    fate: Fate
    result: LoginResult | None = None
    error: BridgeError | None = None

    @property
    def uncertain(self) -> bool:
        """Whether the error alone would mislead the caller into sending the token again."""
        retryable = self.error is not None and self.error.retryable
        return self.result is None and not self.fate.may_be_sent_again and (self.fate is Fate.UNKNOWN or retryable)
