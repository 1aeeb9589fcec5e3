"""The door of a Ren'Py game: it starts logins and knows their state. The store module `sudomimus` asks it.

Threads and secrets are kept here and never in Ren'Py's store, which Ren'Py pickles into saves and rolls back. The module stays
in `sys.modules` when Ren'Py reloads the script, so a login outlives a reload. Nothing here imports Ren'Py, and every method
runs on Ren'Py's main thread.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

from .._program.bridge import Bridge
from .._runs.running import Running
from .._values.errors import BridgeError, ServiceUnavailable
from .._values.events import ErrandResult, LoginResult, Phase, ProgressEvent
from .._values.player import Player
from .._values.secret import Secret, redact
from .._values.token import read_token
from .background import Renewal, SigningOut
from .host import LateSteam, hosting_achievement, settings_of_game
from .page import Page
from .texts import BUG, POSTPONED, SIGN_IN_FIRST, SIGNED_IN_LATER, for_makers, for_player, general_sentence

Status = Literal["signed-out", "signing-in", "waiting-for-browser", "signed-in", "failed", "postponed"]

PROFILE_SECONDS = 2.0
"""How long the game waits for the player's name at the end of a sign-in. A later name is put into `player` when it comes."""

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class _Task:
    """The current flow. `status` applies while it does not wait for a page; at its end `succeeded` or `failed` is called."""

    running: Running[Any]
    status: Status
    succeeded: Callable[[Any], None]
    failed: Callable[[str, str], None]
    until: float | None = None
    """When the game stops waiting for it, on `time.monotonic`; it then goes on behind the game."""


class Door:
    """Signs the player in, and knows the state of the sign-in. The game calls `tick` a few times a second."""

    supported = True
    missing = None
    prepared = False

    def __init__(self, **ports: Any) -> None:
        """`ports` replace the bridge's own, in tests."""
        self.status: Status = "signed-out"
        self.error: str | None = None
        """The sentence for the player, in English."""
        self.general_error: str | None = None
        """The sentence of the error's group, which has translations."""
        self.player: Player | None = None
        self.shared: bool | None = None
        """Whether the last `share` succeeded; None while it runs."""
        self.qr_pixels = 240
        """The width of the next page's QR code."""
        self.log: Callable[[str], None] = _log.warning
        """Writes a line for the game's makers into Ren'Py's log.txt."""
        self._ports = ports
        self._bridge: Bridge | None = None
        self._steam: LateSteam | None = None
        self._built_for: tuple[Any, ...] | None = None
        self._task: _Task | None = None
        self._postponed: Running[LoginResult] | None = None
        """The postponed login: it runs in the background, patient and quiet."""
        self._late_profile: Running[Player | None] | None = None
        """The question for the player's name, if the game no longer waits for it."""
        self._unusable = False
        """Whether the service was busy or could not be reached, so that the last login failed or retries."""
        self._notice: str | None = None
        self._token: Secret | None = None
        self._renewal = Renewal()
        self._signing_out: list[SigningOut] = []
        self._page: Page | None = None
        self._waiting = False
        self._sharing = False
        """Whether the current flow fetches the claims that the player has shared."""
        self._shown: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Callable[[], Door], tuple[()]]:
        return the_door, ()  # a save that refers to the door contains only this reference

    # --- what a game calls -----------------------------------------------------------------------------------------------

    def prepare(self, given: Mapping[str, Any]) -> None:
        """Import what a login needs, on another thread, while the game shows its splash screen. Once in a process."""
        if not self.prepared:
            self.prepared = True
            with suppress(BridgeError):  # the login reports the error
                self._bridge_for(given).start_prepare()

    def login(self, given: Mapping[str, Any]) -> None:
        """Start to sign in, with the settings among the names of `given`. Does nothing while a login or a share runs."""
        if self._task is not None:
            return
        self._stop_postponed()
        self._forget()
        try:
            running = self._bridge_for(given).start_login(on_progress=self._heard)
        except BridgeError as error:
            self._login_failed(*self._said(error))
        else:
            self._begin(_Task(running, "signing-in", self._signed_in, self._login_failed))

    def play_offline(self, given: Mapping[str, Any]) -> None:
        """Let the player play offline: cancel the running login or share.

        If the service was busy or could not be reached, a login in the background goes on until the player is signed in. It
        opens no page.
        """
        postpone = self._unusable and self._token is None
        self.cancel()
        if not postpone:
            return
        try:
            self._postponed = self._bridge_for(given)._start_postponed_login()
        except BridgeError as error:
            self._login_failed(*self._said(error))
        else:
            self.status, self.error, self.general_error = "postponed", None, None
            self._notice = POSTPONED

    def take_notice(self) -> str | None:
        """The sentence that tells the player about a change of a postponed login. Each is returned once."""
        notice, self._notice = self._notice, None
        return notice

    def share(self) -> None:
        """Start the proactive errand, in which the player may share more. Does nothing while a login or a share runs."""
        if self._task is not None:
            return
        self.error, self.general_error, self.shared = None, None, None
        if self._bridge is None or self._token is None:
            self._share_failed(SIGN_IN_FIRST, SIGN_IN_FIRST)
            return
        running = self._bridge.start_share(self._token.reveal(), on_progress=self._heard)
        self._begin(_Task(running, "signed-in", self._share_ended, self._share_failed))

    def done(self) -> None:
        """Report that the player is done in the browser."""
        if self._task is not None:
            self._task.running.done()

    def cancel(self) -> None:
        """Cancel the running login or share, and its ticket. A signed-in player stays signed in."""
        self._stop_postponed()
        if self._task is not None:
            self._task.running.cancel()
            self._end()
            self.shared, self._sharing = False, False

    def logout(self) -> None:
        """Forget the player and the tokens, and end the session in the background."""
        self.cancel()
        if self._bridge is not None and self._token is not None:
            signing_out = SigningOut(self._bridge, self._renewal.stop())
            if not signing_out.step():
                self._signing_out.append(signing_out)
            self._bridge = self._steam = self._built_for = None  # the next login gets a bridge of its own
        self._forget()

    def errand_url(self) -> str | None:
        """The address of the page that the sign-in waits for. It is a secret, for this player only."""
        return self._page.errand.url if self._page is not None and self._waiting else None

    def access_token(self) -> str | None:
        """The access token, for the game's own requests. It is a secret, and must not be put into the store."""
        return self._token.reveal() if self._token is not None else None

    # --- what the screens show -------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a login or a share runs."""
        return self._task is not None

    @property
    def browser_opened(self) -> bool:
        """Whether the player's browser opened the page. If not, the player has to open it."""
        return self._page is not None and self._page.opened

    @property
    def address_copied(self) -> bool:
        """Whether the player has copied this page's address."""
        return self._page is not None and self._page.copied

    def copied(self) -> None:
        """Record that the player has copied the page's address."""
        if self._page is not None:
            self._page.copied = True

    @property
    def qr_code(self) -> bytes | None:
        """The page's QR code as a PNG, once it is drawn."""
        return self._page.qr_code if self._page is not None and self._waiting else None

    def seconds_left(self) -> int | None:
        """The approximate number of seconds for which the page is valid."""
        if self._page is None or not self._waiting:
            return None
        return max(0, round(self._page.until - time.monotonic()))

    # --- what happens at each tick ---------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Poll the running flow, without blocking. Returns True if something that a screen shows has changed."""
        if self._steam is not None:
            self._steam.listen_again()
        if (task := self._task) is not None:
            self._poll(task)
        elif self._postponed is not None:
            self._poll_postponed(self._postponed)
        self._renew_in_time()
        self._signing_out = [signing_out for signing_out in self._signing_out if not signing_out.step()]
        self._poll_late_profile()
        page = self._page
        shown = (self.status, self.error, self.player, self.shared, page, self.browser_opened, self.qr_code is None)
        changed, self._shown = shown != self._shown, shown
        return changed

    def _poll(self, task: _Task) -> None:
        ended = task.running.ended  # read before `poll`, which could miss a result that arrives between the two
        if task.until is not None and not ended and time.monotonic() > task.until:
            self._end()
            self._late_profile = task.running
            task.succeeded(None)
            return
        try:
            result = task.running.poll()
        except BridgeError as error:
            self._end()
            self._unusable = isinstance(error, ServiceUnavailable)
            task.failed(*self._said(error))
        except Exception as error:  # noqa: BLE001 - a bug of the bridge must not end the game
            self.log(f"the sign-in failed unexpectedly: {redact(f'{type(error).__name__}: {error}')}")
            self._end()
            task.failed(BUG, BUG)
        else:
            if result is not None or ended:
                self._end()
                task.succeeded(result)

    def _poll_postponed(self, running: Running[LoginResult]) -> None:
        try:
            result = running.poll()
        except BridgeError as error:
            self._postponed = None
            self._login_failed(*self._said(error))
        except Exception as error:  # noqa: BLE001 - a bug of the bridge must not end the game
            self.log(f"the postponed sign-in failed unexpectedly: {redact(f'{type(error).__name__}: {error}')}")
            self._postponed = None
            self._login_failed(BUG, BUG)
        else:
            if result is not None:
                self._postponed = None
                self._notice = SIGNED_IN_LATER
                self._signed_in(result, "postponed")

    def _poll_late_profile(self) -> None:
        if (running := self._late_profile) is not None and running.ended:
            self._late_profile = None
            with suppress(BridgeError):
                self._player_known(running.poll())

    def _stop_late_profile(self) -> None:
        if self._late_profile is not None:
            self._late_profile.cancel()
            self._late_profile = None

    def _stop_postponed(self) -> None:
        if self._postponed is not None:
            self._postponed.cancel()
            self._postponed = None
            self.status = "signed-out"

    def close(self) -> None:
        """At the end of the game, cancel the running flow and its ticket, and release Steam."""
        self.cancel()
        self._stop_late_profile()
        while self._signing_out:
            self._signing_out.pop().finish()
        if self._bridge is not None:
            self._bridge.close()

    def _begin(self, task: _Task) -> None:
        self._task = task
        self.status = task.status

    def _end(self) -> None:
        self._task, self._page, self._waiting = None, None, False
        self.status = "signed-out" if self._token is None else "signed-in"

    def _forget(self) -> None:
        self._token, self.player, self.error, self.general_error, self.shared = None, None, None, None, None
        self._renewal.stop()
        self._stop_late_profile()
        self._unusable = False
        self.status = "signed-out"

    def _heard(self, event: ProgressEvent) -> None:
        self._waiting = event.phase is Phase.WAITING_FOR_BROWSER
        self._unusable = self._unusable or event.phase is Phase.RETRYING
        if self._waiting and event.errand is not None:
            if self._page is None or self._page.errand.errand_key != event.errand.errand_key:
                self._page = Page(event.errand, self.qr_pixels)
            self._page.opened = bool(event.browser_opened)
        if self._task is not None:
            self.status = "waiting-for-browser" if self._waiting else self._task.status

    def _signed_in(self, result: LoginResult, status: Status = "signing-in") -> None:
        self._unusable = False
        self._hold(result.access)
        self.player = Player(read_token(result.access).subject, claims=result.claims)
        self._ask_for_player(status)

    def _ask_for_player(self, status: Status) -> None:
        """Ask the service for the player's name and address. The player is signed in even if this fails."""
        self._stop_late_profile()
        if self._bridge is not None:
            running = self._bridge.session(stay_signed_in=False).start_player()
            until = time.monotonic() + PROFILE_SECONDS
            self._begin(_Task(running, status, self._player_known, self._player_unknown, until))

    def _player_known(self, player: Player | None) -> None:
        self.player = player or self.player
        self.shared = True if self._sharing else self.shared
        self._sharing = False

    def _player_unknown(self, _sentence: str, _general: str) -> None:
        self._player_known(None)  # log.txt has the reason

    def _hold(self, access: Secret) -> None:
        self._token = access
        self._renewal.of(access)

    def _renew_in_time(self) -> None:
        if self._bridge is not None and (access := self._renewal.step(self._bridge)) is not None:
            self._hold(access)

    def _said(self, error: BridgeError) -> tuple[str, str]:
        self.log(for_makers(error))
        return for_player(error), general_sentence(error)

    def _login_failed(self, sentence: str, general: str) -> None:
        self.status, self.error, self.general_error = "failed", sentence, general

    def _share_ended(self, result: ErrandResult) -> None:
        if not result.completed or self._bridge is None:
            self.shared = True
            return
        # Only new tokens contain what the player has just shared (docs/contracts/service.md).
        self._sharing = True
        running = self._bridge.start_login(on_progress=self._heard)
        self._begin(_Task(running, "signed-in", self._shared_data_fetched, self._shared_data_missing))

    def _shared_data_fetched(self, result: LoginResult) -> None:
        self._hold(result.access)
        self._ask_for_player("signed-in")

    def _shared_data_missing(self, sentence: str, _general: str) -> None:
        self.log(f"the player shared, but the new data could not be fetched yet: {sentence}")
        self._player_known(None)

    def _share_failed(self, sentence: str, general: str) -> None:
        self.shared, self.error, self.general_error = False, sentence, general

    def _bridge_for(self, given: Mapping[str, Any]) -> Bridge:
        """The bridge for these settings and this Steam. A new one is made only if either has changed."""
        achievement = hosting_achievement()
        built_for = (settings_of_game(given, hosted=achievement is not None), achievement)
        if self._bridge is None or self._built_for != built_for:
            if self._bridge is not None:
                self._bridge.close(0)
            self._steam = LateSteam(achievement) if achievement is not None else None
            self._bridge = Bridge(**{"steam": self._steam} | self._ports, **vars(built_for[0]))
            self._built_for = built_for
        return self._bridge


_door = Door()


def the_door() -> Door:
    """The only door of this process."""
    return _door


atexit.register(_door.close)
