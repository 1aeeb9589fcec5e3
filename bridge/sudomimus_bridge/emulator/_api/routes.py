"""The routes of the four APIs: Connect, Device, Native (at the root of its URL) and Session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._service.establish_request import EstablishRequest
from .._contract.calls import BASES
from .._contract.requests import (
    AccessKeyRequest,
    DeviceAuthorizeRequest,
    DeviceTokenRequest,
    ErrandRequest,
    InfoRequest,
    IntrospectRequest,
    LogoutRequest,
    RedeemRequest,
    RefreshRequest,
    RevokeAllRequest,
    StatusPollRequest,
    SteamTicketRequest,
)
from .._memory.state import State
from .._rules import connect, device, direct_issue, session
from .._rules.approval import follow_errand
from .._rules.client_auth import check_client
from .._rules.issuance import DeviceTokenRefusal, InvalidToken, Refusal, application
from .http import NO_STORE, answer, fitted, health, issued, json_object, raw_body, read, refused

CONNECT = BASES["connect"]
JWKS_PATH = "/.well-known/jwks.json"


class ConnectApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes, each with its full path. The JWK Set also has a well-known address (RFC 8615)."""
        return [
            Route(f"{CONNECT}/establish", self.establish, methods=["POST"]),
            Route(f"{CONNECT}/status-poll", self.status_poll, methods=["POST"]),
            Route(f"{CONNECT}/redeem", self.redeem, methods=["POST"]),
            Route(f"{CONNECT}/info", self.info, methods=["POST"]),
            health("connect"),
            *(Route(f"{base}{JWKS_PATH}", self.jwks, methods=["GET"]) for base in ("", CONNECT)),
        ]

    async def establish(self, request: Request) -> Response:
        """Make an inquiry, for a client that has signed exactly these bytes."""
        state = self._state
        try:
            raw = await raw_body(request)
            body = json_object(request, raw)
            anchor = body.get("applicationAnchor")
            if not isinstance(anchor, str):
                raise Refusal(400, "InvalidBody")
            with state.lock:
                if anchor != state.config.application.anchor:
                    raise Refusal(
                        404, "ApplicationNotFound"
                    )  # checked before the signature, which belongs to the application
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


DEVICE = BASES["device"]


class DeviceApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            Route(f"{DEVICE}/device-authorize", self.authorize, methods=["POST"]),
            Route(f"{DEVICE}/device-token", self.token, methods=["POST"]),
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
                player, workload = direct_issue.verify_access_key(state, body)
                return issued(request, direct_issue.issue(state, player, workload), state)
        except Refusal as refusal:
            return refused(request, refusal, state)

    async def create_errand(self, request: Request) -> Response:
        """Make a proactive errand for a signed-in player."""
        return await answer(request, ErrandRequest, direct_issue.create_errand, self._state)

    async def errand_status(self, request: Request) -> Response:
        """Poll an errand. Unknown, malformed and expired keys get the same answer."""
        with self._state.lock:
            follow_errand(self._state, self._state.errands.live(request.path_params["errandKey"]))
            status = self._state.errands.status(request.path_params["errandKey"])
        request.state.reason = status
        return JSONResponse({"status": status}, headers={"Cache-Control": "no-store"})


SESSION = BASES["session"]
_PROFILE_HEADERS = {**NO_STORE, "Vary": "Authorization"}


class SessionApi:
    """The routes, bound to one emulator's state."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            Route(f"{SESSION}/refresh", self.refresh, methods=["POST"]),
            Route(f"{SESSION}/introspect", self.introspect, methods=["POST"]),
            Route(f"{SESSION}/logout", self.logout, methods=["POST"]),
            Route(f"{SESSION}/revoke-all", self.revoke_all, methods=["POST"]),
            Route(f"{SESSION}/userinfo", self.userinfo, methods=["GET"]),
            Route(f"{SESSION}/claim-state", self.claim_state, methods=["GET"]),
            Route(f"{SESSION}/applications/{{applicationAnchor}}/jwks.json", self.jwks, methods=["GET"]),
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
        """The claims that the player of an access token shares now."""
        return self._profile(request, session.userinfo)

    async def claim_state(self, request: Request) -> Response:
        """The state of each claim of an access token's player."""
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
