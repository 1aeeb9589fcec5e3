"""The routes of the Native API, at the root of its URL."""

from __future__ import annotations

import asyncio

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._contract.requests import AccessKeyRequest, ErrandRequest, SteamTicketRequest
from .._memory.state import State
from .._rules import direct_issue
from .._rules.refusals import Refusal
from .._rules.scripted_player import follow_errand
from .http import answer, health, issued, read, refused


class _Key(Convertor[str]):
    """Any text, a slash included: a malformed key is EXPIRED like an unknown one, never a 404."""

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
        """All routes, each with its full path."""
        return [
            Route("/direct-issue/steam-ticket", self.steam_ticket, methods=["POST"]),
            Route("/direct-issue/access-key", self.access_key, methods=["POST"]),
            Route("/errand", self.create_errand, methods=["POST"]),
            Route("/errand/{errandKey:key}/status", self.errand_status, methods=["GET"]),
            health("native"),
        ]

    async def steam_ticket(self, request: Request) -> Response:
        """Exchange a Steam ticket for tokens."""
        state = self._state
        try:
            body = await read(request, SteamTicketRequest, state)
            with state.lock:
                direct_issue.admit_steam_ticket(state, body)
                seconds = state.config.steam_seconds
            if seconds:
                await asyncio.sleep(seconds)
            with state.lock:
                player = direct_issue.verify_steam_ticket(state, body)
                return issued(request, direct_issue.issue(state, player), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def access_key(self, request: Request) -> Response:
        """Exchange an access key for tokens."""
        state = self._state
        try:
            body = await read(request, AccessKeyRequest, state)
            with state.lock:
                player = direct_issue.verify_access_key(state, body)
                return issued(request, direct_issue.issue(state, player), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def create_errand(self, request: Request) -> Response:
        """Make an errand for a player who is already signed in."""
        return await answer(request, ErrandRequest, direct_issue.create_errand, self._state)

    async def errand_status(self, request: Request) -> Response:
        """Poll an errand. Unknown, malformed and expired keys get the same answer."""
        with self._state.lock:
            follow_errand(self._state, self._state.errands.live(request.path_params["errandKey"]))
            status = self._state.errands.status(request.path_params["errandKey"])
        request.state.reason = status
        return JSONResponse({"status": status}, headers={"Cache-Control": "no-store"})
