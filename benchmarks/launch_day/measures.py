"""The measures of one simulated day: sign-in times beside the best, attempts, the busiest second, waits, players who gave up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from .best import best_times
from .policies import Policy
from .service import Conditions
from .simulation import Crowd, Day, Simulation

SHARE = 0.99
"""The share of the players whose sign-in is timed."""
IN_TIME = 1.3
"""The players may need this many times the best time."""


@dataclass(frozen=True)
class Scenario:
    """A crowd and its day."""

    crowd: Crowd
    conditions: Conditions

    @cached_property
    def best(self) -> Any:
        """The earliest possible moments of all sign-ins, in order."""
        return best_times(self.crowd, self.conditions)

    @cached_property
    def best_time(self) -> float:
        """The earliest moment at which `SHARE` of the players can be signed in."""
        return float(self.best[int(np.ceil(SHARE * len(self.best))) - 1])


@dataclass(frozen=True)
class Outcome:
    """One policy in one scenario."""

    policy: Policy
    scenario: Scenario
    day: Day

    @property
    def players(self) -> int:
        """The number of players."""
        return len(self.scenario.crowd.arrivals)

    @property
    def time(self) -> float:
        """The moment at which `SHARE` of the players were signed in; infinite if they never were."""
        return self.day.time_of(SHARE)

    @property
    def ratio(self) -> float:
        """`time` divided by the best time."""
        return self.time / self.scenario.best_time

    @property
    def signed_in_in_time(self) -> float:
        """The share of the players who were signed in within `IN_TIME` times the best time."""
        return self.day.signed_in_by(IN_TIME * self.scenario.best_time) / self.players

    @property
    def attempts_in_time(self) -> float:
        """Attempts per player within `IN_TIME` times the best time."""
        return self.day.attempts_until(IN_TIME * self.scenario.best_time) / self.players

    @property
    def attempts(self) -> float:
        """Attempts per player until `SHARE` of the players were signed in, or until the end of the day."""
        until = self.time if np.isfinite(self.time) else len(self.day.per_second)
        return self.day.attempts_until(until) / self.players

    @property
    def gave_up(self) -> float:
        """The share of the players who gave up."""
        return float(self.day.gave_up.mean())

    @property
    def busiest(self) -> int:
        """Attempts in the busiest second."""
        return int(self.day.per_second.max())

    def busiest_after(self, seconds: float) -> int:
        """Attempts in the busiest second after `seconds`."""
        return int(self.day.per_second[int(seconds) :].max())

    def wait(self, share: float) -> float:
        """The wait that this share of the signed-in players did not exceed."""
        waits = self.day.waits()
        return float(waits[int(np.ceil(share * len(waits))) - 1]) if len(waits) else float("inf")


def outcome(policy: Policy, scenario: Scenario, *, times_best: float = 3.0, seed: int = 7) -> Outcome:
    """Simulate a day with one policy. The day ends after `times_best` times the best time, but lasts an hour at least."""
    random = np.random.default_rng(seed)
    day = Simulation(
        policy,
        scenario.crowd,
        scenario.conditions,
        ends=max(3600.0, times_best * float(scenario.best[-1])),
        chance=lambda players, _failures: random.random(len(players)),
    ).run()
    return Outcome(policy, scenario, day)
