"""A session put together: the flows that renew it, the logins that need no player, and where it is kept."""

from __future__ import annotations

from contextlib import nullcontext

from .._login.errand import share
from .._login.methods import AccessKey, Method, Steam
from .._login.ports import Ports
from .._login.profile import find_player
from .._login.renewal import logout, refresh
from .._login.sign_in import sign_in
from .._runs.done_signal import DoneSignal
from .._service.fate import Refreshed, Unsent
from .._values.clock import Clock
from .._values.events import Claims, ErrandResult, LoginResult, OnProgress
from .._values.player import Player
from .._values.secret import Secret
from .file_store import FileStore, session_folder
from .keeper import Keeper
from .place import Place
from .protection import ProtectionFailed, best_protection
from .store import Store, StoreUnusable


def open_keeper(ports: Ports, *, by_steam: bool) -> Keeper:
    """The session of the player of these ports. It is kept in memory, until the player stays signed in."""
    silent: list[Method] = [Steam()] if by_steam else []
    if (key := AccessKey()).at_hand:
        silent.append(key)
    flows = PortFlows(ports)
    return Keeper(flows, silent, Place(ports.clock, flows.open_disk))


class PortFlows:
    """Implements `keeper.Flows` on the ports of a bridge."""

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
        """Sign in by a method that needs no player."""
        return await sign_in(method, self._ports.adjusted(quietly=quietly, patient=False), on_progress, done)

    async def share(
        self,
        access_token: Secret,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> ErrandResult:
        """The proactive errand."""
        return await share(access_token, self._ports.adjusted(quietly=quietly), on_progress, done)

    async def refresh(self, refresh_token: Secret, unsent: Unsent = nullcontext) -> Refreshed:
        """Use the refresh token."""
        return await refresh(refresh_token, self._ports, unsent)

    async def logout(self, refresh_token: Secret) -> bool:
        """Revoke the session."""
        return await logout(refresh_token, self._ports)

    async def player(self, access_token: Secret, claims: Claims) -> Player:
        """The player behind an access token, as far as they can be known."""
        return await find_player(access_token, self._ports, claims)

    def open_disk(self) -> Store:
        """The store on disk, opened when the player stays signed in. It may block. Raises `StoreUnusable`."""
        settings = self._ports.settings
        application, url = settings.application, settings.session_url
        if not application:  # a login through the browser needs none
            raise StoreUnusable(
                "This sign-in cannot be kept, for no application is set (--application). It lasts until the program ends."
            )
        folder = settings.session_folder or session_folder()
        try:
            protection = best_protection(f"{application} {url}")
        except ProtectionFailed as failed:
            raise StoreUnusable(failed.sentence, for_good=failed.for_good) from None
        return FileStore(folder, application, url, protection)
