"""The player says "I'm done": how a door tells it to the flow that waits for the player."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import anyio


class DoneSignal:
    """Belongs to one flow. Only the event loop's thread calls it; `Running.done` passes on what another thread says."""

    def __init__(self) -> None:
        self._event: anyio.Event | None = None

    def set(self) -> bool:
        """Tell the flow that the player is done. False if no flow waits for the player, or if it knows already."""
        if self._event is None or self._event.is_set():
            return False
        self._event.set()
        return True

    @contextmanager
    def listen(self) -> Iterator[anyio.Event]:
        """The event that `set` sets while the block runs. An earlier `set` does not count."""
        try:
            yield self.listen_again()
        finally:
            self._event = None

    def listen_again(self) -> anyio.Event:
        """The next event, after a flow has reacted to the one before."""
        import anyio

        self._event = anyio.Event()
        return self._event
