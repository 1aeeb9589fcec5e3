"""The fault rules in force, and how often each was used."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from .._config.fault_rule import FaultRule


@dataclass
class ActiveFault:
    """A rule, and how often it matched and was applied."""

    rule: FaultRule
    matched: int = 0
    applied: int = 0

    @property
    def used_up(self) -> bool:
        """Whether the rule has met as many requests as it was meant to."""
        return self.rule.times is not None and self.applied >= self.rule.times


class FaultTable:
    """The rules in force, in the order in which they were given."""

    def __init__(self, rules: list[FaultRule]) -> None:
        self._lock = threading.Lock()
        self.active = [ActiveFault(rule) for rule in rules]

    def add(self, rule: FaultRule) -> None:
        """Put a rule behind the others."""
        with self._lock:
            self.active.append(ActiveFault(rule))

    def replace(self, rules: list[FaultRule]) -> None:
        """Forget all rules and their counts, and begin with these."""
        with self._lock:
            self.active = [ActiveFault(rule) for rule in rules]

    def pick(self, method: str, path: str) -> FaultRule | None:
        """The rule that decides this request, counted as used."""
        with self._lock:
            for fault in self.active:
                if fault.used_up or not fault.rule.matches(method, path):
                    continue
                fault.matched += 1
                if fault.matched <= fault.rule.skip:
                    continue
                fault.applied += 1
                return fault.rule
        return None
