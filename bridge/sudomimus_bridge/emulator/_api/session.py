"""The routes of the Session API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._contract.calls import BASES
from .._contract.requests import IntrospectRequest, LogoutRequest, RefreshRequest, RevokeAllRequest
from .._memory.state import State
from .._rules import session
from .._rules.client_auth import check_client
from .._rules.refusals import InvalidToken, Refusal
from .http import NO_STORE, answer, fitted, health, issued, json_object, raw_body, refused

BASE = BASES["session"]
_PROFILE_HEADERS = {**NO_STORE, "Vary": "Authorization"}


class SessionApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            Route(f"{BASE}/refresh", self.refresh, methods=["POST"]),
            Route(f"{BASE}/introspect", self.introspect, methods=["POST"]),
            Route(f"{BASE}/logout", self.logout, methods=["POST"]),
            Route(f"{BASE}/revoke-all", self.revoke_all, methods=["POST"]),
            Route(f"{BASE}/userinfo", self.userinfo, methods=["GET"]),
            Route(f"{BASE}/claim-state", self.claim_state, methods=["GET"]),
            Route(f"{BASE}/applications/{{applicationAnchor}}/jwks.json", self.jwks, methods=["GET"]),
            health("session"),
        ]

    async def refresh(self, request: Request) -> Response:
        """Exchange a refresh token for a new pair."""
        return await answer(request, RefreshRequest, session.refresh, self._state)

    async def introspect(self, request: Request) -> Response:
        """Check whether the session behind an access token is still valid."""
        return await answer(request, IntrospectRequest, session.introspect, self._state)

    async def logout(self, request: Request) -> Response:
        """End the session behind a refresh token."""
        return await answer(request, LogoutRequest, session.logout, self._state)

    async def revoke_all(self, request: Request) -> Response:
        """End every session of a player. The signature is checked before the body."""
        state = self._state
        try:
            raw = await raw_body(request)
            with state.lock:
                anchor, authorization = state.config.application.anchor, request.headers.get("authorization")
                check_client(state, authorization, raw, audience=session.AUDIENCE, anchor=anchor)
                body = fitted(RevokeAllRequest, json_object(request, raw), state)
                return issued(request, session.revoke_all(state, body), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def userinfo(self, request: Request) -> Response:
        """What the player of an access token shares now."""
        return self._profile(request, session.userinfo)

    async def claim_state(self, request: Request) -> Response:
        """How each claim of the player of an access token stands now."""
        return self._profile(request, session.claim_state)

    async def jwks(self, request: Request) -> Response:
        """The keys that verify an application's tokens."""
        state = self._state
        if not state.dialect.profile_calls:
            return _no_such_call()
        if request.path_params["applicationAnchor"] != state.config.application.anchor:
            return refused(request, Refusal(404, "ApplicationNotFound"), state)
        return JSONResponse(state.tokens.jwks, headers={"Cache-Control": "public, max-age=300"})

    def _profile(self, request: Request, rule: Callable[[State, str], dict[str, Any]]) -> Response:
        state = self._state
        if not state.dialect.profile_calls:
            return _no_such_call()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise InvalidToken
            with state.lock:
                return JSONResponse(rule(state, token.strip()), headers=_PROFILE_HEADERS)
        except InvalidToken:
            request.state.reason = "invalid_token"
            headers = {**_PROFILE_HEADERS, "WWW-Authenticate": 'Bearer error="invalid_token"'}
            return JSONResponse({"error": "invalid_token"}, status_code=401, headers=headers)


def _no_such_call() -> Response:
    return JSONResponse({"reason": "RouteNotFound"}, status_code=404)
