"""The crowds of a launch day: when each player starts the game, which players owe an errand, and which have a session."""

from __future__ import annotations

from typing import Any

import numpy as np

from .simulation import Crowd

FIVE_MINUTES = 300.0
EVENING = 4 * 3600.0

Arrivals = str
ARRIVALS: tuple[Arrivals, ...] = ("all at once", "within five minutes", "over an evening")


def crowd(arrivals: Arrivals, count: int, seed: int = 1, *, errands: bool = False, returning: bool = False) -> Crowd:
    """Make a crowd of `count` players.

    With `errands`, half of them owe an errand. With `returning`, half of them have a session, which renews itself.
    """
    random = np.random.default_rng([seed, count])
    return Crowd(
        np.sort(_arrivals(arrivals, count, random)),
        # Most players spend a minute or two on the page.
        np.where(random.random(count) < 0.5, random.lognormal(np.log(90.0), 0.6, count), 0.0) if errands else None,
        random.random(count) < 0.5 if returning else None,
    )


def _arrivals(arrivals: Arrivals, count: int, random: np.random.Generator) -> Any:
    if arrivals == "all at once":
        return np.zeros(count)
    if arrivals == "within five minutes":
        return random.uniform(0.0, FIVE_MINUTES, count)
    return random.beta(2.0, 2.0, count) * EVENING  # in the middle of the evening, 1.5 times the mean
