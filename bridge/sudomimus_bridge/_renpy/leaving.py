"""A player who signs out: the service is told in the background, while the game goes on and perhaps signs somebody in.

All of it runs on the main thread and nothing but `finish` blocks.
"""

from __future__ import annotations

from typing import Any

from .._program.bridge import Bridge
from .._runs.running import Running

SECONDS = 1.0
"""How long the end of the game waits for each step of it."""


class Leaving:
    """One bridge that nobody signs in with any more. Its session is ended, and it lets go of Steam."""

    def __init__(self, bridge: Bridge, renewal: Running[Any] | None) -> None:
        """`renewal`, which may still run, comes first: behind a sign-out, Steam would have it begin another session."""
        self._bridge = bridge
        self._renewal = renewal
        self._logout: Running[bool] | None = None

    def step(self) -> bool:
        """Once a tick: go on, and say whether it is over."""
        if self._logout is None and (self._renewal is None or self._renewal.ended):
            self._logout = self._bridge.session(stay_signed_in=False).start_logout()
        if self._logout is None or not self._logout.ended:
            return False
        self._bridge.close(0)  # here, for only the main thread leaves Ren'Py's lists of callbacks
        return True

    def finish(self) -> None:
        """The game ends: do in a moment what can be done."""
        if self._renewal is not None:
            self._renewal.join(SECONDS)
            self._renewal.cancel()
            self._renewal.join(SECONDS)
            self._renewal = None
        if not self.step() and self._logout is not None:
            self._logout.join(SECONDS)
        self._bridge.close()
