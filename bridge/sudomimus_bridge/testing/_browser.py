"""Browsers that need no person: for tests and for `demo --auto`."""

from __future__ import annotations

from collections.abc import Callable

from .._runs.threads import in_thread
from .._values.secret import Secret


class AutoBrowser:
    """Completes the local service's pages as a player would."""

    def __init__(self, *, agree: bool = True, email: str = "robin@example.com") -> None:
        self._agree = agree
        self._email = email

    async def open(self, page: Secret) -> bool:
        from ..emulator._players.visitor import VisitFailed, visit

        try:
            await in_thread(lambda: visit(page.reveal(), agree=self._agree, email=self._email))
        except VisitFailed:
            return False
        return True


class RecordingBrowser:
    """Shows nothing. It records the pages, and fails if it is told to."""

    def __init__(self, *, opens: bool = True, on_open: Callable[[Secret], None] | None = None) -> None:
        self.pages: list[Secret] = []
        self._opens = opens
        self._on_open = on_open

    async def open(self, page: Secret) -> bool:
        self.pages.append(page)
        if self._on_open is not None:
            self._on_open(page)
        return self._opens
