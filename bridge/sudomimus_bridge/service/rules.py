"""The one table of retry rules: what each answer of the service means and what a login does about it.

Policy only. Rows are tried from the top; the first that matches holds. The source of all of them is the table "What each
answer to a Steam ticket means" of the service's behaviour, and native.yaml 2.4.1 for the rest.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from ..errors import BridgeError, ConfigurationError, LoginDenied, ServiceUnavailable, SteamUnavailable
from .port import Answer, Operation, Trouble

MAX_ATTEMPTS = 8
"""Tickets and POSTs in one login that a player waits for ("Bounds")."""

MAX_ERRANDS = 3
"""Pages that one login sends the player to before it gives up."""


class Act(Enum):
    """What a login does next."""

    DONE = auto()
    ERRAND = auto()
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


@dataclass(frozen=True)
class Rule:
    """One row. `repeats` is how often a login may go on after it; the error is what it ends with when it may not."""

    name: str
    matches: Callable[[Answer], bool]
    act: Act
    repeats: int = 0
    backoff: Backoff = Backoff(0.0, 0.0)
    error: type[BridgeError] = ServiceUnavailable


def _status(*statuses: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status in statuses


def _trouble(*troubles: Trouble) -> Callable[[Answer], bool]:
    return lambda answer: answer.trouble in troubles


_AT_ONCE = Backoff(0.0, 0.0)
_SOON = Backoff(0.25, 2.0)  # another ticket is enough
_NETWORK = Backoff(0.5, 8.0)
_UPSTREAM = Backoff(1.0, 15.0)  # something behind the service is down
_BUDGET = Backoff(2.0, 60.0)  # budgets refill every 10 seconds, a circuit opens for 60

RULES: tuple[Rule, ...] = (
    Rule("issued", lambda a: a.status == 200 and a.trouble is None, Act.DONE),
    Rule("this request can never succeed", _status(400, 404), Act.FAIL, error=ConfigurationError),
    Rule("claim gate", lambda a: a.status == 403 and a.errand is not None, Act.ERRAND),
    Rule("denied", lambda a: a.status == 403 and a.trouble is None, Act.FAIL, error=LoginDenied),
    Rule("ticket seen before, or the player changed meanwhile", _status(409), Act.AGAIN, 7, _SOON),
    Rule("budget used up, circuit open, or counter down", _status(429, 503), Act.AGAIN, 7, _BUDGET),
    Rule("not the service", _trouble(Trouble.CERTIFICATE), Act.FAIL),
    Rule("not reached", _trouble(Trouble.NETWORK), Act.AGAIN, 5, _NETWORK),
    Rule("no answer in time", _trouble(Trouble.TIMEOUT), Act.AGAIN, 4, _UPSTREAM),
    Rule("not an answer of the service", _trouble(Trouble.UNREADABLE), Act.AGAIN, 4, _UPSTREAM),
    Rule("service or Steam's verification down", lambda a: (a.status or 0) >= 500, Act.AGAIN, 7, _UPSTREAM),
    Rule("took too long for the service", _status(408, 425), Act.AGAIN, 7, _UPSTREAM),
    Rule("an answer that native.yaml does not have", lambda _: True, Act.FAIL),
)

# 401 alone depends on what was sent: a Steam ticket may be stale, while a key or token stays as wrong as it is.
_UNAUTHORIZED = {
    Operation.STEAM_TICKET: Rule("ticket rejected by Steam", _status(401), Act.AGAIN, 1, _AT_ONCE, SteamUnavailable),
    Operation.ACCESS_KEY: Rule("access key rejected", _status(401), Act.FAIL, error=LoginDenied),
    Operation.CREATE_ERRAND: Rule("access token rejected", _status(401), Act.FAIL, error=LoginDenied),
}


def rule_for(operation: Operation, answer: Answer) -> Rule:
    """The row that holds for this answer."""
    if answer.status == 401:
        return _UNAUTHORIZED[operation]
    return next(rule for rule in RULES if rule.matches(answer))


# GET /errand/{errandKey}/status has no rows: whatever goes wrong, it is asked again while the errand lives.
POLL_SECONDS = 2.0
POLL_MIN_SECONDS, POLL_MAX_SECONDS = 1.0, 8.0


def poll_wait(failures: int, retry_after: float | None) -> float:
    """Seconds until the next poll after that many failures in a row: every 2, never under 1 or over 8 ("Errand")."""
    wait = max(POLL_SECONDS * float(2 ** min(failures, 4)), retry_after or 0.0)
    return min(POLL_MAX_SECONDS, max(POLL_MIN_SECONDS, wait))


draw_uniform: Callable[[float, float], float] = random.SystemRandom().uniform
"""Full jitter's dice. A hundred thousand players must not share a seed."""
