"""The service as one web application: the four APIs, the pages and the control API, behind journal and faults."""

from __future__ import annotations

import logging

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._api.connect import ConnectApi
from .._api.device import DeviceApi
from .._api.native import NativeApi
from .._api.session import SessionApi
from .._controls import Controls
from .._memory.faults import FaultTable
from .._memory.state import State
from .._pages.errand import ErrandPages
from .._pages.frame import PageFrame
from .._pages.sign_in import SignInPages
from .control import BASE, ControlApi
from .faults import FaultMiddleware
from .journal import JournalMiddleware

logger = logging.getLogger("sudomimus_bridge.emulator")


def application(controls: Controls, state: State, faults: FaultTable) -> Starlette:
    """The application that serves this state, and lets `controls` change it."""
    made = Starlette(
        routes=[*service_routes(state), *ControlApi(controls).routes()],
        middleware=[
            # A web page whose own name resolves to 127.0.0.1 (DNS rebinding) must reach nothing.
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"]),
            Middleware(JournalMiddleware, state=state, untouched=BASE),
            Middleware(FaultMiddleware, table=faults, untouched=BASE),
        ],
        exception_handlers={HTTPException: _no_such_route, Exception: _failed},
    )
    # The service never redirects: a path with a slash too many is not found.
    made.router.redirect_slashes = False
    return made


def service_routes(state: State) -> list[Route]:
    """What the service itself answers: its APIs and its pages."""
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
