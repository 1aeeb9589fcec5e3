"""The control API below /_emulator, by which a test in any language changes and reads the local service while it runs.

It is JSON, on loopback only. A write needs `application/json`, which another web page cannot send without permission (CORS).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Coroutine
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._api.http import read_json
from .._config.fault_rule import FaultRule, parse_fault
from .._config.limits import Settings, SteamID
from .._config.model import SettingRefused, refusing
from .._controls import Controls

BASE = "/_emulator"

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class SessionChange(Settings):
    """The body of POST /sessions."""

    steam_id: SteamID | None = None
    revoked: bool | None = None
    suspended: bool | None = None


class ControlApi:
    """The methods of `Controls`, over HTTP."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def routes(self) -> list[Route]:
        """All routes, each with its full path."""
        return [
            Route(f"{BASE}/openapi.json", self.openapi, methods=["GET"]),
            Route(f"{BASE}/state", self.state, methods=["GET"]),
            Route(f"{BASE}/requests", self.requests, methods=["GET"]),
            Route(f"{BASE}/config", _write(self.config), methods=["PATCH"]),
            Route(f"{BASE}/faults", _write(self.add_faults), methods=["POST"]),
            Route(f"{BASE}/faults", self.clear_faults, methods=["DELETE"]),
            Route(f"{BASE}/players", _write(self.player), methods=["POST"]),
            Route(f"{BASE}/players/{{steam_id:int}}", self.remove_player, methods=["DELETE"]),
            Route(f"{BASE}/inquiries", _write(self.inquiry), methods=["POST"]),
            Route(f"{BASE}/sessions", _write(self.sessions), methods=["POST"]),
            Route(f"{BASE}/clock", _write(self.clock), methods=["POST"]),
        ]

    async def state(self, _request: Request) -> Response:
        """Everything except the secrets: settings, players, faults, and errands, sign-ins and sessions by status."""
        return JSONResponse(self._controls.snapshot())

    async def openapi(self, request: Request) -> Response:
        """The service's own description: of the present dialect, or of `?dialect=`."""
        try:
            return JSONResponse(self._controls.openapi(request.query_params.get("dialect")))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=404)

    async def requests(self, _request: Request) -> Response:
        """The journal."""
        return JSONResponse({"requests": [dataclasses.asdict(entry) for entry in self._controls.requests]})

    async def config(self, request: Request) -> Response:
        """Change some settings."""
        self._controls.update(_mapping(await _json(request)))
        return JSONResponse(self._controls.snapshot()["config"])

    async def add_faults(self, request: Request) -> Response:
        """Add one rule or a list of them, each as JSON or as a string in the short form."""
        given = await _json(request)
        # All rules are checked before any is added.
        with refusing(FaultRule):
            rules = [_rule(item) for item in (given if isinstance(given, list) else [given])]
        for rule in rules:
            self._controls.fault(rule)
        return JSONResponse({"faults": self._controls.snapshot()["faults"]}, status_code=201)

    async def clear_faults(self, _request: Request) -> Response:
        """Remove every fault rule."""
        self._controls.clear_faults()
        return Response(status_code=204)

    async def player(self, request: Request) -> Response:
        """Add a player, or change the one with this `steamId`. Fields that are not given stay as they are."""
        given = _mapping(await _json(request))
        player = self._controls.put_player(given)
        return JSONResponse(player.model_dump(mode="json", by_alias=True))

    async def remove_player(self, request: Request) -> Response:
        """Remove an account."""
        self._controls.remove_player(request.path_params["steam_id"])
        return Response(status_code=204)

    async def inquiry(self, request: Request) -> Response:
        """Make an inquiry as the game's backend does. The body narrows it, like that of POST /establish."""
        return JSONResponse(self._controls.establish(_mapping(await _json(request))), status_code=201)

    async def sessions(self, request: Request) -> Response:
        """`{"revoked": true}` or `{"suspended": true or false}`; with `steamId`, only for one player's sessions."""
        with refusing(SessionChange):
            change = SessionChange.model_validate(_mapping(await _json(request)))
        changed = self._controls.set_sessions(**change.model_dump())
        return JSONResponse({"changed": changed, "sessions": self._controls.snapshot()["sessions"]})

    async def clock(self, request: Request) -> Response:
        """`{"advance": seconds}` moves the clock, and `{"frozen": true}` stops it between such moves."""
        given = _mapping(await _json(request))
        unknown = set(given) - {"advance", "frozen"}
        advance, frozen = given.get("advance", 0), given.get("frozen", False)
        seconds = isinstance(advance, int | float) and not isinstance(advance, bool) and advance >= 0
        if unknown or not seconds or not isinstance(frozen, bool):
            raise ValueError('the clock takes {"advance": seconds, not negative} and {"frozen": true or false}')
        self._controls.advance(advance)
        if "frozen" in given:
            self._controls.freeze(frozen)
        return JSONResponse(self._controls.snapshot()["clock"])


def _write(handler: Handler) -> Handler:
    @functools.wraps(handler)
    async def guarded(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return JSONResponse({"error": "send application/json"}, status_code=415)
        try:
            return await handler(request)
        except ValueError as error:
            problems = error.problems if isinstance(error, SettingRefused) else [str(error)]
            return JSONResponse({"error": str(error), "problems": problems}, status_code=422)

    return guarded


async def _json(request: Request) -> Any:
    return read_json(await request.body())


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("the body must be a JSON object")  # noqa: TRY004 - a mistake of the sender
    return value


def _rule(value: Any) -> FaultRule:
    return parse_fault(value) if isinstance(value, str) else FaultRule.model_validate(value)
