"""The session of one player: hands out access tokens that are valid, and renews them before they are not.

What holds here, whatever happens: one renewal at a time among all who share the store; a refresh token is marked before it
is sent, so that after a crash it is not sent again; a new pair is stored before anyone gets it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from anyio import CancelScope

from .._login.methods import Method
from .._runs.done_signal import DoneSignal
from .._service.fate import Fate, Refreshed, Unsent
from .._values.clock import Clock
from .._values.errors import (
    AccessTokenRefused,
    BridgeError,
    ConfigurationError,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)
from .._values.events import Claims, ErrandResult, LoginResult, OnProgress
from .._values.player import Player
from .._values.secret import Secret
from .._values.uptime import Uptime
from .place import Place
from .receipt import STEAM, Receipt
from .record import Record
from .store import polled

PAUSE_SECONDS = 10.0
"""After a renewal that failed for the moment, who asks again within this time gets the same answer without a request."""

ADOPT_SECONDS = 30.0
"""How long a login that has its tokens waits for a process that is renewing, and may have been stopped in the midst of it."""

PROFILE_PAUSE_SECONDS = 60.0
"""After the service gave no profile, the callers within this time get the same answer without a request."""

SIGN_IN_AGAIN = "SignInAgain"
"""The reason of the `LoginDenied` that says: the player has to sign in, no renewal can help."""

NO_STEAM = {
    "SteamNotRunning",
    "HostHasNotInitialised",
    "LibraryNotFound",
    "LibraryNotLoaded",
    "LibraryTooOld",
    "NotASteamLibrary",
}
"""The reasons of a `SteamUnavailable` that say: nobody runs this game in Steam. The others leave open who does."""

_NOT_SHARED = "The game asks for something that you have not shared yet. Sign in again to decide."


@dataclass(frozen=True)
class Asker:
    """The caller that waits for an access token."""

    on_progress: OnProgress | None = None
    done: DoneSignal | None = None
    quietly: bool | None = None
    """Whether the caller forbids pages; None for what the setting says."""


_log = logging.getLogger(__name__)


class Flows(Protocol):
    """The flows that a session runs."""

    clock: Clock

    async def login(
        self,
        method: Method,
        on_progress: OnProgress | None = None,
        done: DoneSignal | None = None,
        quietly: bool | None = None,
    ) -> LoginResult:
        """A login that asks the player nothing, unless a claim is missing."""
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
        """`POST /refresh`, tried again where the token is surely unused, and once at once where the answer was lost."""
        ...

    async def logout(self, refresh_token: Secret) -> bool:
        """Revoke the session."""
        ...

    async def player(self, access_token: Secret, claims: Claims) -> Player:
        """The player behind an access token, as far as they can be known."""
        ...


class Keeper:
    """One session. All methods may be called from several tasks, threads and event loops at once."""

    def __init__(self, flows: Flows, silent: Iterable[Method], place: Place) -> None:
        """`silent`: the methods that need no player, and so can renew the session."""
        self._flows = flows
        self._silent = {method.name: method for method in silent}
        self.place = place
        self._confirmed = False
        self._logouts = 0
        self._outdated: Secret | None = None
        self._claims_since: Claims | None = None
        """What the errand told that made the access token outdated."""
        self._player: tuple[Secret, Uptime, Player] | None = None
        """Who was found last, with which access token, and when the service was asked."""
        self._asking = threading.Lock()
        self._paused: tuple[Uptime, BridgeError] | None = None

    async def adopt(self, record: Record) -> None:
        """Keep what a login brought, in memory where another process holds the disk for long: the login is over."""
        async with self.place.locked(ADOPT_SECONDS):
            await self.place.write(record)
        self._confirmed, self._paused = True, None

    def renew_by(self, method: Method) -> None:
        """Renew by this method from now on, if it needs no player: its credentials are at hand."""
        if method.silent:
            self._silent[method.name] = method

    async def record(self) -> Record | None:
        """What is known now, without any request."""
        await self.place.settle()
        return await self.place.read()

    async def holds(self, access: Secret) -> bool:
        """Whether that is the session's access token."""
        record = await self.record()
        return record is not None and record.access == access

    def outdated(self, access: Secret, claims: Claims | None = None) -> None:
        """That access token no longer says what the player has shared: the next one asked for is new.

        `claims` is what the errand that changed it told.
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
        """The signed-in player; None if nobody is, or if it is not yet clear who runs Steam now. Renews nothing.

        What the service said holds until there is another access token or an errand was done. If it said nothing, it is
        asked again after a pause.
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
        """An access token that is valid for that many seconds at least, renewed where need be.

        A token that does not say how long it lives is renewed each time. Raises `LoginDenied` (reason `SignInAgain`) where
        only the player can go on, `ConfigurationError` where no token lives that long, and what a renewal raises.
        """
        logouts, before = self._logouts, await self.record()
        if before is not None and self._usable(before, valid_for):
            return before.access
        async with self.place.locked():
            if self._logouts != logouts:
                raise sign_in_again("You have signed out. Sign in again to go on.")
            record = await self.place.read()
            fresh = record is not None and before is not None and record.access != before.access
            ageless = record is not None and record.lifetime is None and self._trusted(record)
            if record is not None and ((fresh and ageless) or self._usable(record, valid_for)):
                return record.access  # somebody else renewed it meanwhile
            renewed = await self._renewed(record, valid_for, Asker(on_progress, done, quietly))
            if renewed.lifetime is not None and not self._usable(renewed, valid_for):
                raise ServiceUnavailable("The service's answer took too long to be of use. Try again.")
            return renewed.access

    async def logout(self) -> bool:
        """Forget the session, and revoke it. True where the service confirmed; forgotten it is in any case."""
        async with self.place.locked():
            record = await self.place.read()
            await self.place.forget()
            self._logouts += 1
        self._confirmed = False
        if record is None or record.refresh is None or record.in_flight:
            return False
        try:
            return await self._flows.logout(record.refresh)
        except BridgeError as error:
            _log.warning("Signed out here. The service did not confirm it: %s", error.sentence)
            return False

    # --- renewing, under the lock ----------------------------------------------------------------------------------------

    def _usable(self, record: Record, valid_for: float) -> bool:
        left = record.seconds_left(self._flows.clock.uptime())
        if left > 0 and record.lifetime is not None and valid_for >= record.lifetime:
            raise ConfigurationError(
                f"Access tokens of {record.application} are valid for {record.lifetime:.0f} seconds, so none can be had "
                f"that is valid for {valid_for:.0f}. Ask for less.",
                reason="ValidForTooLong",
            )
        return self._trusted(record) and left > valid_for and record.access != self._outdated

    def _trusted(self, record: Record) -> bool:
        """Whoever runs Steam now is the player now: a session that Steam began in another process has to be confirmed."""
        return self._confirmed or record.method != STEAM or STEAM not in self._silent

    async def _renewed(self, record: Record | None, valid_for: float, asker: Asker) -> Record:
        if self._paused is not None:
            since = self._flows.clock.uptime().since(self._paused[0])
            if since is not None and since < PAUSE_SECONDS:
                raise self._paused[1].with_traceback(None)
        try:
            if STEAM in self._silent and (record is None or record.method == STEAM):
                return await self._by_steam(record, valid_for, asker)
            if record is None:
                raise sign_in_again(self._because("Nobody is signed in.") + " Sign in first.")
            return await self._by_refresh(record, asker)
        except ServiceUnavailable as error:
            self._paused = self._flows.clock.uptime(), error
            raise

    async def _by_steam(self, record: Record | None, valid_for: float, asker: Asker) -> Record:
        try:
            return await self._signed_in_silently(STEAM, asker)
        except SteamUnavailable as error:
            if record is None or not (self._confirmed or error.reason in NO_STEAM):
                raise
        self._confirmed = True  # without Steam, the last player to sign in is the player
        if self._usable(record, valid_for):
            return record
        return await self._by_refresh(record, asker)

    async def _signed_in_silently(self, method: str, asker: Asker) -> Record:
        listener = Receipt(self._flows.clock, asker.on_progress)
        result = await self._flows.login(self._silent[method], listener, asker.done, asker.quietly)
        renewed = listener.record(result, method)
        await self.place.write(renewed)
        self._confirmed = True
        return renewed

    async def _by_refresh(self, record: Record, asker: Asker) -> Record:
        try:
            return await self._refreshed(record, asker)
        except LoginDenied as error:
            if error.reason != SIGN_IN_AGAIN or record.method not in self._silent or record.method == STEAM:
                raise
        return await self._signed_in_silently(record.method, asker)

    async def _refreshed(self, record: Record, asker: Asker) -> Record:
        received = self._flows.clock.uptime()
        refreshed = await self._use_refresh_token(record, received)
        if refreshed.fate is Fate.CLAIMS:
            # A claim became required: the player shares it while the access token is valid, else signs in again.
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
        if record.in_flight:  # the process that sent it died before it had written down the answer
            await self.place.write(record.without_refresh())
        if record.in_flight or record.refresh is None:
            why = self._because("The last renewal of this sign-in was interrupted, and it cannot be renewed.")
            raise sign_in_again(f"{why} Sign in again.")
        await self._mark_sent(record)
        marked = True

        @asynccontextmanager
        async def unsent() -> AsyncIterator[None]:
            # Who quits the game, or kills it, while the service asks for patience, keeps a session that nothing happened to.
            nonlocal marked
            with CancelScope(shield=True):
                marked = not await self.place.write(record)
            yield
            with CancelScope(shield=True):
                marked = True
                await self._mark_sent(record)

        try:
            refreshed = await self._flows.refresh(record.refresh, unsent)
        except BaseException:  # cancelled in mid-request: nobody knows what became of the token
            if marked:
                with CancelScope(shield=True):
                    await self.place.write(record.without_refresh())
            raise
        with CancelScope(shield=True):
            if refreshed.result is not None:
                await self.place.write(record.renewed(refreshed.result, received))
            elif refreshed.fate is Fate.UNKNOWN:
                await self.place.write(record.without_refresh())
            elif refreshed.fate is Fate.DEAD:
                await self.place.forget()
            else:
                await self.place.write(record)
        return refreshed

    async def _mark_sent(self, record: Record) -> None:
        """Unmarked, another process may send the token as well."""
        if not await self.place.write(record.sent()):
            raise sign_in_again(f"{self._because('This sign-in cannot be renewed.')} Sign in again.")

    def _because(self, sentence: str) -> str:
        return f"{sentence} {self.place.problem}" if self.place.problem else sentence


def sign_in_again(sentence: str, detail: str | None = None) -> LoginDenied:
    """The error that says: only the player can go on. `detail` is the service's own reason, where there is one."""
    return LoginDenied(sentence, reason=SIGN_IN_AGAIN, detail=detail)
