"""The Session API's routes: HTTP in and out around `session_rules`, nothing else.

session.yaml: POST /refresh, POST /introspect, POST /logout, POST /revoke-all, GET /health.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import session_rules
from .answers import health, issued, json_object, raw_body, refused
from .refusals import Refusal
from .state import State

BASE = "/session"

Rule = Callable[[State, dict[str, Any]], dict[str, Any]]


class SessionApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """The API below its base."""
        return [
            Route(f"{BASE}/refresh", self.refresh, methods=["POST"]),
            Route(f"{BASE}/introspect", self.introspect, methods=["POST"]),
            Route(f"{BASE}/logout", self.logout, methods=["POST"]),
            Route(f"{BASE}/revoke-all", self.revoke_all, methods=["POST"]),
            health(f"{BASE}/health", "sudomimus-session"),
        ]

    async def refresh(self, request: Request) -> Response:
        """Rotate a refresh token and issue a new access token."""
        return await self._answer(request, session_rules.refresh)

    async def introspect(self, request: Request) -> Response:
        """Check whether the session behind an access token is still valid."""
        return await self._answer(request, session_rules.introspect)

    async def logout(self, request: Request) -> Response:
        """Revoke the session behind a refresh token."""
        return await self._answer(request, session_rules.logout)

    async def revoke_all(self, request: Request) -> Response:
        """Revoke every session of an account, for a caller who has proved to be the application."""
        state = self._state
        try:
            raw = await raw_body(request)
            with state.lock:
                session_rules.authenticate(state, raw, request.headers.get("authorization"))
                return issued(session_rules.revoke_all(state, json_object(request, raw)), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def _answer(self, request: Request, rule: Rule) -> Response:
        try:
            body = json_object(request, await raw_body(request))
            with self._state.lock:
                return issued(rule(self._state, body), self._state)
        except Refusal as refusal:
            return refused(request, refusal, self._state)
