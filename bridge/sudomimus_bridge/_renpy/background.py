"""The work in the background of a Ren'Py game: renewing the access token in time, and signing out.

All methods run on the main thread, and only `SigningOut.finish` blocks it. The renewal and the sign-out run on threads of
their own, and open no page.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from .._program.bridge import Bridge
from .._runs.running import Running
from .._values.clock import Uptime, uptime
from .._values.secret import Secret, redact
from .._values.token import read_token

BEFORE_SECONDS = 300.0
"""An access token is renewed this many seconds before it expires, so that the game always has a valid one."""

AGAIN_SECONDS = (60.0, 1800.0)
"""The first and the longest wait in seconds after a failed renewal. The wait doubles each time."""

FINISH_SECONDS = 1.0
"""The most seconds that the end of the game waits for each step of a sign-out."""

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class _Due:
    """The next renewal: `after` seconds after `since`, it asks for a token that is valid for `valid_for` seconds.

    By then the present token is valid for less than `valid_for`, so the session fetches another one.
    """

    since: Uptime
    after: float
    valid_for: float
    failures: int = 0

    def reached(self) -> bool:
        """Whether the renewal is due. It is also due if the machine's uptime cannot be compared, as after a restart."""
        age = uptime().since(self.since)
        return age is None or age >= self.after

    def again(self) -> _Due:
        """The renewal to try after this one has failed."""
        first, most = AGAIN_SECONDS
        return _Due(uptime(), min(most, first * 2**self.failures), self.valid_for, self.failures + 1)


class Renewal:
    """Renews one access token after another while the player is signed in."""

    def __init__(self) -> None:
        self._due: _Due | None = None
        self._running: Running[str] | None = None

    def of(self, access: Secret) -> None:
        """Renew this access token from now on. A token that does not state its lifetime is never renewed."""
        lifetime = read_token(access).lifetime
        before = min(BEFORE_SECONDS, (lifetime or 0) / 2)
        self._due = None if lifetime is None else _Due(uptime(), lifetime - before, before)
        self._running = None  # a token of an older renewal may lack newly shared claims

    def stop(self) -> Running[str] | None:
        """Renew nothing any more. Returns a renewal that still runs. It is not cancelled, because that could lose its tokens."""
        running, self._running, self._due = self._running, None, None
        return running

    def step(self, bridge: Bridge) -> Secret | None:
        """Call this once a tick. Returns the new access token if one has arrived."""
        if self._running is None:
            if self._due is not None and self._due.reached():
                session = bridge.session(stay_signed_in=False)
                self._running = session.start_access_token(self._due.valid_for, quietly=True)
            return None
        try:
            token = self._running.poll()
        except Exception as error:  # noqa: BLE001 - a bug of the bridge must not end the game
            _log.warning("the sign-in could not be renewed: %s", redact(f"{type(error).__name__}: {error}"))
            self._running, self._due = None, self._due and self._due.again()
            return None
        return Secret(token) if token is not None else None


class SigningOut:
    """Ends the session of a bridge that is no longer used for logins, then releases Steam."""

    def __init__(self, bridge: Bridge, renewal: Running[Any] | None) -> None:
        """A running `renewal` must end first: after the sign-out it would start another session with Steam."""
        self._bridge = bridge
        self._renewal = renewal
        self._logout: Running[bool] | None = None

    def step(self) -> bool:
        """Call this once a tick. Returns True when the sign-out has ended."""
        if self._logout is None and (self._renewal is None or self._renewal.ended):
            self._logout = self._bridge.session(stay_signed_in=False).start_logout()
        if self._logout is None or not self._logout.ended:
            return False
        self._bridge.close(0)  # only the main thread can leave Ren'Py's lists of callbacks
        return True

    def finish(self) -> None:
        """At the end of the game, wait a moment for a running renewal and sign-out."""
        if self._renewal is not None:
            self._renewal.join(FINISH_SECONDS)
            self._renewal.cancel()
            self._renewal.join(FINISH_SECONDS)
            self._renewal = None
        if not self.step() and self._logout is not None:
            self._logout.join(FINISH_SECONDS)
        self._bridge.close()
