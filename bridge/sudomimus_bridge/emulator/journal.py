"""The journal: one record for each request, without a secret in it.

A path is told as its template and a query not at all, for both carry keys.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .paths import template
from .state import RequestRecord, State

logger = logging.getLogger("sudomimus_bridge.emulator")


class JournalMiddleware:
    """Writes down every request but those of the control API."""

    def __init__(self, app: ASGIApp, state: State, untouched: str) -> None:
        self._app = app
        self._state = state
        self._untouched = untouched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"].startswith(self._untouched):
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status: int | None = None
        recorded = False

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            if message["type"] == "http.response.body" and not message.get("more_body"):
                record()  # before the client can have the whole answer and ask for the journal
            await send(message)

        def record() -> None:
            nonlocal recorded
            if recorded:
                return
            recorded = True
            ms = round((time.perf_counter() - started) * 1000, 2)
            kept = scope["state"]
            entry = RequestRecord(
                at=self._state.clock.now(),
                method=scope["method"],
                path=template(scope["path"]),
                status=status,
                reason=kept.get("reason"),
                ms=ms,
                fault=kept.get("fault"),
            )
            with self._state.lock:
                self._state.requests.append(entry)
            logger.debug("%s %s %s %s", entry.method, entry.path, entry.status, entry.reason or "")

        # For an end that no ASGI message tells of: a fault calls it before it breaks the connection.
        scope["state"]["record"] = record
        try:
            await self._app(scope, receive, watch)
        finally:
            record()
