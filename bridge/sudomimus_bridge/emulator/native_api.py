"""The Native API's routes: HTTP in and out around `rules`, nothing else.

native.yaml: POST /direct-issue/steam-ticket, POST /direct-issue/access-key, POST /errand,
GET /errand/{errandKey}/status, GET /health.
"""

from __future__ import annotations

import asyncio

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import rules
from .answers import health, issued, json_object, raw_body, refused
from .refusals import Refusal
from .script import follow_errand
from .state import State


class _Key(Convertor[str]):
    """Anything at all, a slash included: a malformed key is EXPIRED, as an unknown one is, and never a 404."""

    regex = r"[\s\S]*"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("key", _Key())


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
            Route("/errand/{errandKey:key}/status", self.errand_status, methods=["GET"]),
            health("/health", "sudomimus-native"),
        ]

    async def steam_ticket(self, request: Request) -> Response:
        """Exchange a Steam Web API auth ticket for application tokens."""
        state = self._state
        try:
            body = json_object(request, await raw_body(request))
            with state.lock:
                rules.admit_steam_ticket(state, body)
                seconds = state.config.steam_seconds
            if seconds:
                await asyncio.sleep(seconds)
            with state.lock:
                player = rules.verify_steam_ticket(state, body)
                return issued(rules.issue(state, player), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def access_key(self, request: Request) -> Response:
        """Exchange an access-key credential for application tokens."""
        state = self._state
        try:
            body = json_object(request, await raw_body(request))
            with state.lock:
                player = rules.verify_access_key(state, body)
                return issued(rules.issue(state, player), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def create_errand(self, request: Request) -> Response:
        """Mint an errand for a player who is already signed in."""
        state = self._state
        try:
            body = json_object(request, await raw_body(request))
            with state.lock:
                return issued(rules.create_errand(state, body), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def errand_status(self, request: Request) -> Response:
        """The poll: "Unknown, malformed, and expired keys are deliberately indistinguishable"."""
        with self._state.lock:
            follow_errand(self._state, self._state.errands.live(request.path_params["errandKey"]))
            status = self._state.errands.status(request.path_params["errandKey"])
        request.state.reason = status
        return JSONResponse({"status": status}, headers={"Cache-Control": "no-store"})
