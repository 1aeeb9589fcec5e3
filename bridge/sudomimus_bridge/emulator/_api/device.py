"""The routes of the Device API."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._contract.calls import BASES
from .._contract.requests import DeviceAuthorizeRequest, DeviceTokenRequest
from .._memory.state import State
from .._rules import device
from .._rules.refusals import DeviceTokenRefusal, Refusal
from .http import NO_STORE, answer, health, issued, read

BASE = BASES["device"]


class DeviceApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            Route(f"{BASE}/device-authorize", self.authorize, methods=["POST"]),
            Route(f"{BASE}/device-token", self.token, methods=["POST"]),
            health("device"),
        ]

    async def authorize(self, request: Request) -> Response:
        """Start a device authorization session."""
        return await answer(request, DeviceAuthorizeRequest, device.authorize, self._state)

    async def token(self, request: Request) -> Response:
        """Poll a device authorization session, and exchange it for tokens once it is approved."""
        state = self._state
        try:
            try:
                body = await read(request, DeviceTokenRequest, state)
            except Refusal:
                raise DeviceTokenRefusal("invalid_request") from None
            with state.lock:
                return issued(request, device.token(state, body), state)
        except DeviceTokenRefusal as refusal:
            return _denied(request, refusal)


def _denied(request: Request, refusal: DeviceTokenRefusal) -> Response:
    request.state.reason = refusal.error
    body: dict[str, Any] = {"error": refusal.error}
    if refusal.interval is not None:
        body["interval"] = refusal.interval
    return JSONResponse(body, status_code=refusal.status, headers=NO_STORE)
