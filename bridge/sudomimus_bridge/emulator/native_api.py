"""The Native API's routes: HTTP in and out around `rules`, nothing else.

native.yaml: POST /direct-issue/steam-ticket, POST /direct-issue/access-key, POST /errand,
GET /errand/{errandKey}/status, GET /health.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._version import __version__
from . import rules
from .config import Drift
from .rules import Refusal
from .state import State

_LARGEST_BODY = 1 << 20
# native.yaml's CredentialCacheControl and CredentialPragma.
_CREDENTIAL_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class NativeApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """The API as it stands at its URL's root."""
        return [
            Route("/direct-issue/steam-ticket", self.steam_ticket, methods=["POST"]),
            Route("/direct-issue/access-key", self.access_key, methods=["POST"]),
            Route("/errand", self.create_errand, methods=["POST"]),
            Route("/errand/{errandKey}/status", self.errand_status, methods=["GET"]),
            Route("/health", self.health, methods=["GET"]),
        ]

    async def steam_ticket(self, request: Request) -> Response:
        """Exchange a Steam Web API auth ticket for application tokens."""
        state = self._state
        try:
            body = await _json_object(request)
            with state.lock:
                rules.admit_steam_ticket(state, body)
                seconds = state.config.steam_seconds
            if seconds:
                await asyncio.sleep(seconds)
            with state.lock:
                player = rules.verify_steam_ticket(state, body)
                return self._issued(rules.issue(state, player))
        except Refusal as refusal:
            return self._refused(request, refusal)

    async def access_key(self, request: Request) -> Response:
        """Exchange an access-key credential for application tokens."""
        state = self._state
        try:
            body = await _json_object(request)
            with state.lock:
                player = rules.verify_access_key(state, body)
                return self._issued(rules.issue(state, player))
        except Refusal as refusal:
            return self._refused(request, refusal)

    async def create_errand(self, request: Request) -> Response:
        """Mint an errand for a player who is already signed in."""
        try:
            body = await _json_object(request)
            with self._state.lock:
                return self._issued(rules.create_errand(self._state, body))
        except Refusal as refusal:
            return self._refused(request, refusal)

    async def errand_status(self, request: Request) -> Response:
        """The poll: "Unknown, malformed, and expired keys are deliberately indistinguishable"."""
        with self._state.lock:
            status = self._state.errands.status(request.path_params["errandKey"])
        request.state.reason = status
        return JSONResponse({"status": status}, headers={"Cache-Control": "no-store"})

    async def health(self, _request: Request) -> Response:
        """HealthResponse."""
        return JSONResponse({"status": "ok", "service": "sudomimus-native", "version": __version__})

    def _issued(self, body: dict[str, Any]) -> Response:
        return JSONResponse(_drifted(body, self._state.config.drift), headers=_CREDENTIAL_HEADERS)

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        request.state.reason = refusal.reason
        headers = {"Cache-Control": "no-store"}
        if refusal.retry_after is not None:
            headers["Retry-After"] = str(refusal.retry_after)
        body = error_body(refusal.reason)
        if body is None:
            return Response(status_code=refusal.status, headers=headers)
        if refusal.more:
            body = _drifted(body | refusal.more, self._state.config.drift)
        return JSONResponse(body, status_code=refusal.status, headers=headers)


def error_body(reason: str | None) -> dict[str, Any] | None:
    """The schema Error: a reason that begins with PRIVATE, like none, has an empty body."""
    return None if reason is None or reason.startswith("PRIVATE") else {"reason": reason}


def _drifted(body: dict[str, Any], drift: Drift) -> dict[str, Any]:
    changed = body | drift.fields
    if drift.claims and "claims" in changed:
        changed["claims"] = changed["claims"] | drift.claims
    return {name: value for name, value in changed.items() if name not in drift.without}


async def _json_object(request: Request) -> dict[str, Any]:
    """The body, or InvalidBody "without parser or validation-library detail"."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(400, "InvalidBody")
    raw = bytearray()
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > _LARGEST_BODY:
                raise Refusal(413, "InvalidBody")
        body = json.loads(raw)
    except (ValueError, RecursionError, ClientDisconnect):
        raise Refusal(400, "InvalidBody") from None
    if not isinstance(body, dict):
        raise Refusal(400, "InvalidBody")
    return body
