"""The sign-in of this game: one `poll()` each frame, and a status for the screen. Draws nothing."""

from __future__ import annotations

import time

from sudomimus_bridge import (
    Bridge,
    BridgeError,
    ErrandResult,
    LoginCancelled,
    LoginResult,
    Phase,
    Player,
    ProgressEvent,
    Running,
    ServiceUnavailable,
)

ERRAND_SECONDS = 30 * 60

SAYING = {
    Phase.REQUESTING_TICKET: "asking Steam for a ticket",
    Phase.ISSUING: "asking the harbour office",
    Phase.RETRYING: "the harbour office is busy: trying again",
    Phase.ERRAND_REQUIRED: "opening a page in your browser",
    Phase.WAITING_FOR_BROWSER: "waiting for your browser",
    Phase.ERRAND_COMPLETED: "back from the browser",
    Phase.SUCCEEDED: "done",
}


class SignIn:
    """The sign-in. `status` is signed-out, signing-in, waiting-for-browser, signed-in, failed or postponed.

    If the service is busy or cannot be reached, the sign-in is postponed: the player plays offline while a patient login runs in
    the background. That login opens no page.
    """

    def __init__(self, bridge: Bridge, *, stay_signed_in: bool = False) -> None:
        self.status = "signed-out"
        self.saying = ""
        self.error: str | None = None
        self.name: str | None = None
        self.page: str | None = None
        """The errand's page while the login waits for it. It is a secret: show it to this player only."""
        self.page_opened = False
        self._page_until = 0.0
        self._bridge = bridge
        self._session = bridge.session(stay_signed_in)
        self._stay_signed_in = stay_signed_in
        self._running: Running[LoginResult] | Running[str] | Running[ErrandResult] | None = None
        self._signed_in = False
        self._asking_who: Running[Player | None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a login or a share runs."""
        return self._running is not None and self.status != "postponed"

    @property
    def over(self) -> bool:
        """Whether the sign-in has ended, with or without success, and the request for the player's name, too."""
        return not self.busy and self._asking_who is None and self.status in ("signed-in", "failed")

    @property
    def minutes_left(self) -> float:
        """Return the minutes for which the page is still valid."""
        return max(0.0, self._page_until - time.monotonic()) / 60

    def start(self) -> None:
        """Sign in, or sign in again."""
        if not self.busy:
            if self._running is not None:
                self._running.cancel()  # a postponed sign-in; the player does not want to wait for its next attempt
            self.status, self.error, self.saying = "signing-in", None, "starting"
            # The session returns its token if the player is still signed in. Otherwise it starts a login.
            start = self._session.start_access_token if self._stay_signed_in else self._bridge.start_login
            self._running = start(on_progress=self._show)

    def share(self) -> None:
        """Let the player share more with the game."""
        if not self.busy and self._signed_in:
            self.error, self.saying = None, "asking what can be shared"
            self._running = self._bridge.start_share(on_progress=self._show)

    def done(self) -> None:
        """Report that the player is done in the browser."""
        if self._running is not None:
            self._running.done()

    def cancel(self) -> None:
        """Cancel the login or the share."""
        if self._running is not None:
            self._running.cancel()

    def poll(self) -> None:
        """Poll the login. Call it once a frame."""
        if self._asking_who is not None and self._asking_who.ended:
            player, self._asking_who = self._asking_who.poll(), None
            self.name = player.given_name if player is not None else None
        if self._running is None:
            return
        try:
            result = self._running.poll()
        except LoginCancelled:
            self._end("signed-in" if self._signed_in else "signed-out")
        except ServiceUnavailable as error:
            self._end("signed-in" if self._signed_in else "postponed", error.sentence)
            if not self._signed_in:
                self._running = self._bridge.start_login(on_progress=self._postpone, quietly=True, patient=True)
        except BridgeError as error:
            self._end("signed-in" if self._signed_in else "failed", error.sentence)
        else:
            if result is not None:
                self._signed_in = True
                self._end("signed-in")
                self._asking_who = self._session.start_player()

    def _end(self, status: str, error: str | None = None) -> None:
        self.status, self.error, self.page, self._running = status, error, None, None

    def _postpone(self, event: ProgressEvent) -> None:
        self.error = event.sentence or self.error

    def _show(self, event: ProgressEvent) -> None:
        self.saying = SAYING[event.phase]
        if event.phase is Phase.WAITING_FOR_BROWSER and event.errand is not None:
            if self.page != event.errand.url:
                self._page_until = time.monotonic() + ERRAND_SECONDS
            self.status, self.page, self.page_opened = (
                "waiting-for-browser",
                event.errand.url,
                bool(event.browser_opened),
            )
        else:
            self.status, self.page = "signing-in", None
