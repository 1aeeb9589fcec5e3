"""The Connect API's routes: HTTP in and out around `connect_rules`, nothing else.

connect.yaml: POST /establish, POST /status-poll, POST /redeem, POST /info, GET /health. The key that `/info` tells as PEM
is also there as a JWK Set, at the place where libraries look for one (RFC 8615).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import connect_rules
from .answers import health, issued, json_object, raw_body, refused
from .refusals import Refusal
from .state import State

BASE = "/connect"
JWKS_PATH = "/.well-known/jwks.json"

Rule = Callable[[State, dict[str, Any]], dict[str, Any]]


class ConnectApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """The API below its base."""
        return [
            Route(f"{BASE}/establish", self.establish, methods=["POST"]),
            Route(f"{BASE}/status-poll", self.status_poll, methods=["POST"]),
            Route(f"{BASE}/redeem", self.redeem, methods=["POST"]),
            Route(f"{BASE}/info", self.info, methods=["POST"]),
            health(f"{BASE}/health", "sudomimus-connect"),
            *(Route(f"{base}{JWKS_PATH}", self.jwks, methods=["GET"]) for base in ("", BASE)),
        ]

    async def establish(self, request: Request) -> Response:
        """Establish a new authentication inquiry for an application."""
        state = self._state
        try:
            raw = await raw_body(request)
            body = json_object(request, raw)
            with state.lock:
                authorization = request.headers.get("authorization")
                return issued(connect_rules.establish(state, body, raw, authorization), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def status_poll(self, request: Request) -> Response:
        """Poll the realization status of an authentication inquiry."""
        return await self._answer(request, connect_rules.status_poll)

    async def redeem(self, request: Request) -> Response:
        """Redeem a realized inquiry for an application token pair."""
        return await self._answer(request, connect_rules.redeem)

    async def info(self, request: Request) -> Response:
        """Fetch localized public metadata about an application."""
        return await self._answer(request, connect_rules.info)

    async def jwks(self, _request: Request) -> Response:
        """The application's public key, to verify access tokens with."""
        return JSONResponse(self._state.tokens.jwks, headers={"Cache-Control": "public, max-age=300"})

    async def _answer(self, request: Request, rule: Rule) -> Response:
        try:
            body = json_object(request, await raw_body(request))
            with self._state.lock:
                answer = rule(self._state, body)
        except Refusal as refusal:
            return refused(request, refusal, self._state)
        request.state.reason = answer.get("status")
        return issued(answer, self._state)
