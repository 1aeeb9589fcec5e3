"""The service as one web application: the four APIs, the pages and the control API, behind journal and faults.

The journal has one record for each request. It contains no secret: a record has the path's template and no query, because paths
and queries contain keys.
"""

from __future__ import annotations

import logging
import time

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .._api.routes import ConnectApi, DeviceApi, NativeApi, SessionApi
from .._contract.paths import template
from .._controls import Controls
from .._memory.state import FaultTable, RequestRecord, State
from .._pages.errand import ErrandPages
from .._pages.frame import PageFrame
from .._pages.sign_in import SignInPages
from .control import BASE, ControlApi
from .faults import FaultMiddleware

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
        start: Message | None = None
        recorded = False

        async def watch(message: Message) -> None:
            nonlocal status, start
            if message["type"] == "http.response.start":
                status, start = message["status"], message
                return  # kept back: if the body is empty, the head is already the whole answer
            if message["type"] == "http.response.body" and not message.get("more_body"):
                record()  # recorded before the client has the whole answer and can ask for the journal
            if start is not None:
                head, start = start, None
                await send(head)
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

        # A fault calls this before it breaks the connection, because then no ASGI message marks the end.
        scope["state"]["record"] = record
        try:
            await self._app(scope, receive, watch)
        finally:
            record()


def application(controls: Controls, state: State, faults: FaultTable) -> Starlette:
    """The application that serves this state. `controls` can change the state."""
    made = Starlette(
        routes=[*service_routes(state), *ControlApi(controls).routes()],
        middleware=[
            # A web page whose host name resolves to 127.0.0.1 (DNS rebinding) must not reach the service.
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(JournalMiddleware, state=state, untouched=BASE),
            Middleware(FaultMiddleware, table=faults, untouched=BASE),
        ],
        exception_handlers={HTTPException: _no_such_route, Exception: _failed},
    )
    # The service never redirects, so a path with an extra slash is not found.
    made.router.redirect_slashes = False
    return made


def service_routes(state: State) -> list[Route]:
    """The service itself: its APIs and its pages."""
    frame = PageFrame(state)
    return [
        *NativeApi(state).routes(),
        *ConnectApi(state).routes(),
        *DeviceApi(state).routes(),
        *SessionApi(state).routes(),
        *frame.routes(),
        *ErrandPages(state, frame).routes(),
        *SignInPages(state, frame).routes(),
    ]


async def _no_such_route(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    reasons = {400: "InvalidBody", 404: "RouteNotFound", 405: "MethodNotAllowed"}
    # A 405 names the allowed methods in Allow (RFC 9110, 15.5.6).
    return JSONResponse({"reason": reasons.get(error.status_code)}, error.status_code, error.headers)


async def _failed(_request: Request, error: Exception) -> Response:
    logger.error("the emulator itself failed", exc_info=error)
    return Response(status_code=500)
