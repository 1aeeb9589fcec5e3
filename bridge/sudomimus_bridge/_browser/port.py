"""The browser port: opening a page for the player.

Real: `system.SystemBrowser`. For tests and `--auto`: `testing.browser`'s, which complete the page or fail on purpose.
"""

from __future__ import annotations

from typing import Protocol

from .._values.secret import Secret


class Browser(Protocol):
    """Something that shows pages to the player."""

    async def open(self, page: Secret) -> bool:
        """Start to show the page, without waiting for the player; False where it could not be. Never raises."""
        ...
