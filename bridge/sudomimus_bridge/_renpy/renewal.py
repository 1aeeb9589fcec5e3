"""When a game's access token is renewed, and with what: in time, in the background, and without ever opening a page.

All of it runs on the main thread and none of it blocks; the renewal itself runs on a thread of its own.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from .._program.bridge import Bridge
from .._runs.running import Running
from .._values.secret import Secret, redact
from .._values.token import read_token
from .._values.uptime import Uptime, uptime

BEFORE_SECONDS = 300.0
"""How long before its end an access token is renewed, so that there always is one for the game's requests."""

AGAIN_SECONDS = (60.0, 1800.0)
"""How long after a renewal that failed the next one is tried: at first, and at most, twice as long each time."""

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class _Due:
    """So long after `since`, by a token that is valid for so long: one that is not the one that is there."""

    since: Uptime
    after: float
    valid_for: float
    failures: int = 0

    def reached(self) -> bool:
        """Whether it is time; at once where the machine's own time cannot be compared any more."""
        age = uptime().since(self.since)
        return age is None or age >= self.after

    def again(self) -> _Due:
        """After a renewal that has just failed."""
        first, most = AGAIN_SECONDS
        return _Due(uptime(), min(most, first * 2**self.failures), self.valid_for, self.failures + 1)


class Renewal:
    """Of one access token after another, for as long as the player is signed in."""

    def __init__(self) -> None:
        self._due: _Due | None = None
        self._running: Running[str] | None = None

    def of(self, access: Secret) -> None:
        """This is the access token from now on. One that does not say how long it lives is never renewed."""
        lifetime = read_token(access).lifetime
        before = min(BEFORE_SECONDS, (lifetime or 0) / 2)
        self._due = None if lifetime is None else _Due(uptime(), lifetime - before, before)
        self._running = None  # what one brings that began before knows less of the player

    def stop(self) -> Running[str] | None:
        """Nobody is signed in any more. What still runs is given, not broken off: a refresh token would be lost with it."""
        running, self._running, self._due = self._running, None, None
        return running

    def step(self, bridge: Bridge) -> Secret | None:
        """Once a tick: the new access token where there is one now."""
        if self._running is None:
            if self._due is not None and self._due.reached():
                session = bridge.session(stay_signed_in=False)
                self._running = session.start_access_token(self._due.valid_for, quietly=True)
            return None
        try:
            token = self._running.poll()
        except Exception as error:  # noqa: BLE001 - a bug of the bridge must not take the game with it
            _log.warning("the sign-in could not be renewed: %s", redact(f"{type(error).__name__}: {error}"))
            self._running, self._due = None, self._due and self._due.again()
            return None
        return Secret(token) if token is not None else None
