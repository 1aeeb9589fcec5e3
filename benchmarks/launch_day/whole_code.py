"""Checks the simulation against the bridge's real login code.

Each player runs the bridge's login code in virtual time; only the network, Steam and the clock are replaced. The local
service's own code counts the budgets, and the stub of Steam issues each ticket at once. The simulation gets the same arrivals
and the same random numbers. Then both must sign each player in at the same moment, after the same number of attempts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import anyio
import httpx
import numpy as np

from sudomimus_bridge._login.methods import Steam
from sudomimus_bridge._login.ports import Ports
from sudomimus_bridge._login.sign_in import sign_in
from sudomimus_bridge._settings import Settings
from sudomimus_bridge.emulator._config.limits import Budgets
from sudomimus_bridge.emulator._memory.admission import Admission
from sudomimus_bridge.testing._scripted_service import TOKENS, scripted
from sudomimus_bridge.testing._stub_steam import StubBehaviour, StubSteam
from sudomimus_bridge.testing._virtual_time import VirtualClock

from .policies import PATIENT_POLICY
from .service import Conditions
from .simulation import Crowd, Simulation

APPLICATION = "my-game"
MOST_WAITS = 200
ENDS = 100_000.0


@dataclass(frozen=True)
class Agreement:
    """How well the login code and the simulation agree."""

    players: int
    attempts: int
    """The number of requests that the login code sent."""
    other_attempts: int
    """The number of players for whom the two counts of attempts differ."""
    furthest: float
    """The largest difference between the two sign-in times of one player, in seconds."""


class LaunchDayService(httpx.AsyncBaseTransport):
    """A transport that answers as the service of the launch day does."""

    def __init__(self, clock: VirtualClock, conditions: Conditions) -> None:
        self._clock = clock
        self._conditions = conditions
        self._budgets = Budgets()
        self._admission = Admission(clock)  # type: ignore[arg-type] # it asks only for the time
        self.attempts = 0

    async def warm(self, url: str) -> None:
        """Do nothing: this transport opens no connection."""

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        """Issue tokens, or refuse the attempt."""
        self.attempts += 1
        if self._is(self._conditions.down):
            raise httpx.ConnectError("the service is down")
        if self._admission.admit(APPLICATION, self._budgets) != "admitted":
            return _answer(429)
        if self._is(self._conditions.steam_down):
            self._admission.failed(APPLICATION, self._budgets)
            return _answer(502)
        return _answer(200, json.dumps({**TOKENS, "claims": {}}))

    def _is(self, outage: tuple[float, float] | None) -> bool:
        return outage is not None and outage[0] <= self._clock.now() < outage[1]


def _answer(status: int, body: str = "") -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body.encode()))


class LaunchDay:
    """Runs one crowd on that service."""

    def __init__(self, crowd: Crowd, conditions: Conditions, chances: Any) -> None:
        """`chances` has one row of random numbers for each player."""
        self.clock = VirtualClock()
        self.service = LaunchDayService(self.clock, conditions)
        self.attempts = [0] * len(crowd.arrivals)
        self.signed_in = [0.0] * len(crowd.arrivals)
        self._crowd = crowd
        self._chances = chances

    async def run(self) -> None:
        """Sign every player in."""
        async with anyio.create_task_group() as players:
            for player in range(len(self._crowd.arrivals)):
                players.start_soon(self._play, player)

    async def _play(self, player: int) -> None:
        await self.clock.sleep(float(self._crowd.arrivals[player]))
        steam = StubSteam(self.clock, behaviours=[StubBehaviour(delay=0.0)])
        ports = Ports(
            Settings(application=APPLICATION, steam_app_id=480, patient=True),
            steam=steam,
            clock=self.clock,
            open_service=scripted(self.service),  # type: ignore[arg-type] # any transport will do
            chance=iter(self._chances[player].tolist()).__next__,
        )
        await sign_in(Steam(), ports)
        self.signed_in[player] = self.clock.now()
        self.attempts[player] = sum(call == "request" for call, _ in steam.calls)
        if steam.open_tickets:
            raise RuntimeError("a ticket was left open")


def compare(crowd: Crowd, conditions: Conditions, *, backend: Literal["asyncio", "trio"] = "asyncio") -> Agreement:
    """Run the crowd in the login code and in the simulation, with the same random numbers."""
    count = len(crowd.arrivals)
    chances = np.random.default_rng(count).random((count, MOST_WAITS))
    real = LaunchDay(crowd, conditions, chances)
    real.clock.run(real.run, backend=backend)
    simulation = Simulation(
        PATIENT_POLICY,
        crowd,
        conditions,
        ends=ENDS,
        chance=lambda players, failures: chances[players, failures - 1],
    )
    day = simulation.run()
    return Agreement(
        count,
        real.service.attempts,
        int((day.attempts != np.array(real.attempts)).sum()),
        float(np.abs(day.signed_in - np.array(real.signed_in)).max()),
    )
