"""The journal: one record for each request, without a secret in it.

A record has the path's template and no query, for paths and queries carry keys.
"""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .._contract.paths import template
from .._memory.state import RequestRecord, State

logger = logging.getLogger("sudomimus_bridge.emulator")


class JournalMiddleware:
    """Records every request except those of the control API."""

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
        journal = self._state.requests
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
                journal.append(entry)
            logger.debug("%s %s %s %s", entry.method, entry.path, entry.status, entry.reason or "")

        # A fault calls this before it breaks the connection, for then no ASGI message marks the end.
        scope["state"]["record"] = record
        try:
            await self._app(scope, receive, watch)
        finally:
            record()
