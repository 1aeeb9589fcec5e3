"""The theoretical best: a perfect queue, in which each player makes an attempt at the moment at which the service admits it."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from .service import ATTEMPTS_PER_WINDOW, WINDOW_SECONDS, Conditions
from .simulation import Crowd


def best_times(crowd: Crowd, conditions: Conditions) -> Any:
    """The earliest possible moments of all sign-ins, in order. A player who owes an errand needs two attempts."""
    owes = [0.0] * len(crowd.arrivals) if crowd.errand_seconds is None else crowd.errand_seconds.tolist()
    returning = np.zeros(len(owes), dtype=bool) if crowd.returning is None else crowd.returning
    queue = [
        (arrival, errand)
        for arrival, errand, renews in zip(crowd.arrivals.tolist(), owes, returning.tolist(), strict=True)
        if not renews
    ]
    heapq.heapify(queue)
    signed_in = [_open_from(arrival, [conditions.down]) for arrival in crowd.arrivals[returning].tolist()]
    outages = [conditions.down, conditions.steam_down]
    window, left = 0, ATTEMPTS_PER_WINDOW
    while queue:
        ready, errand = heapq.heappop(queue)
        at = _open_from(max(ready, window * WINDOW_SECONDS), outages)
        if int(at // WINDOW_SECONDS) > window:
            window, left = int(at // WINDOW_SECONDS), ATTEMPTS_PER_WINDOW
        elif left == 0:
            window, left = window + 1, ATTEMPTS_PER_WINDOW
            at = _open_from(window * WINDOW_SECONDS, outages)
            if int(at // WINDOW_SECONDS) > window:
                window = int(at // WINDOW_SECONDS)
        left -= 1
        if errand > 0:
            heapq.heappush(queue, (at + errand, 0.0))
        else:
            signed_in.append(at)
    return np.sort(np.array(signed_in))


def _open_from(at: float, outages: list[tuple[float, float] | None]) -> float:
    """The first moment from `at` on that is not in an outage."""
    for outage in sorted(outage for outage in outages if outage):
        if outage[0] <= at < outage[1]:
            at = outage[1]
    return at
