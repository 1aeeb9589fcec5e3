"""The running local service: one socket on 127.0.0.1, one thread, and the Python door to all that can be set.

`with Emulator() as emulator:` is the whole of it; what it answers stands in `rules`, what goes wrong in `faults`.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import connect_api, device_api, session_api
from .client_key import ClientKeyFile
from .config import EmulatorConfig, Player, merged
from .control import BASE, ControlApi
from .establish_body import EstablishBody
from .fault_rules import FaultRule, parse_fault
from .faults import FaultMiddleware, FaultTable
from .journal import JournalMiddleware
from .native_api import NativeApi
from .page_frame import PageFrame
from .pages import ErrandPages
from .problems import refusing
from .sessions import Pair, Session
from .sign_in_pages import SignInPages
from .state import RequestRecord, State
from .threaded import ThreadedServer

HOST = "127.0.0.1"

logger = logging.getLogger("sudomimus_bridge.emulator")


class Emulator:
    """A double of the Sudomimus service. Use it as a context manager, or `start` and `stop` it."""

    def __init__(self, config: EmulatorConfig | Mapping[str, Any] | None = None, *, port: int = 0) -> None:
        if isinstance(config, EmulatorConfig):
            self.config: EmulatorConfig = config.model_copy(deep=True)
        else:
            with refusing(EmulatorConfig):
                self.config = merged(EmulatorConfig(), config or {})
        self._given = self.config.model_copy(deep=True)
        self._state = State(self.config)
        self._faults = FaultTable(self.config.faults)
        self._wanted_port = port
        self._server: ThreadedServer | None = None
        self._client_key: ClientKeyFile | None = None

    # --- running -----------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Bind a port and serve it from a new thread; return once the service listens.

        OSError if the port is taken. If the start fails, no thread, socket or key file stays behind.
        """
        if self._server is not None:
            raise RuntimeError("the emulator runs already")
        # asyncio turns Nagle's delay (40 ms for each answer) off only if the socket names its protocol.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # on Windows the option would let two processes share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self._wanted_port))
            self._state.native_url = f"http://{HOST}:{listener.getsockname()[1]}"
            self._state.via_url = f"{self._state.native_url}/via"
            self._client_key = ClientKeyFile()
            self._server = ThreadedServer(self._application(), self._state.clock)
            self._server.start(listener)
        except BaseException:
            self.stop()
            listener.close()
            raise
        return self

    def stop(self) -> None:
        """Break what is under way, close the socket and wait for the thread to end. Harmless when repeated."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()
        if self._client_key is not None:
            self._client_key.remove()
            self._client_key = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def urls(self) -> dict[str, Any]:
        """All that a client needs: the JSON line of `sudomimus-bridge emulator --json`."""
        key = self.config.access_keys[0] if self.config.access_keys else None
        app_ids = self.config.application.allowed_steam_app_ids
        return {
            "native": self._state.native_url,
            "connect": self._state.native_url + connect_api.BASE,
            "device": self._state.native_url + device_api.BASE,
            "session": self._state.native_url + session_api.BASE,
            "via": self._state.via_url,
            "application": self.config.application.anchor,
            "steamAppId": app_ids[0] if app_ids else None,
            "accessKeyId": key.identifier if key else None,
            "accessKeySecret": key.secret if key else None,
            "clientKeyFile": str(self._client_key.path) if self._client_key else None,
        }

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that point a `Bridge` here: `Bridge(**emulator.settings)`."""
        apis = {f"{name}_url": self.urls[name] for name in ("native", "connect", "device", "session", "via")}
        return {"application": self.urls["application"], "steam_app_id": self.urls["steamAppId"], **apis}

    # --- setting -----------------------------------------------------------------------------------------------------

    def update(self, changes: Mapping[str, Any] | None = None, /, **settings: Any) -> None:
        """Change settings: `update({"claims.email": "REQUIRED"})`, `update(dialect="documents")`. All of it or nothing.

        Raises `SettingRefused`, a ValueError, that names each wrong setting.
        """
        changes = {**(changes or {}), **settings}
        with self._state.lock, refusing(EmulatorConfig):
            changed = merged(self.config, changes)
            before = self.config.model_copy()
            for name in EmulatorConfig.model_fields:
                if getattr(before, name) != getattr(changed, name):
                    setattr(self.config, name, getattr(changed, name))
            if self.config.faults != before.faults:
                self._faults.replace(self.config.faults)
            if self.config.players != before.players:
                for player in self.config.players:
                    self._state.put_player(player)

    def fault(self, rule: FaultRule | str | None = None, /, **fields: Any) -> FaultRule:
        """Let something go wrong from now on: a rule, its short form, or its fields as keywords."""
        with refusing(FaultRule):
            if isinstance(rule, str):
                rule = parse_fault(rule)
            rule = rule or FaultRule.model_validate(fields)
        self._faults.add(rule)
        return rule

    def clear_faults(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.replace([])

    @property
    def players(self) -> dict[int, Player]:
        """The accounts by SteamID64. They are live: what is set on a player, the next request sees."""
        return self._state.players

    def player(self, steam_id: int | None = None) -> Player:
        """One account, live; without a SteamID the default player's."""
        with self._state.lock:
            return self._state.player(steam_id if steam_id is not None else self.config.default_player)

    def put_player(self, player: Player | Mapping[str, Any] | None = None, /, **fields: Any) -> Player:
        """Add an account, or change the one with this `steam_id`: what is not given stays as it is."""
        with self._state.lock, refusing(Player):
            if isinstance(player, Player):
                return self._state.put_player(player)
            given = {**(player or {}), **fields}
            # Validated alone first, so that a missing or wrong SteamID is told as such.
            named = {name: given[name] for name in ("steam_id", "steamId") if name in given}
            steam_id = Player.model_validate(named).steam_id
            known = self._state.players.get(steam_id) or Player(steam_id=steam_id)
            return self._state.put_player(merged(known, given))

    def remove_player(self, steam_id: int) -> None:
        """Let an account be gone altogether: what it opened before ends as AccountNotFound, its errands as EXPIRED."""
        with self._state.lock:
            self._state.players.pop(steam_id, None)
            self._state.errands.forget(steam_id)

    # --- sign-ins and sessions ---------------------------------------------------------------------------------------

    def establish(self, narrowing: Mapping[str, Any] | None = None, /) -> dict[str, str]:
        """Play the game's backend: an inquiry as POST /establish makes it, without a key. `STATUS_POLL` where no
        `returnMethods` are given.
        """
        body = {"returnMethods": [{"type": "STATUS_POLL", "payload": {}}], **(narrowing or {})}
        with self._state.lock, refusing(EstablishBody):
            body["applicationAnchor"] = self.config.application.anchor
            inquiry = self._state.sign_ins.establish(EstablishBody.model_validate(body), self.config)
        return {"exposureKey": inquiry.exposure_key, "hiddenKey": inquiry.hidden_key}

    def open_session(self, steam_id: int | None = None) -> Pair:
        """A session for a player, whose tokens are those of a sign-in."""
        with self._state.lock:
            return self._state.sessions.open(self.player(steam_id), self.config, self._state.via_url)

    @property
    def sessions(self) -> list[Session]:
        """All sessions, oldest first. They are live: what is set on one, the next request sees."""
        with self._state.lock:
            return list(self._state.sessions.sessions)

    def set_sessions(
        self, *, steam_id: int | None = None, revoked: bool | None = None, suspended: bool | None = None
    ) -> int:
        """Revoke or suspend sessions, a player's or all; how many were meant."""
        meant = [one for one in self.sessions if steam_id in (None, one.steam_id)]
        with self._state.lock:
            for session in meant:
                session.revoked = session.revoked if revoked is None else revoked
                session.suspended = session.suspended if suspended is None else suspended
        return len(meant)

    # --- starting anew -----------------------------------------------------------------------------------------------

    def reset(self, *, settings: bool = False) -> None:
        """Forget all that happened: players, errands, sign-ins, sessions, tickets, budgets, journal, added faults. `settings`
        puts those back too.
        """
        with self._state.lock:
            if settings:
                given = self._given.model_copy(deep=True)
                for name in EmulatorConfig.model_fields:
                    setattr(self.config, name, getattr(given, name))
                self._state.clock.freeze(False)
            self._state.reset()
            self._faults.replace(self.config.faults)

    # --- time and what was seen --------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass for windows, errands, sign-ins and tokens."""
        with self._state.lock:
            self._state.clock.advance(seconds)

    def freeze(self, frozen: bool = True) -> None:
        """Let the clock stand still, but for `advance`; or run again."""
        with self._state.lock:
            self._state.clock.freeze(frozen)

    @property
    def requests(self) -> list[RequestRecord]:
        """The journal so far."""
        with self._state.lock:
            return list(self._state.requests)

    def snapshot(self) -> dict[str, Any]:
        """Everything but the secrets, as JSON values."""
        with self._state.lock:
            config = self.config.model_dump(mode="json", by_alias=True, exclude={"players", "faults"})
            for key in config["accessKeys"]:
                key["secret"] = "(not shown)"  # noqa: S105
            return {
                "urls": {name: url for name, url in self.urls.items() if name != "accessKeySecret"},
                "config": config,
                "players": [p.model_dump(mode="json", by_alias=True) for p in self.players.values()],
                "errands": self._state.errands.count(),
                **self._state.sign_ins.count(),
                "sessions": self._state.sessions.count(),
                "faults": [
                    {**f.rule.model_dump(mode="json", by_alias=True, exclude_defaults=True), "applied": f.applied}
                    for f in self._faults.active
                ],
                "clock": {"now": self._state.clock.now(), "frozen": self._state.clock.frozen},
            }

    def _application(self) -> Starlette:
        frame = PageFrame(self._state)
        application = Starlette(
            routes=[
                *NativeApi(self._state).routes(),
                *connect_api.ConnectApi(self._state).routes(),
                *device_api.DeviceApi(self._state).routes(),
                *session_api.SessionApi(self._state).routes(),
                *frame.routes(),
                *ErrandPages(self._state, frame).routes(),
                *SignInPages(self._state, frame).routes(),
                *ControlApi(self).routes(),
            ],
            middleware=[
                # A page elsewhere that lets its own name point to 127.0.0.1 (DNS rebinding) gets nothing.
                Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"]),
                Middleware(JournalMiddleware, state=self._state, untouched=BASE),
                Middleware(FaultMiddleware, table=self._faults, untouched=BASE),
            ],
            exception_handlers={HTTPException: _no_such_route, Exception: _failed},
        )
        # The contracts know no redirects: a path with a slash too many is not found.
        application.router.redirect_slashes = False
        return application


async def _no_such_route(_request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    reasons = {400: "InvalidBody", 404: "RouteNotFound", 405: "MethodNotAllowed"}
    # The 405 names in Allow what is allowed (RFC 9110, 15.5.6).
    return JSONResponse({"reason": reasons.get(error.status_code)}, error.status_code, error.headers)


async def _failed(_request: Request, error: Exception) -> Response:
    logger.error("the emulator itself failed", exc_info=error)
    return Response(status_code=500)
