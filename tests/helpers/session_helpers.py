"""A small model of the service. Its one rule: a second use of a refresh token ends the session."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sudomimus_bridge._login.methods import METHODS, Method
from sudomimus_bridge._runs.signals import DoneSignal
from sudomimus_bridge._service.answers import Fate, Refreshed, Unsent
from sudomimus_bridge._session.player_session import PlayerSession
from sudomimus_bridge._session.record import Record
from sudomimus_bridge._session.storage import Storage
from sudomimus_bridge._session.store import MemoryStore, Store
from sudomimus_bridge._values.clock import Clock
from sudomimus_bridge._values.errors import AccessTokenRefused, LoginDenied, ServiceUnavailable, SteamUnavailable
from sudomimus_bridge._values.events import Claims, ErrandResult, LoginResult, OnProgress, Phase, ProgressEvent
from sudomimus_bridge._values.player import Player
from sudomimus_bridge._values.secret import Secret

LIFETIME = 3600
BUSY_SECONDS = 60.0


def jwt(**body: Any) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none'})}.{part(body)}.c2lnbmF0dXJl"


@dataclass
class ModelService:
    """`Flows` on a model of the service. `plan` has the outcomes of the next refreshes, such as "lost"; after them, "ok"."""

    clock: Clock
    plan: list[str] = field(default_factory=list)
    lifetime: float | None = LIFETIME
    steam: bool = True
    without_steam: str = "SteamNotRunning"
    claims_missing: bool = False
    accepts_access: bool = True
    owes_an_errand: bool = True
    revoked: bool = False
    refreshes: int = 0
    logins: int = 0
    seen: list[str] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    serial: int = 0
    askers: list[tuple[DoneSignal | None, bool | None]] = field(default_factory=list)
    """The `done` and the `quietly` of each login and each share."""
    shared: list[Secret] = field(default_factory=list)
    on_refresh: Callable[[], None] = lambda: None
    request_seconds: float = 0.05
    name: str | None = "Robin"

    def result(self) -> LoginResult:
        self.serial += 1
        times = {} if self.lifetime is None else {"iat": 1_000_000, "exp": 1_000_000 + self.lifetime}
        access = Secret(jwt(sub="player", serial=self.serial, issued=self.clock.uptime().seconds, **times))
        return LoginResult("my-game", access, Secret(f"refresh-{self.serial}"), {"email": {"state": "GRANTED"}})

    async def login(
        self,
        method: Method,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> LoginResult:
        if not self.steam:
            raise SteamUnavailable("Steam gave no ticket.", reason=self.without_steam)
        self.logins += 1
        self.askers.append((done, quietly))
        if on_progress is not None:
            on_progress(ProgressEvent(Phase.ISSUING))
        await self.clock.sleep(0.1)
        return self.result()

    async def refresh(self, refresh_token: Secret, unsent: Unsent) -> Refreshed:
        fault = await self._met()
        while fault == "busy":
            async with unsent():
                await self.clock.sleep(BUSY_SECONDS)
            fault = await self._met()
        token = refresh_token.reveal()
        if fault == "unused":
            return Refreshed(Fate.UNUSED, error=ServiceUnavailable("The service is busy. Try again later."))
        if fault == "denied":
            return Refreshed(Fate.UNUSED, error=LoginDenied("This account is disabled.", reason="AccountDisabled"))
        if fault == "dead":
            return Refreshed(Fate.DEAD, error=LoginDenied("You were signed out.", reason="RefreshTokenRevoked"))
        if token in self.used:
            self.revoked = True
            return Refreshed(Fate.DEAD)
        if self.claims_missing:
            return Refreshed(Fate.CLAIMS, error=LoginDenied("A claim is missing.", reason="ClaimConsentRequired"))
        self.used.add(token)
        if fault == "lost":
            return Refreshed(Fate.UNKNOWN, error=ServiceUnavailable("The answer was lost."))
        return Refreshed(Fate.RENEWED, self.result())

    async def _met(self) -> str:
        self.refreshes += 1
        self.on_refresh()
        await self.clock.sleep(self.request_seconds)
        self.seen.append(fault := self.plan.pop(0) if self.plan else "ok")
        return fault

    async def share(
        self,
        access_token: Secret,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> ErrandResult:
        self.seen.append("share")
        self.askers.append((done, quietly))
        self.shared.append(access_token)
        if on_progress is not None:
            on_progress(ProgressEvent(Phase.ISSUING))
        if not self.accepts_access:
            raise AccessTokenRefused("The access token has expired.")
        if self.owes_an_errand:
            self.claims_missing = False
        return ErrandResult(self.owes_an_errand, {})

    async def logout(self, refresh_token: Secret) -> bool:
        self.seen.append("logout")
        fault = self.plan.pop(0) if self.plan else "ok"
        if fault == "unused":
            raise ServiceUnavailable("The service cannot be reached.")
        if fault == "dead":
            raise LoginDenied("The session has expired.", reason="RefreshTokenExpired")
        self.revoked = True
        return True

    async def player(self, access_token: Secret, claims: Claims) -> Player:
        self.seen.append("player")
        return Player("player", self.name, claims=claims)

    def session(self, *silent: str, disk: Store | None = None, patience: float = math.inf) -> PlayerSession:
        storage = Storage(self.clock, lambda: disk or MemoryStore(), patience=patience)
        session = PlayerSession(self, [METHODS[name]() for name in silent], storage)
        session.storage.stay_signed_in = disk is not None
        return session

    def record(self, method: str = "device") -> Record:
        return Record.of(self.result(), method, self.clock.uptime())
