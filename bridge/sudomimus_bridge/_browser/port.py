"""The browser port: it opens a page for the player.

`SystemBrowser` implements it. The browsers in `testing` complete the page or fail, for tests and for `demo --auto`.
"""

from __future__ import annotations

from typing import Protocol

from .._values.secret import Secret


class Browser(Protocol):
    """Something that shows pages to the player."""

    async def open(self, page: Secret) -> bool:
        """Open the page, without waiting for the player. False if it could not be opened. Never raises."""
        ...
