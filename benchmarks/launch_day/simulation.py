"""Simulates every attempt that a crowd with one policy makes in a day.

Each player is one row of the arrays. The simulation answers all attempts of one budget window (ten seconds) together, in the
order of their times. So a million players take less than two minutes. Each wait uses a new random number, as in the bridge.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .policies import Bounds, Policy
from .service import WINDOW_SECONDS, Admission, Conditions, Reply

Array = Any
"""A numpy array; most have one row for each player."""

RENEWAL_SECONDS = 3600.0
"""The lifetime of an access token, after which a session renews it."""
PLAYING_SECONDS = 2 * 3600.0
"""How long a returning player plays, and so renews the session."""


@dataclass(frozen=True)
class Crowd:
    """The players of one day."""

    arrivals: Array
    """The moment at which each player starts the game, in seconds since the opening."""
    errand_seconds: Array | None = None
    """How long each player needs for an errand; 0 if the player owes none."""
    returning: Array | None = None
    """Which players have a session. They renew it instead of signing in, and again every hour. Renewals have no budget."""


@dataclass(frozen=True)
class Day:
    """The result of one day."""

    crowd: Crowd
    signed_in: Array
    """The moment at which each player was signed in; infinite if it never came."""
    attempts: Array
    """The number of attempts of each player. Each attempt takes a ticket from Steam."""
    gave_up: Array
    per_second: Array
    """The number of attempts in each second."""
    renewals_per_second: Array

    def attempts_until(self, seconds: float) -> int:
        """The number of attempts before this moment."""
        return int(self.per_second[: int(seconds)].sum())

    def time_of(self, share: float) -> float:
        """The moment at which this share of the players was signed in; infinite if it never came."""
        ordered = np.sort(self.signed_in)
        return float(ordered[int(np.ceil(share * len(ordered))) - 1])

    def signed_in_by(self, seconds: float) -> int:
        """The number of players who were signed in by this moment."""
        return int((self.signed_in <= seconds).sum())

    def waits(self) -> Array:
        """The waits of all players who were signed in, in seconds, shortest first."""
        waits = self.signed_in - self.crowd.arrivals
        return np.sort(waits[np.isfinite(waits)])


class Simulation:
    """Simulates one day with one policy."""

    def __init__(
        self,
        policy: Policy,
        crowd: Crowd,
        conditions: Conditions,
        *,
        ends: float,
        chance: Callable[[Array, Array], Array],
    ) -> None:
        """`chance(players, failures)` returns one random number from 0 to 1 for the next wait of each of these players."""
        count = len(crowd.arrivals)
        self._policy = policy
        self._crowd = crowd
        self._conditions = conditions
        self._chance = chance
        self._ends = ends
        self._admission = Admission(conditions)
        self._next: Array = np.array(crowd.arrivals, dtype=np.float64)
        self._failures: Array = np.zeros(count, dtype=np.int32)
        self._attempts: Array = np.zeros(count, dtype=np.int32)
        self._signed_in: Array = np.full(count, np.inf)
        self._gave_up: Array = np.zeros(count, dtype=bool)
        self._owes: Array = np.zeros(count, dtype=bool) if crowd.errand_seconds is None else crowd.errand_seconds > 0
        self._returning: Array = np.zeros(count, dtype=bool) if crowd.returning is None else crowd.returning
        self._calendar: dict[int, list[Array]] = defaultdict(list)
        seconds = int(ends + 2 * WINDOW_SECONDS)
        self._per_second: Array = np.zeros(seconds, dtype=np.int64)
        self._renewals: Array = np.zeros(seconds, dtype=np.int64)
        self._bounds: dict[tuple[Reply, int], Bounds | None] = {}

    def run(self) -> Day:
        """Simulate until no player is waiting, or until the day ends."""
        self._schedule(np.arange(len(self._next), dtype=np.int32))
        window = 0
        while self._calendar and window * WINDOW_SECONDS < self._ends:
            if window in self._calendar:
                self._pass(window)
            window += 1
        return Day(self._crowd, self._signed_in, self._attempts, self._gave_up, self._per_second, self._renewals)

    def _pass(self, window: int) -> None:
        """Answer all attempts of one budget window. A retry may fall into the same window."""
        at, end = window * WINDOW_SECONDS, (window + 1) * WINDOW_SECONDS
        while at < end:
            until = self._admission.steady_until(at, end)
            due = (
                np.concatenate(self._calendar.pop(window)) if window in self._calendar else np.zeros(0, dtype=np.int32)
            )
            soon = self._next[due] < until
            if not soon.all():
                self._calendar[window].append(due[~soon])
            now = due[soon]
            if not now.size:
                at = until
                continue
            now = now[np.argsort(self._next[now], kind="stable")]
            renewing = self._returning[now]
            self._renew(now[renewing], at)
            self._present(now[~renewing], at)

    def _present(self, players: Array, at: float) -> None:
        """Answer the attempts of these players, who are in the order of their attempts. `at`: the steady time begins."""
        if not players.size:
            return
        times = self._next[players]
        _count(self._per_second, times)
        self._attempts[players] += 1
        ordered = times.tolist() if self._conditions.steam_down else []
        first, reply, others = self._admission.admit(ordered, len(players), at)
        self._answer(players[:first], reply)
        self._answer(players[first:], others)

    def _renew(self, players: Array, at: float) -> None:
        if not players.size:
            return
        _count(self._renewals, self._next[players])
        if self._admission.is_down(at):
            self._back_off(players, Reply.DOWN)
            return
        self._failures[players] = 0
        self._signed_in[players] = np.minimum(self._signed_in[players], self._next[players])
        playing = players[self._next[players] + RENEWAL_SECONDS < self._crowd.arrivals[players] + PLAYING_SECONDS]
        self._next[playing] += RENEWAL_SECONDS
        self._schedule(playing)

    def _answer(self, players: Array, reply: Reply) -> None:
        if reply is not Reply.ADMITTED:
            self._back_off(players, reply)
            return
        owing = self._owes[players]
        done, sent = players[~owing], players[owing]
        self._signed_in[done] = self._next[done]
        if self._crowd.errand_seconds is not None:
            self._owes[sent] = False
            self._next[sent] += self._crowd.errand_seconds[sent]
            self._schedule(sent)

    def _back_off(self, players: Array, reply: Reply) -> None:
        if not players.size:
            return
        self._failures[players] += 1
        failures = self._failures[players]
        bounds = [self._bound(reply, number) for number in range(1, int(failures.max()) + 1)]
        ends = np.array([bound is None for bound in bounds])[failures - 1]
        self._gave_up[players[ends]] = True
        players, failures = players[~ends], failures[~ends]
        least, most = np.array([bound or (0.0, 0.0) for bound in bounds]).T
        least, most = least[failures - 1], most[failures - 1]
        self._next[players] += least + (most - least) * self._chance(players, failures)
        self._schedule(players)

    def _bound(self, reply: Reply, failures: int) -> Bounds | None:
        key = reply, failures
        if key not in self._bounds:
            retry_after = self._conditions.retry_after if reply is Reply.BUSY else None
            self._bounds[key] = self._policy.wait(reply, failures, retry_after)
        return self._bounds[key]

    def _schedule(self, players: Array) -> None:
        """Add the players' next attempts to the calendar, which has one list for each window."""
        if not players.size:
            return
        windows = (self._next[players] // WINDOW_SECONDS).astype(np.int64)
        order = np.argsort(windows, kind="stable")
        players, windows = players[order], windows[order]
        begins = np.flatnonzero(np.diff(windows, prepend=-1)).tolist()
        for begin, end in zip(begins, [*begins[1:], len(players)], strict=True):
            self._calendar[int(windows[begin])].append(players[begin:end])


def _count(per_second: Array, times: Array) -> None:
    begins = int(times[0])
    counted = np.bincount(times.astype(np.int64) - begins)
    per_second[begins : begins + len(counted)] += counted
