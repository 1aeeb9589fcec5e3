"""What the rows of `rules` are made of: what may follow an answer, how long to wait, and the bounds of one login."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto

from .._session.refresh import Fate
from .._values.errors import BridgeError, ServiceUnavailable
from .port import Answer, Operation, Trouble

MAX_ATTEMPTS = 8
"""Tickets and POSTs in one login that a player waits for, polls apart ("Bounds")."""

MAX_ERRANDS = 3
"""Pages that one login sends the player to before it gives up."""


class Act(Enum):
    """What a login does next."""

    DONE = auto()
    ERRAND = auto()
    WAIT = auto()
    """The player is not done: ask again at the pace of the poll."""
    SLOWER = auto()
    """As WAIT, at a slower pace from here on."""
    AGAIN = auto()
    """Once more with a fresh ticket, after the row's wait, which comes before the ticket is asked for."""
    FAIL = auto()


@dataclass(frozen=True)
class Backoff:
    """Full jitter: a random wait up to `base` seconds doubled with each attempt, never over `cap`."""

    base: float
    cap: float

    def wait(self, failures: int, retry_after: float | None, draw: Callable[[float, float], float]) -> float:
        """Seconds to wait after that many failures. Retry-After is a minimum, and jitter comes on top of it."""
        jitter = draw(0.0, min(self.cap, self.base * 2.0 ** max(0, failures - 1)))
        return jitter if retry_after is None else retry_after + jitter


AT_ONCE = Backoff(0.0, 0.0)


@dataclass(frozen=True)
class Pace:
    """How often a poll asks: every `seconds`, doubled with each failure in a row up to `most`, never under `least`."""

    seconds: float
    least: float
    most: float
    strict: bool = False
    """Never over `most` either, whatever Retry-After says."""

    def wait(self, failures: int, retry_after: float | None) -> float:
        """Seconds until the next poll after that many failures in a row."""
        own = max(self.seconds, min(self.most, self.seconds * 2.0 ** min(failures, 10)))
        wait = max(self.least, own, retry_after or 0.0)
        return min(self.most, wait) if self.strict else wait

    def slower(self, interval: float | None) -> Pace:
        """After `slow_down`: five seconds more (RFC 8628, 3.5), or as many as the service asks for (device.yaml)."""
        seconds = max(self.seconds + 5.0, interval or 0.0)
        return replace(self, seconds=seconds, least=seconds)


ERRAND_PACE = Pace(2.0, 1.0, 8.0, strict=True)
"""Every 2 seconds, never under 1 or over 8 ("Errand")."""

INQUIRY_PACE = Pace(3.0, 1.0, 30.0)
"""Every few seconds (native-flows, "Browser polling"); an inquiry has only so many polls (connect-redeem)."""


def device_pace(interval: float) -> Pace:
    """Never under the service's interval, doubled where nothing answers (RFC 8628, 3.5)."""
    return Pace(interval, interval, 60.0)


def always(_: Answer) -> bool:
    """Whatever else the answer says."""
    return True


@dataclass(frozen=True)
class Rule:
    """One row: for which calls and answers it holds, what follows, and what is said where that ends the login.

    `sentence` may hold `{application}`, `{status}`, and `{check}` for what a refused request is most likely about.
    """

    calls: frozenset[Operation]
    when: frozenset[int | Trouble]
    reasons: tuple[str, ...]
    """Those of the service that it holds for; empty where it holds for any, and for none."""
    act: Act
    sentence: str
    error: type[BridgeError] = ServiceUnavailable
    repeats: int = 0
    """How often a login may go on after it."""
    backoff: Backoff = AT_ONCE
    fate: Fate = Fate.UNKNOWN
    """What has become of a refresh token that got this answer."""
    also: Callable[[Answer], bool] = always
    """What else must be true of the answer."""

    def holds(self, operation: Operation, answer: Answer) -> bool:
        """Whether this row is about that answer to that call."""
        return (
            operation in self.calls
            and (answer.trouble or answer.status) in self.when
            and (not self.reasons or answer.reason in self.reasons)
            and self.also(answer)
        )


draw_uniform: Callable[[float, float], float] = random.SystemRandom().uniform
"""Full jitter's dice. A hundred thousand players must not share a seed."""
