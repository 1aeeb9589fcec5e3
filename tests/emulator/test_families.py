"""Specifies refresh-token families as a state machine: in any order of calls, at most one token of a family is valid."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from sudomimus_bridge.emulator._config.config import EmulatorConfig
from sudomimus_bridge.emulator._contract.requests import LogoutRequest, RefreshRequest
from sudomimus_bridge.emulator._memory.state import State
from sudomimus_bridge.emulator._rules import session as rules
from sudomimus_bridge.emulator._rules.issuance import Refusal

GRACE, LIFETIME = 10, 30_000


@dataclass
class Family:
    """The model of a family: its refresh tokens, oldest first, and their state."""

    tokens: list[str] = field(default_factory=list)
    made_at: list[float] = field(default_factory=list)
    revoked: bool = False


class Families(RuleBasedStateMachine):
    """Sends old and new tokens of several families while time passes, and compares each answer with the model."""

    tokens = Bundle("tokens")

    @initialize()
    def start(self) -> None:
        self.state = State(EmulatorConfig())
        self.state.config.sessions.grace_seconds = GRACE
        self.state.config.tokens.refresh_token_ttl_seconds = LIFETIME
        self.state.clock.freeze()
        # Tokens have whole seconds, so the model uses them, too, and its times equal the service's.
        self.state.clock.advance(1 - self.state.clock.now() % 1)
        self.families: list[Family] = []

    @rule(target=tokens)
    def sign_in(self) -> tuple[int, int]:
        player = self.state.player(self.state.config.default_player)
        pair = self.state.sessions.open(player)
        self.families.append(Family([pair.refresh_token], [self._now()]))
        return len(self.families) - 1, 0

    @rule(seconds=strategies.sampled_from([1, GRACE, GRACE + 1, LIFETIME // 3, LIFETIME]))
    def wait(self, seconds: int) -> None:
        self.state.clock.advance(seconds)

    @rule(target=tokens, token=tokens)
    def refresh(self, token: tuple[int, int]) -> tuple[int, int]:
        family, index = self.families[token[0]], token[1]
        expected = self._expected(family, index)
        if expected == "rotated":
            fresh = self._refresh(family.tokens[index])["refreshToken"]
            assert fresh not in family.tokens
            family.tokens.append(fresh)
            family.made_at.append(self._now())
        elif expected == "adopted":
            assert self._refresh(family.tokens[index])["refreshToken"] == family.tokens[-1]
        else:
            with pytest.raises(Refusal) as refused:
                self._refresh(family.tokens[index])
            assert (refused.value.status, refused.value.reason) == (401, expected)
            family.revoked = family.revoked or expected == "RefreshTokenFamilyCompromised"
        return token[0], len(family.tokens) - 1

    @rule(token=tokens)
    def logout(self, token: tuple[int, int]) -> None:
        family = self.families[token[0]]
        ends = not family.revoked and family.made_at[-1] + LIFETIME > self._now()
        assert rules.logout(self.state, LogoutRequest(refreshToken=family.tokens[token[1]])) == {"revoked": ends}
        family.revoked = True

    @invariant()
    def the_counts_agree(self) -> None:
        now = self._now()
        alive = [f for f in self.families if not f.revoked and f.made_at[-1] + LIFETIME > now]
        counts = self.state.sessions.count()
        assert counts["active"] == len(alive)
        assert counts["revoked"] == sum(family.revoked for family in self.families)

    def _expected(self, family: Family, index: int) -> str:
        if family.made_at[index] + LIFETIME <= self._now():
            return "RefreshTokenExpired"
        if family.revoked:
            return "RefreshTokenRevoked"
        if index == len(family.tokens) - 1:
            return "rotated"
        spent_at = family.made_at[index + 1]
        youngest_is_the_child = index == len(family.tokens) - 2
        in_time = self._now() - spent_at <= GRACE
        return "adopted" if youngest_is_the_child and in_time else "RefreshTokenFamilyCompromised"

    def _refresh(self, token: str) -> dict[str, Any]:
        return rules.refresh(self.state, RefreshRequest(refreshToken=token))

    def _now(self) -> float:
        return self.state.clock.now()


TestFamilies = Families.TestCase
TestFamilies.settings = settings(max_examples=40, stateful_step_count=25, derandomize=True)
