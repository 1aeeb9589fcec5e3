"""What the store module `sudomimus` stands on: one door for the whole process, which starts logins and knows how they stand.

Everything with a thread or a secret is here and never in Ren'Py's store, which is pickled into saves and rolled back. The
module stays in `sys.modules` when Ren'Py reloads the script, so a login outlives a reload. Nothing here imports Ren'Py,
and all methods but the QR code's thread run on Ren'Py's main thread.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .._program.bridge import Bridge
from .._runs.running import Running
from .._values.errors import BridgeError
from .._values.events import ErrandHandoff, ErrandResult, LoginResult, Phase, ProgressEvent
from .._values.secret import Secret, redact
from .host import LateSteam, hosting_achievement
from .leaving import Leaving
from .pictures import qr_code_png
from .player import Player, player_of
from .renewal import Renewal
from .sentences import for_makers, for_player
from .settings import settings_of_game

Status = Literal["signed-out", "signing-in", "waiting-for-browser", "signed-in", "failed"]

PAGE_SECONDS = 30 * 60
"""An errand lives 30 minutes (native.yaml, `ErrandHandoff`), counted here from when it was first seen."""

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class _Task:
    """What runs now, what the status is while no page is waited for, and what its end does."""

    running: Running[Any]
    status: Status
    succeeded: Callable[[Any], None]
    failed: Callable[[str], None]


class _Page:
    """The page that the player is sent to. Its QR code is drawn on a thread, for that takes longer than a frame."""

    def __init__(self, errand: ErrandHandoff, qr_pixels: int) -> None:
        self.errand = errand
        self._qr_pixels = qr_pixels
        self.until = time.monotonic() + PAGE_SECONDS
        self.opened = False
        self.copied = False
        self.qr_code: bytes | None = None
        threading.Thread(target=self._draw, name="sudomimus-bridge QR code", daemon=True).start()

    def _draw(self) -> None:
        try:
            self.qr_code = qr_code_png(self.errand.page, self._qr_pixels)
        except Exception as error:  # noqa: BLE001 - the page's address is shown all the same
            _log.warning("no QR code: %s", type(error).__name__)


class Door:
    """Signs the player in and knows how that stands. `tick` moves it on, a few times a second."""

    def __init__(self, **ports: Any) -> None:
        """`ports` replace the bridge's own, for tests."""
        self.status: Status = "signed-out"
        self.error: str | None = None
        self.player: Player | None = None
        self.shared: bool | None = None
        """How the last `share` ended: False where it did not; None while it runs."""
        self.qr_pixels = 240
        """How wide the next page's QR code is to be."""
        self.log: Callable[[str], None] = _log.warning
        """Where the game's makers read why a sign-in failed: Ren'Py's log.txt."""
        self._ports = ports
        self._bridge: Bridge | None = None
        self._steam: LateSteam | None = None
        self._built_for: tuple[Any, ...] | None = None
        self._task: _Task | None = None
        self._token: Secret | None = None
        self._renewal = Renewal()
        self._leaving: list[Leaving] = []
        self._page: _Page | None = None
        self._waiting = False
        self._shown: tuple[Any, ...] = ()

    def __reduce__(self) -> tuple[Callable[[], Door], tuple[()]]:
        return the_door, ()  # a save that reaches it holds its name, and nothing of what it knows

    # --- what a game asks for --------------------------------------------------------------------------------------------

    def login(self, given: Mapping[str, Any]) -> None:
        """Start to sign in, with the settings among the names of `given`. Nothing while something runs."""
        if self._task is not None:
            return
        self._forget()
        try:
            running = self._bridge_for(given).start_login(on_progress=self._heard)
        except BridgeError as error:
            self._login_failed(self._said(error))
        else:
            self._begin(_Task(running, "signing-in", self._signed_in, self._login_failed))

    def share(self) -> None:
        """Let the player share more: the proactive errand. Nothing while something runs."""
        if self._task is not None:
            return
        self.error, self.shared = None, None
        if self._bridge is None or self._token is None:
            self._share_failed("Sign in first: only a player who is signed in can share something.")
            return
        running = self._bridge.start_share(self._token.reveal(), on_progress=self._heard)
        self._begin(_Task(running, "signed-in", self._share_ended, self._share_failed))

    def done(self) -> None:
        """The player says: done in the browser."""
        if self._task is not None:
            self._task.running.done()

    def cancel(self) -> None:
        """Never mind: what runs is given up, its ticket cancelled. Who is signed in stays it."""
        if self._task is not None:
            self._task.running.cancel()
            self._end()
            self.shared = False

    def logout(self) -> None:
        """Forget the player and the tokens, and have the service end the session."""
        self.cancel()
        if self._bridge is not None and self._token is not None:
            leaving = Leaving(self._bridge, self._renewal.stop())
            if not leaving.step():
                self._leaving.append(leaving)
            self._bridge = self._steam = self._built_for = None  # the next login has nothing to do with this one
        self._forget()

    def errand_url(self) -> str | None:
        """The address of the page that is waited for: a secret, for this player alone."""
        return self._page.errand.url if self._page is not None and self._waiting else None

    def access_token(self) -> str | None:
        """The access token, for the game's own requests: a secret. Keep it out of the store."""
        return self._token.reveal() if self._token is not None else None

    # --- what the screens show -------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a login or a share runs."""
        return self._task is not None

    @property
    def browser_opened(self) -> bool:
        """Whether the page was opened in the player's browser; else the player has to."""
        return self._page is not None and self._page.opened

    @property
    def address_copied(self) -> bool:
        """Whether this page's address, and not an earlier one's, was copied."""
        return self._page is not None and self._page.copied

    def copied(self) -> None:
        """The player has the page's address on the clipboard."""
        if self._page is not None:
            self._page.copied = True

    @property
    def qr_code(self) -> bytes | None:
        """The page's QR code as a PNG, once it is drawn."""
        return self._page.qr_code if self._page is not None and self._waiting else None

    def seconds_left(self) -> int | None:
        """How long the page will do, about."""
        if self._page is None or not self._waiting:
            return None
        return max(0, round(self._page.until - time.monotonic()))

    # --- how it moves on -------------------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Look at what runs, without ever blocking. Whether anything changed that a screen shows."""
        if self._steam is not None:
            self._steam.listen_again()
        if (task := self._task) is not None:
            try:
                result = task.running.poll()
            except BridgeError as error:
                self._end()
                task.failed(self._said(error))
            except Exception as error:  # noqa: BLE001 - a bug of the bridge must not take the game with it
                _log.error("the login failed unexpectedly: %s", redact(f"{type(error).__name__}: {error}"))
                self._end()
                task.failed(
                    f"Something went wrong inside the sign-in ({type(error).__name__}). Please tell the game's makers."
                )
            else:
                if result is not None:
                    self._end()
                    task.succeeded(result)
        self._renew_in_time()
        self._leaving = [leaving for leaving in self._leaving if not leaving.step()]
        shown = (
            self.status,
            self.error,
            self.player,
            self.shared,
            self._page,
            self.browser_opened,
            self.qr_code is None,
        )
        changed, self._shown = shown != self._shown, shown
        return changed

    def close(self) -> None:
        """The game ends: give up what runs, its ticket cancelled, and let go of Steam."""
        self.cancel()
        while self._leaving:
            self._leaving.pop().finish()
        if self._bridge is not None:
            self._bridge.close()

    def _begin(self, task: _Task) -> None:
        self._task = task
        self.status = task.status

    def _end(self) -> None:
        self._task, self._page, self._waiting = None, None, False
        self.status = "signed-out" if self._token is None else "signed-in"

    def _forget(self) -> None:
        self._token, self.player, self.error, self.shared = None, None, None, None
        self._renewal.stop()
        self.status = "signed-out"

    def _heard(self, event: ProgressEvent) -> None:
        self._waiting = event.phase is Phase.WAITING_FOR_BROWSER
        if self._waiting and event.errand is not None:
            if self._page is None or self._page.errand.errand_key != event.errand.errand_key:
                self._page = _Page(event.errand, self.qr_pixels)
            self._page.opened = bool(event.browser_opened)
        if self._task is not None:
            self.status = "waiting-for-browser" if self._waiting else self._task.status

    def _signed_in(self, result: LoginResult) -> None:
        self._holds(result.access, result.claims)
        self.status = "signed-in"

    def _holds(self, access: Secret, claims: Mapping[str, Any]) -> None:
        self._token, self.player = access, player_of(access, claims)
        self._renewal.of(access)

    def _renew_in_time(self) -> None:
        if self._bridge is not None and (access := self._renewal.step(self._bridge)) is not None:
            self._holds(access, self.player.claims if self.player is not None else {})

    def _said(self, error: BridgeError) -> str:
        self.log(for_makers(error))
        return for_player(error)

    def _login_failed(self, sentence: str) -> None:
        self.status, self.error = "failed", sentence

    def _share_ended(self, result: ErrandResult) -> None:
        if not result.completed or self._bridge is None:
            self.shared = True
            return
        # What the player shared stands in tokens that are issued from now on (native-create-errand).
        running = self._bridge.start_login(on_progress=self._heard)
        self._begin(_Task(running, "signed-in", self._renewed, self._not_renewed))

    def _renewed(self, result: LoginResult) -> None:
        self._signed_in(result)
        self.shared = True

    def _not_renewed(self, sentence: str) -> None:
        _log.warning("shared, but the player's new data could not be fetched yet: %s", sentence)
        self.shared = True

    def _share_failed(self, sentence: str) -> None:
        self.shared, self.error = False, sentence

    def _bridge_for(self, given: Mapping[str, Any]) -> Bridge:
        """The bridge for these settings and for whoever runs Steam. Another one only where either has changed."""
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
    """The one door of this process."""
    return _door


atexit.register(_door.close)
