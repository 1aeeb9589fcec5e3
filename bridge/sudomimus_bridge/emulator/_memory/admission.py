"""Admission before any work is done: attempt budgets in fixed windows, and the circuit that failures open.

docs/contracts/service.md, "Limits". The service does not publish for how long it counts a failure. Here it is as long as
the circuit stays open.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from .._clock import Clock
from .._config.limits import Budgets

Admitted = Literal["admitted", "exhausted", "unavailable"]

# There is a counter for each application anchor, and this one for all of them together.
_ALL = ""


class Admission:
    """The counters of one route."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = -1
        self._attempts: dict[str, int] = {}
        self._failures: dict[str, deque[float]] = {}
        self._open_until: dict[str, float] = {}

    def admit(self, anchor: str, budgets: Budgets) -> Admitted:
        """Count an attempt. A refused one does not count."""
        if not budgets.available:
            return "unavailable"
        now = self._clock.now()
        if any(self._open_until.get(scope, 0) > now for scope in (anchor, _ALL)):
            return "exhausted"
        window = int(now // budgets.window_seconds)
        if window != self._window:
            self._window, self._attempts = window, {}
        limits = {anchor: budgets.attempts_per_application, _ALL: budgets.attempts_global}
        if any(self._attempts.get(scope, 0) >= limit for scope, limit in limits.items()):
            return "exhausted"
        for scope in limits:
            self._attempts[scope] = self._attempts.get(scope, 0) + 1
        return "admitted"

    def failed(self, anchor: str, budgets: Budgets) -> None:
        """Count a failure of Steam or of a credential, and open the circuit if there are too many."""
        now = self._clock.now()
        for scope, limit in ((anchor, budgets.failures_per_application), (_ALL, budgets.failures_global)):
            failures = self._failures.setdefault(scope, deque())
            failures.append(now)
            while failures and failures[0] <= now - budgets.circuit_seconds:
                failures.popleft()
            if len(failures) >= limit:
                self._open_until[scope] = now + budgets.circuit_seconds
                failures.clear()
