"""The Device API's routes: HTTP in and out around `device_rules`, nothing else.

device.yaml: POST /device-authorize, POST /device-token, GET /health.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import device_rules
from .answers import CREDENTIAL_HEADERS, health, issued, json_object, raw_body, refused
from .refusals import DeviceTokenRefusal, Refusal
from .state import State

BASE = "/device"


class DeviceApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """The API below its base."""
        return [
            Route(f"{BASE}/device-authorize", self.authorize, methods=["POST"]),
            Route(f"{BASE}/device-token", self.token, methods=["POST"]),
            health(f"{BASE}/health", "sudomimus-device"),
        ]

    async def authorize(self, request: Request) -> Response:
        """Start a device authorization session."""
        try:
            body = json_object(request, await raw_body(request))
            with self._state.lock:
                return issued(device_rules.authorize(self._state, body), self._state)
        except Refusal as refusal:
            return refused(request, refusal, self._state)

    async def token(self, request: Request) -> Response:
        """Poll and consume a device authorization session."""
        try:
            body = await self._token_body(request)
            with self._state.lock:
                return issued(device_rules.token(self._state, body), self._state)
        except DeviceTokenRefusal as refusal:
            return self._denied(request, refusal)

    async def _token_body(self, request: Request) -> dict[str, Any]:
        try:
            return json_object(request, await raw_body(request))
        except Refusal:
            raise DeviceTokenRefusal("invalid_request") from None

    def _denied(self, request: Request, refusal: DeviceTokenRefusal) -> Response:
        request.state.reason = refusal.error
        body: dict[str, Any] = {"error": refusal.error}
        if refusal.interval is not None:
            body["interval"] = refusal.interval
        return JSONResponse(body, status_code=refusal.status, headers=CREDENTIAL_HEADERS)
