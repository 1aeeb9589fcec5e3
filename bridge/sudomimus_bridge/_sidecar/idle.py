"""One Steam for all logins: opened by the first that needs it, let go when none has needed it for a while.

While Steam is initialised, a player's friends see the game being played; a launcher stays open all evening.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import anyio

from .._values.clock import Clock

IDLE_SECONDS = 10.0
"""How long Steam stays open after a login: long enough for a second try, too short for a friend to notice."""


class SharedSteam:
    """Counts who uses Steam, and closes it in between."""

    def __init__(self, close: Callable[[], Awaitable[None]], clock: Clock) -> None:
        self._close = close
        self._clock = clock
        self._users = 0
        self._used = False
        self._changed = anyio.Event()

    @contextmanager
    def used(self) -> Iterator[None]:
        """While the block runs, Steam stays open once it is."""
        self._users += 1
        self._used = True
        self._tell()
        try:
            yield
        finally:
            self._users -= 1
            self._tell()

    async def let_go_when_idle(self) -> None:
        """Close Steam whenever nobody has used it for `IDLE_SECONDS`. Runs until it is cancelled."""
        while True:
            changed = self._changed
            if self._users or not self._used:
                await changed.wait()
                continue
            with self._clock.move_on_after(IDLE_SECONDS):
                await changed.wait()
            if changed is self._changed:
                self._used = False
                await self._close()

    def _tell(self) -> None:
        changed, self._changed = self._changed, anyio.Event()
        changed.set()
