"""The session of one player: it hands out access tokens that are valid, and renews them before they expire.

Three rules always hold. Only one of the processes that share the store renews at a time. A refresh token is marked on disk
before it is sent, so that no process sends it again after a crash. A new pair is stored before a caller gets it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from anyio import CancelScope

from .._login.methods import AccessKey, Method, Steam
from .._login.ports import Ports
from .._runs.finishing import Finishing
from .._runs.signals import DoneSignal
from .._service.answers import Fate, Refreshed
from .._values.clock import Uptime
from .._values.errors import (
    AccessTokenRefused,
    BridgeError,
    ConfigurationError,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from .._values.events import Claims, OnProgress
from .._values.player import Player
from .._values.secret import Secret
from .file_store import open_file_store, open_saved
from .flows import Flows, PortFlows
from .record import IssueTimer, Record
from .storage import Storage
from .store import StoreUnusable, polled

PAUSE_SECONDS = 10.0
"""How long callers get the same error, without a request, after a renewal failed because the service cannot be used."""

ADOPT_SECONDS = 30.0
"""How long a finished login waits for another process's renewal, which may be hung."""

FINISH_SECONDS = 1.5
"""How long a renewal goes on after its caller is cancelled: otherwise its refresh token might be lost.

It is shorter than the wait of `Bridge.close`."""

FINISH_FOR_OTHERS_SECONDS = 10.0
"""How long the renewal goes on if other callers of this process wait for it."""

PROFILE_PAUSE_SECONDS = 60.0
"""How long callers get the same answer, without a request, after the service gave no profile."""

SIGN_IN_AGAIN = "SignInAgain"
"""The reason of `LoginDenied` if the session cannot be renewed and the player has to sign in."""

NO_STEAM = {
    "SteamNotRunning",
    "HostHasNotInitialised",
    "LibraryNotFound",
    "LibraryNotLoaded",
    "LibraryTooOld",
    "NotASteamLibrary",
}
"""The reasons of `SteamUnavailable` that show that the game does not run under Steam. With any other reason, it may."""

_NOT_SHARED = "The game asks for something that you have not shared yet. Sign in again to decide."

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asker:
    """The caller that waits for an access token."""

    on_progress: OnProgress | None = None
    done: DoneSignal | None = None
    quietly: bool | None = None
    """Whether the caller forbids pages. None: the setting decides."""


def open_player_session(ports: Ports, *, by_steam: bool) -> PlayerSession:
    """The session of the player of these ports. It is kept in memory until the player chooses to stay signed in."""
    silent: list[Method] = [Steam()] if by_steam else []
    if (key := AccessKey()).at_hand:
        silent.append(key)
    settings = ports.settings
    disk, saved = partial(open_file_store, settings), partial(open_saved, settings)
    storage = Storage(ports.clock, disk, saved, settings.time_limit(patient=False))
    return PlayerSession(PortFlows(ports), silent, storage)


class PlayerSession:
    """One session. Tasks, threads and event loops may call all methods at the same time."""

    def __init__(self, flows: Flows, silent: Iterable[Method], storage: Storage) -> None:
        """`silent`: the methods that need no player, and so can renew the session."""
        self._flows = flows
        self._silent = {method.name: method for method in silent}
        self.storage = storage
        self._confirmed = False
        self._logouts = 0
        self._outdated: Secret | None = None
        self._claims_since: Claims | None = None
        """The claims that the last errand reported. This errand made the access token outdated."""
        self._player: tuple[Secret, Uptime, Player] | None = None
        """The last answer of `player`, with its access token and the moment when the service was asked."""
        self._asking = threading.Lock()
        self._waiting: set[object] = set()
        """One object for each caller that waits for a renewal."""
        self._token_unsent = False
        """Whether the renewal waits before another attempt and its refresh token is certainly unused."""
        self._paused: tuple[Uptime, BridgeError] | None = None

    async def adopt(self, record: Record, within: float = ADOPT_SECONDS) -> None:
        """Keep the tokens of a login. If another process holds the disk for longer than `within`, keep them in memory.

        `within` is what is left of the login's time, in seconds.
        """
        async with self.storage.locked(min(within, ADOPT_SECONDS)):
            await self.storage.write(record)
        self._confirmed, self._paused = True, None

    def renew_by(self, method: Method) -> None:
        """If the method is silent, renew with it from now on: it holds its credentials."""
        if method.silent:
            self._silent[method.name] = method

    async def record(self) -> Record | None:
        """The record as it is now. Sends no request."""
        await self.storage.settle()
        return await self.storage.read()

    async def holds(self, access: Secret) -> bool:
        """Whether this is the session's access token."""
        record = await self.record()
        return record is not None and record.access == access

    def outdated(self, access: Secret, claims: Claims | None = None) -> None:
        """Note that this token is outdated, because the player shares other claims now. The next call renews the session.

        `claims` is the block that the errand reported.
        """
        self._outdated, self._claims_since, self._player = access, claims, None

    async def claims(self) -> Claims | None:
        """The claims as the service last sent them; None if nobody is signed in."""
        record = await self.record()
        return None if record is None else self._claims_of(record)

    def _claims_of(self, record: Record) -> Claims:
        since = self._claims_since if record.access == self._outdated else None
        return record.claims if since is None else since

    async def player(self) -> Player | None:
        """The signed-in player; None if nobody is signed in, or if Steam has not yet confirmed who plays. Renews nothing.

        The session keeps the service's answer until it has another access token, or until the player has done an errand. If
        the service gave no profile, the session asks again after a pause.
        """
        async with polled(self._asking, self._flows.clock):
            record, now = await self.record(), self._flows.clock.uptime()
            if record is None or not self._trusted(record):
                return None
            if self._player is not None and self._player[0] == record.access:
                _, asked, player = self._player
                age = now.since(asked)
                if not player.shares_nothing_known or (age is not None and age < PROFILE_PAUSE_SECONDS):
                    return replace(player, claims=self._claims_of(record))
            player = await self._flows.player(record.access, self._claims_of(record))
            self._player = record.access, now, player
            return player

    async def access_token(
        self,
        valid_for: float,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> Secret:
        """An access token that is valid for `valid_for` seconds at least, renewed if need be.

        A token that does not say how long it lives is renewed on each call. Raises `LoginDenied` (reason `SignInAgain`) if
        the player has to sign in, `ConfigurationError` if no token lives that long, and the errors of a renewal.
        """
        logouts, before = self._logouts, await self.record()
        if before is not None and self._usable(before, valid_for):
            return before.access
        async with self._turn_to_renew():
            if self._logouts != logouts:
                raise sign_in_again("You have signed out. Sign in again to go on.")
            record = await self.storage.read()
            fresh = record is not None and before is not None and record.access != before.access
            ageless = record is not None and record.lifetime is None and self._trusted(record)
            if record is not None and ((fresh and ageless) or self._usable(record, valid_for)):
                return record.access  # another caller has renewed it meanwhile
            renewed = await self._renewed(record, valid_for, Asker(on_progress, done, quietly))
            if renewed.lifetime is not None and not self._usable(renewed, valid_for):
                raise ServiceUnavailable(
                    "The sign-in service took too long to answer. Try again.",
                    detail=f"The new token was valid for less than {valid_for:g} seconds when it arrived.",
                )
            return renewed.access

    async def logout(self) -> bool:
        """Forget the session and revoke it. False if the service did not confirm; the session is forgotten in either case."""
        async with self.storage.locked():
            record = await self.storage.read()
            await self.storage.forget()
            self._logouts += 1
        self._confirmed = False
        if record is None or record.refresh is None or record.in_flight:
            return False
        try:
            return await self._flows.logout(record.refresh)
        except BridgeError as error:
            _log.warning("The session is forgotten here. The service did not confirm its end: %s", error.sentence)
            return False

    @asynccontextmanager
    async def _turn_to_renew(self) -> AsyncIterator[None]:
        """Hold the lock. Until the caller has it, the caller counts as waiting."""
        me = object()
        self._waiting.add(me)
        try:
            async with self.storage.locked():
                self._waiting.discard(me)
                yield
        finally:
            self._waiting.discard(me)

    # --- renewing, under the lock ----------------------------------------------------------------------------------------

    def _usable(self, record: Record, valid_for: float) -> bool:
        left = record.seconds_left(self._flows.clock.uptime())
        if left > 0 and record.lifetime is not None and valid_for >= record.lifetime:
            raise ConfigurationError(
                reason="ValidForTooLong",
                detail=f"Access tokens of {record.application} live {record.lifetime:.0f} seconds, so none is valid for "
                f"{valid_for:.0f}. Pass a smaller valid_for.",
            )
        return self._trusted(record) and left > valid_for and record.access != self._outdated

    def _trusted(self, record: Record) -> bool:
        """Whether the session can be trusted. Not if another process began it by Steam: another user may be playing now."""
        return self._confirmed or record.method != Steam.name or Steam.name not in self._silent

    async def _renewed(self, record: Record | None, valid_for: float, asker: Asker) -> Record:
        if self._paused is not None:
            since = self._flows.clock.uptime().since(self._paused[0])
            if since is not None and since < PAUSE_SECONDS:
                raise self._paused[1].with_traceback(None)
        try:
            if Steam.name in self._silent and (record is None or record.method == Steam.name):
                return await self._by_steam(record, valid_for, asker)
            if record is None:
                raise self._not_renewable("Nobody is signed in.", "Sign in first.")
            return await self._by_refresh(record, asker)
        except ServiceUnavailable as error:
            if not self.storage.waited_in_vain:
                self._paused = self._flows.clock.uptime(), error
            raise

    async def _by_steam(self, record: Record | None, valid_for: float, asker: Asker) -> Record:
        try:
            return await self._signed_in_silently(Steam.name, asker)
        except SteamUnavailable as error:
            if record is None or not (self._confirmed or error.reason in NO_STEAM):
                raise
        self._confirmed = True  # without Steam, the player is the one who signed in last
        if self._usable(record, valid_for):
            return record
        return await self._by_refresh(record, asker)

    async def _signed_in_silently(self, method: str, asker: Asker) -> Record:
        timer = IssueTimer(self._flows.clock, asker.on_progress)
        result = await self._flows.login(self._silent[method], timer, asker.done, asker.quietly)
        renewed = timer.record(result, method)
        await self.storage.write(renewed)
        self._confirmed = True
        return renewed

    async def _by_refresh(self, record: Record, asker: Asker) -> Record:
        try:
            return await self._refreshed(record, asker)
        except LoginDenied as error:
            if error.reason != SIGN_IN_AGAIN or record.method not in self._silent or record.method == Steam.name:
                raise
        return await self._signed_in_silently(record.method, asker)

    async def _refreshed(self, record: Record, asker: Asker) -> Record:
        received = self._flows.clock.uptime()
        refreshed = await self._use_refresh_token(record, received)
        if refreshed.fate is Fate.CLAIMS:
            # A claim has become required. While the access token is valid, the player can share it. After that, the player has to
            # sign in again.
            if record.lifetime is not None and record.seconds_left(self._flows.clock.uptime()) <= 0:
                raise sign_in_again(_NOT_SHARED)
            try:
                await self._flows.share(record.access, asker.on_progress, asker.done, asker.quietly)
            except AccessTokenRefused:
                raise sign_in_again(_NOT_SHARED) from None
            received = self._flows.clock.uptime()
            refreshed = await self._use_refresh_token(record, received)
        if refreshed.result is not None:
            return record.renewed(refreshed.result, received)
        error = refreshed.error or sign_in_again("You are signed out. Sign in again.")
        denied = isinstance(error, LoginDenied) and refreshed.fate is not Fate.UNUSED
        if denied or (refreshed.fate is Fate.DEAD and not isinstance(error, ConfigurationError)):
            raise sign_in_again(error.sentence, error.reason)
        raise error

    async def _use_refresh_token(self, record: Record, received: Uptime) -> Refreshed:
        """Send the refresh token and store the outcome, also if the caller is cancelled meanwhile."""
        if record.in_flight:  # another process sent the token, and ended before it stored the answer
            await self.storage.write(record.without_refresh())
        if record.refresh is None and self.storage.waited_in_vain:
            raise _held_elsewhere(self.storage.trouble)
        if record.in_flight or record.refresh is None:
            raise self._not_renewable("The last renewal of this sign-in was interrupted, so it cannot be renewed.")
        return await Finishing(
            partial(self._send_and_store, record, record.refresh, received), self._finish_seconds
        ).run()

    def _finish_seconds(self) -> float:
        if self._token_unsent:
            return 0.0
        return FINISH_FOR_OTHERS_SECONDS if self._waiting else FINISH_SECONDS

    async def _send_and_store(self, record: Record, refresh_token: Secret, received: Uptime) -> Refreshed:
        await self._mark_sent(record)
        try:
            refreshed = await self._flows.refresh(refresh_token, partial(self._unmarked, record))
        except BaseException:  # cancelled during the request, so the token may have been used
            if not self._token_unsent:
                with CancelScope(shield=True):
                    await self.storage.write(record.without_refresh())
            raise
        finally:
            self._token_unsent = False
        with CancelScope(shield=True):
            if refreshed.result is not None:
                await self.storage.write(record.renewed(refreshed.result, received))
            elif refreshed.fate is Fate.UNKNOWN:
                await self.storage.write(record.without_refresh())
            elif refreshed.fate is Fate.DEAD:
                await self.storage.forget()
            else:
                await self.storage.write(record)
        return refreshed

    @asynccontextmanager
    async def _unmarked(self, record: Record) -> AsyncIterator[None]:
        """Remove the token's mark while the flow waits before another attempt. If the game ends then, it keeps the session."""
        with CancelScope(shield=True):
            self._token_unsent = await self.storage.write(record)
        yield
        with CancelScope(shield=True):
            self._token_unsent = False
            await self._mark_sent(record)

    async def _mark_sent(self, record: Record) -> None:
        """Mark the token as sent: without the mark, another process may send it as well."""
        if not await self.storage.write(record.sent()):
            raise self._not_renewable("This sign-in cannot be renewed on this computer.")

    def _not_renewable(self, sentence: str, advice: str = "Sign in again.") -> LoginDenied:
        trouble = self.storage.trouble
        return sign_in_again(f"{sentence} {advice}", trouble.detail if trouble is not None else None)


def sign_in_again(sentence: str, detail: str | None = None) -> LoginDenied:
    """The error if the player has to sign in. `detail`: the service's reason, or the detail of a store that failed."""
    return LoginDenied(sentence, reason=SIGN_IN_AGAIN, detail=detail)


def _held_elsewhere(trouble: StoreUnusable | None) -> ServiceUnavailable:
    """The error if another process keeps the saved session to itself. It holds the only usable refresh token."""
    return ServiceUnavailable(
        "Another program is still renewing this sign-in. Try again in a few minutes.",
        reason="TimedOut",
        detail=f"{trouble.detail if trouble is not None else ''} The setting timeout limits this wait.".strip(),
    )
