"""The routes of the Connect API."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._service.establish_request import EstablishRequest
from .._contract.calls import BASES
from .._contract.requests import InfoRequest, RedeemRequest, StatusPollRequest
from .._memory.state import State
from .._rules import connect
from .._rules.client_auth import check_client
from .._rules.issuance import application
from .._rules.refusals import Refusal
from .http import answer, fitted, health, issued, json_object, raw_body, refused

BASE = BASES["connect"]
JWKS_PATH = "/.well-known/jwks.json"


class ConnectApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes, each with its full path. The JWK Set is also where libraries look for one (RFC 8615)."""
        return [
            Route(f"{BASE}/establish", self.establish, methods=["POST"]),
            Route(f"{BASE}/status-poll", self.status_poll, methods=["POST"]),
            Route(f"{BASE}/redeem", self.redeem, methods=["POST"]),
            Route(f"{BASE}/info", self.info, methods=["POST"]),
            health("connect"),
            *(Route(f"{base}{JWKS_PATH}", self.jwks, methods=["GET"]) for base in ("", BASE)),
        ]

    async def establish(self, request: Request) -> Response:
        """Make an inquiry, for a client that has signed these very bytes."""
        state = self._state
        try:
            raw = await raw_body(request)
            body = json_object(request, raw)
            anchor = body.get("applicationAnchor")
            if not isinstance(anchor, str):
                raise Refusal(400, "InvalidBody")
            with state.lock:
                if anchor != state.config.application.anchor:
                    raise Refusal(404, "ApplicationNotFound")  # before the signature, which is the application's
                authorization = request.headers.get("authorization")
                check_client(state, authorization, raw, audience=connect.AUDIENCE, anchor=anchor)
                application(state, anchor)
                return issued(request, connect.establish(state, fitted(EstablishRequest, body, state)), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def status_poll(self, request: Request) -> Response:
        """Poll whether the player has done the page of an inquiry."""
        return await answer(request, StatusPollRequest, connect.status_poll, self._state)

    async def redeem(self, request: Request) -> Response:
        """Exchange a realized inquiry for tokens."""
        return await answer(request, RedeemRequest, connect.redeem, self._state)

    async def info(self, request: Request) -> Response:
        """Public metadata of an application."""
        return await answer(request, InfoRequest, connect.info, self._state)

    async def jwks(self, _request: Request) -> Response:
        """The application's public key, to verify access tokens with."""
        return JSONResponse(self._state.tokens.jwks, headers={"Cache-Control": "public, max-age=300"})
