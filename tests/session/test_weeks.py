"""Specifies that no token expires and no session is revoked in three weeks of play, in virtual time. The laptop sleeps, its
calendar jumps, and the service is sometimes down.
"""

from __future__ import annotations

import base64
import json
import os
import random
from pathlib import Path

import pytest

from sudomimus_bridge._session.file_store import FileStore
from sudomimus_bridge._session.player_session import PlayerSession
from sudomimus_bridge._session.protection import FileModeOnly
from sudomimus_bridge._values.errors import BridgeError, LoginDenied
from sudomimus_bridge._values.secret import Secret
from sudomimus_bridge.testing._virtual_time import VirtualClock

from ..helpers.session_helpers import LIFETIME, ModelService

THREE_WEEKS = 21 * 24 * 3600.0
FAULTS = ("ok", "ok", "ok", "ok", "unused", "unused", "lost", "denied", "dead")


class Weeks:
    """One player's three weeks, from one seed: a game and a launcher that share a session on disk."""

    def __init__(self, method: str, seed: int, folder: Path) -> None:
        self.dice = random.Random(seed)
        self.clock = VirtualClock()
        self.service = ModelService(self.clock)
        self.disk = FileStore(folder, "my-game", "https://session.example", FileModeOnly())
        self.method = method
        self.windows = [self.opened(), self.opened()]
        self.handed_out = 0

    def opened(self) -> PlayerSession:
        return self.service.session(*([] if self.method == "device" else [self.method]), disk=self.disk)

    async def play(self) -> None:
        while self.clock.uptime().seconds < THREE_WEEKS:
            self.something_happens()
            await self.clock.sleep(self.dice.expovariate(1 / 1200))
            await self.ask(self.dice.choice(self.windows), self.dice.choice((0.0, 60.0, 300.0, 3000.0)))

    def something_happens(self) -> None:
        match self.dice.randrange(9):
            case 0:
                self.clock.suspend(self.dice.uniform(1, 12 * 3600))
            case 1:
                self.clock.set_calendar(self.dice.uniform(-1e8, 1e8))
            case 2:
                self.clock.restart()
                self.windows = [self.opened(), self.opened()]
            case 3:
                self.windows[self.dice.randrange(2)] = self.opened()
            case 4:
                self.service.steam = not self.service.steam
            case 5:
                self.service.plan = self.dice.choices(FAULTS, k=3)
            case 6:
                self.service.claims_missing = True

    async def ask(self, session: PlayerSession, valid_for: float) -> None:
        given_up_after = self.dice.choice((1e9, 1e9, 1e9, 0.06))
        try:
            with self.clock.move_on_after(given_up_after) as scope:
                token = await session.access_token(valid_for)
            if scope.cancelled_caught:
                return
        except LoginDenied as error:
            if error.reason == "SignInAgain":
                await session.adopt(self.service.record(self.method))
            return
        except BridgeError:
            return
        assert self.seconds_left(token) >= valid_for
        self.handed_out += 1

    def seconds_left(self, token: Secret) -> float:
        """The remaining lifetime by the service's own time, which never stops."""
        body = token.reveal().split(".")[1]
        issued: float = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))["issued"]
        return issued + LIFETIME - self.clock.uptime().seconds


@pytest.mark.parametrize("method", ["steam", "device", "access-key"])
def test_three_weeks_without_an_expired_token_or_a_revoked_session(
    method: str, tmp_path: Path, soak: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # two thousand writes; no power failure is tested here
    for seed in range(1 if soak == 1 else 2 * soak):
        weeks = Weeks(method, seed, tmp_path / str(seed))
        weeks.clock.run(weeks.play)
        assert not weeks.service.revoked
        assert weeks.handed_out > 200
        assert weeks.service.refreshes > 20
