"""The retry policies that the simulation compares. The bridge's two policies call `seconds_to_wait`, as its logins do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sudomimus_bridge._service.policy import (
    BUDGET,
    MAX_ATTEMPTS,
    NETWORK,
    PATIENT,
    UPSTREAM,
    Spacing,
    seconds_to_wait,
)

from .service import Reply

Bounds = tuple[float, float]
"""The shortest and the longest wait. Each client's wait lies evenly between the two, as its random number says."""


@dataclass(frozen=True)
class Policy:
    """One retry policy. `wait` returns the bounds of the wait after a number of failures, or None to give up."""

    name: str
    wait: Callable[[Reply, int, float | None], Bounds | None]
    endless: bool = True
    """Whether its players never give up."""


def spaced(spacing: Spacing, failures: int, retry_after: float | None) -> Bounds:
    """The bounds of the wait that the bridge computes."""
    least, most = (seconds_to_wait(spacing, failures, retry_after, chance) for chance in (0.0, 1.0))
    return least, most


def patient(spacing: Spacing = PATIENT, name: str = "patient") -> Policy:
    """The policy of a patient login: the same spacing after every answer, and no end."""
    return Policy(name, lambda _reply, failures, retry_after: spaced(spacing, failures, retry_after))


_WATCHED = {Reply.BUSY: (BUDGET, 7), Reply.UPSTREAM: (UPSTREAM, 7), Reply.DOWN: (NETWORK, 5)}
"""The rows of `_service.rules` for these answers: the spacing of the attempts, and how many may follow."""


def _watched(reply: Reply, failures: int, retry_after: float | None) -> Bounds | None:
    spacing, repeats = _WATCHED[reply]
    return spaced(spacing, failures, retry_after) if failures <= min(repeats, MAX_ATTEMPTS - 1) else None


def _watched_again(reply: Reply, failures: int, retry_after: float | None) -> Bounds:
    return _watched(reply, (failures - 1) % MAX_ATTEMPTS + 1, retry_after) or (60.0, 70.0)


def every(seconds: float) -> Policy:
    """A policy with a constant wait."""
    return Policy(f"every {seconds:g} s", lambda _reply, _failures, retry_after: (max(seconds, retry_after or 0),) * 2)


def doubling(first: float, most: float, name: str) -> Policy:
    """Exponential back-off without a random part."""

    def wait(_reply: Reply, failures: int, retry_after: float | None) -> Bounds:
        seconds = max(retry_after or 0.0, min(most, first * 2.0 ** min(failures - 1, 60)))
        return seconds, seconds

    return Policy(name, wait)


NO_RETRY = Policy("no retry", lambda _reply, _failures, _retry_after: None, endless=False)
EVERY_2_S = every(2.0)
EXPONENTIAL = doubling(1.0, 60.0, "exponential, to 60 s")
WATCHED = Policy("watched (8 attempts)", _watched, endless=False)
WATCHED_AGAIN = Policy("watched, again after a minute", _watched_again)
PATIENT_POLICY = patient()

COMPARED = (NO_RETRY, EVERY_2_S, EXPONENTIAL, WATCHED, WATCHED_AGAIN, PATIENT_POLICY)
