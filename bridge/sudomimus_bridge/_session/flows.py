"""The flows that a session runs, as one object: on a bridge's ports, or in a test on a model of the service."""

from __future__ import annotations

from typing import Protocol

from .._login.errand import share
from .._login.methods import Method
from .._login.ports import Ports
from .._login.profile import find_player
from .._login.renewal import logout, refresh
from .._login.sign_in import sign_in
from .._runs.signals import DoneSignal
from .._service.answers import Refreshed, Unsent
from .._values.clock import Clock
from .._values.events import Claims, ErrandResult, LoginResult, OnProgress
from .._values.player import Player
from .._values.secret import Secret


class Flows(Protocol):
    """The flows that a session starts."""

    clock: Clock

    async def login(
        self,
        method: Method,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> LoginResult:
        """Sign in by a silent method. The player has to act only if a claim is missing."""
        ...

    async def share(
        self,
        access_token: Secret,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> ErrandResult:
        """The proactive errand."""
        ...

    async def refresh(self, refresh_token: Secret, unsent: Unsent) -> Refreshed:
        """Use a refresh token. See `renewal.refresh`."""
        ...

    async def logout(self, refresh_token: Secret) -> bool:
        """Revoke the session at the service."""
        ...

    async def player(self, access_token: Secret, claims: Claims) -> Player:
        """The player behind an access token, with the members that are known. Raises no error."""
        ...


class PortFlows:
    """`Flows` on the ports of a bridge."""

    def __init__(self, ports: Ports) -> None:
        self.clock: Clock = ports.clock
        self._ports = ports

    async def login(
        self,
        method: Method,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> LoginResult:
        return await sign_in(method, self._ports.adjusted(quietly=quietly, patient=False), on_progress, done)

    async def share(
        self,
        access_token: Secret,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> ErrandResult:
        return await share(access_token, self._ports.adjusted(quietly=quietly), on_progress, done)

    async def refresh(self, refresh_token: Secret, unsent: Unsent) -> Refreshed:
        return await refresh(refresh_token, self._ports, unsent)

    async def logout(self, refresh_token: Secret) -> bool:
        return await logout(refresh_token, self._ports)

    async def player(self, access_token: Secret, claims: Claims) -> Player:
        return await find_player(access_token, self._ports, claims)
