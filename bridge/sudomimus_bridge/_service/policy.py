"""The policy: the bounds of one login, and the wait before each request.

`seconds_to_wait` alone decides every wait. It is pure: it knows only what a client can know, so a simulation of a launch day
can call it a million times.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

MAX_ATTEMPTS = 8
"""The most attempts of one login, unless it is patient. Polls do not count."""

MAX_ERRANDS = 3
"""The most pages to which one login sends the player before it gives up."""


@dataclass(frozen=True)
class Spacing:
    """How far apart requests of one kind are.

    A retry waits a random part of a window. The window is `seconds`, grows with each failure, and is `most` in the end. A poll
    is regular: it waits `seconds`, doubled with each failure in a row up to `most`.
    """

    seconds: float
    most: float
    growth: float = 2.0
    """For a retry: the factor by which the window grows with each failure."""
    certain: float = 0.0
    """For a retry: the fraction of the window that every client waits. With 0, the whole wait is random ("full jitter")."""
    least: float = 0.0
    """For a poll: the shortest time between two requests, even if the player says "I'm done"."""
    regular: bool = False
    strict: bool = False
    """Whether a wait is never longer than `most`, even if Retry-After asks for more."""

    def slower(self, interval: float | None) -> Spacing:
        """The spacing after `slow_down`: five seconds more (RFC 8628, 3.5), or the interval of the answer if that is longer."""
        seconds = max(self.seconds + 5.0, interval or 0.0)
        return replace(self, seconds=seconds, least=seconds)


def seconds_to_wait(spacing: Spacing, failures: int, retry_after: float | None, chance: float) -> float:
    """The wait before the next request, in seconds.

    `failures`: the number of requests that have failed. `retry_after`: the wait that the last answer asks for, in seconds; the
    wait is never shorter, and the random part is added to it. `chance`: the client's own random number from 0 to 1; the wait
    grows with it.
    """
    if spacing.regular:
        grown = max(spacing.seconds, min(spacing.most, spacing.seconds * 2.0 ** min(failures, 10)))
        wait = max(grown, retry_after or 0.0)
        return min(spacing.most, wait) if spacing.strict else wait
    window = min(spacing.most, spacing.seconds * spacing.growth ** min(max(0, failures - 1), 60))
    if retry_after is None:
        return window * (spacing.certain + (1.0 - spacing.certain) * chance)
    # A time that the service names may be the same for a whole crowd: the longer it is, the further the crowd is spread out.
    return retry_after + max(window, spacing.certain * retry_after) * chance


draw: Callable[[], float] = random.SystemRandom().random
"""A random number for `seconds_to_wait`. A hundred thousand players must not share a seed."""

AT_ONCE = Spacing(0.0, 0.0)
SOON = Spacing(0.25, 2.0)
"""After an answer for which another ticket is enough."""
NETWORK = Spacing(0.5, 8.0)
UPSTREAM = Spacing(1.0, 15.0)
"""After an answer that says that something behind the service is down."""
BUDGET = Spacing(2.0, 60.0)
"""The service's budgets refill every 10 seconds, and a circuit opens for 60."""

PATIENT = Spacing(90.0, 1500.0, growth=2.5, certain=0.33)
"""For a patient login. A client cannot see the crowd, only its own failures, so its window grows with them.

The first window is short, because a small crowd is signed in within a minute. The last one is long, because a large crowd needs
hours. `benchmarks/launch_day` compares this spacing with others.
"""

ERRAND_POLL = Spacing(2.0, 8.0, least=1.0, regular=True, strict=True)
"""Every 2 seconds, never under 1 or over 8: the service's own bounds for an errand's status."""

INQUIRY_POLL = Spacing(3.0, 30.0, least=1.0, regular=True)
"""Every few seconds: an inquiry admits a limited number of polls."""


def poll_spacing(interval: float | None) -> Spacing:
    """The spacing of a call's polls, with the interval that the service has asked for, if it has.

    Polls for a device's tokens are at least that interval apart. While the service does not answer, the interval doubles
    (RFC 8628, 3.5).
    """
    if interval is None:
        return INQUIRY_POLL
    return Spacing(interval, 60.0, least=interval, regular=True)
