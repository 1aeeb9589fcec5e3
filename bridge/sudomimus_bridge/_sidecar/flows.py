"""What the methods do: the bridge's flows, each for the request that asked for it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .._runs.exhaustion import as_exhaustion
from .._values.errors import BridgeError, ConfigurationError, LoginCancelled, LoginDenied
from .._values.sealed import sealed
from .._version import __version__
from .dispatcher import Call
from .idle import SharedSteam
from .jsonrpc import INTERNAL_ERROR, Id, RpcError
from .logs import crashed

if TYPE_CHECKING:
    from .._login.engine import Engine
    from .._login.progress import DoneSignal
    from .._session.refresh import Refreshed
    from .._settings import Settings
    from .._values.clock import Clock
    from .._values.events import DeviceHandoff, LoginResult, OnProgress, ProgressEvent
    from .dispatcher import Dispatcher
    from .messages import ErrandParams, LoginParams, RefreshParams, RequestParams
    from .shared import SharedCalls

PROTOCOL_VERSION = 1

SHUTDOWN_SECONDS = 0.35
"""How long running requests may take to clean up before the process ends without waiting for them."""

_APPLICATION_ERROR = -32000

_UNCERTAIN = "RefreshTokenUncertain"
"""The reason that says: nobody knows whether the refresh token was used, so it is not to be sent again."""

_log = logging.getLogger("sudomimus_bridge")


class Flows:
    """The requests of one launcher, on one engine and one Steam."""

    def __init__(self, settings: Settings, clock: Clock, end: Callable[[], None]) -> None:
        """`end` has the process end."""
        self.steam = SharedSteam(self.let_go, clock)
        self.dispatcher: Dispatcher
        self.shared: SharedCalls
        self._settings = settings
        self._clock = clock
        self._shared: Engine | None = None
        self._end = end
        self._done: dict[Id, DoneSignal] = {}

    async def let_go(self) -> None:
        """Let go of Steam, which the next login opens again."""
        if self._shared is not None:
            await self._shared.aclose()

    def initialize(self, names: list[str]) -> dict[str, Any]:
        """Who answers."""
        return {"protocolVersion": PROTOCOL_VERSION, "bridgeVersion": __version__, "methods": names}

    async def login(self, call: Call) -> dict[str, Any]:
        """Sign a player in."""
        params: LoginParams = call.params
        engine = self._engine(params.open_browser, params.quietly)
        with self._told_when_done(call) as done:
            return (await self._sign_in(engine, params, _progress(call), done)).to_json()

    async def _sign_in(self, engine: Engine, params: LoginParams, listen: OnProgress, done: DoneSignal) -> LoginResult:
        from .._login.credentials import access_key_credentials, browser_credentials

        if params.method == "browser":
            credentials = browser_credentials(exposure_key=params.exposure_key, hidden_key=params.hidden_key)
            if credentials.inquiry is None and getattr(
                sys, "frozen", False
            ):  # what a client key needs is not in the file
                raise ConfigurationError(
                    "This program takes no client key: give it the exposureKey and the hiddenKey that your backend gets from "
                    "POST /establish."
                )
            return await engine.login_browser(credentials, listen, done)
        if params.method == "steam":
            with self.steam.used():
                return await engine.login_steam(listen, done)
        if params.method == "device":
            return await engine.login_device(listen, done)
        return await engine.login_access_key(*access_key_credentials(), listen, done)

    async def refresh(self, call: Call) -> dict[str, Any]:
        """Use a refresh token, once for all requests that name it at the same time.

        If nobody knows what became of it, the error's reason says that it must not be sent again.
        """
        params: RefreshParams = call.params
        self._settings.require_application()  # the service's answer does not name it, and ours does
        token = params.refresh_token
        refreshed: Refreshed = await self.shared.call(("refresh", token), lambda: self._engine().refresh(token))
        if refreshed.result is not None:
            return refreshed.result.to_json()
        error = refreshed.error or LoginDenied("This sign-in has ended. Sign in again.")
        # One that is used up, and yet the service's trouble: who would wait for the service to send it again must not.
        if refreshed.fate.name == "UNKNOWN" or (refreshed.fate.name == "DEAD" and error.retryable):
            error.reason = _UNCERTAIN
        raise error

    @staticmethod
    def refresh_cancelled() -> LoginCancelled:
        """In the middle of it: the request may have arrived, and the new pair is lost."""
        error = LoginCancelled("The renewal was cancelled. Sign in again.")
        error.reason = _UNCERTAIN
        return error

    async def logout(self, call: Call) -> dict[str, Any]:
        """End a session, by one request for all that name its token at the same time."""
        params: RefreshParams = call.params
        token = params.refresh_token
        return {"revoked": await self.shared.call(("logout", token), lambda: self._engine().logout(token))}

    async def errand(self, call: Call) -> dict[str, Any]:
        """The proactive errand."""
        params: ErrandParams = call.params
        with self._told_when_done(call) as done:
            result = await self._engine(params.open_browser).share(params.access_token, _progress(call), done)
        return result.to_json()

    def done(self, call: Call) -> dict[str, Any]:
        """The player says so."""
        params: RequestParams = call.params
        signal = self._done.get(params.id)
        return {"accepted": signal is not None and signal.set()}

    def cancel(self, call: Call) -> dict[str, Any]:
        """Cancel a running request."""
        params: RequestParams = call.params
        return {"cancelled": self.dispatcher.cancel(params.id)}

    async def shutdown(self, _call: Call) -> None:
        """Cancel the others, so that their answers come before this one's, and end."""
        try:
            await self.dispatcher.cancel_all(SHUTDOWN_SECONDS)
        finally:
            self._end()

    def _engine(self, open_browser: bool = True, quietly: bool = False) -> Engine:
        """An engine for one request; all share one Steam. The first request imports it: other answers do not need it."""
        if self._shared is None:
            from .._login.engine import Engine
            from .heap import give_back_large_blocks

            give_back_large_blocks()
            self._shared = Engine(self._settings, clock=self._clock)
        return self._shared.adjusted(no_browser=None if open_browser else True, quietly=quietly or None)

    @contextmanager
    def _told_when_done(self, call: Call) -> Iterator[DoneSignal]:
        from .._login.progress import DoneSignal

        signal = self._done[call.id] = DoneSignal()
        try:
            yield signal
        finally:
            del self._done[call.id]


def explain(error: Exception) -> RpcError:
    """An exception as the error object of INTERFACES. What is not one of the bridge's errors is a bug, and is logged."""
    error = as_exhaustion(error) or error
    if isinstance(error, BridgeError):
        reason = {} if error.reason is None else {"reason": error.reason}
        data = {"kind": error.kind, **reason, "retryable": error.retryable}
        return RpcError(INTERNAL_ERROR if error.kind == "internal" else _APPLICATION_ERROR, error.sentence, data)
    _log.error("an error of the bridge itself: %s", crashed(error))
    sentence = "The bridge itself failed; standard error says where. Please report it."
    return RpcError(INTERNAL_ERROR, sentence, {"kind": "internal", "retryable": False})


def _device(device: DeviceHandoff) -> dict[str, str]:
    whole = device.verification_uri_complete
    code = {"userCode": device.user_code, "verificationUri": device.verification_uri}
    return code if whole is None else {**code, "verificationUriComplete": whole}


def _progress(call: Call) -> OnProgress:
    @sealed
    def tell(event: ProgressEvent) -> None:
        from .methods import checked

        said: dict[str, Any] = {
            "errand": event.errand and {"url": event.errand.url, "expiresAt": event.errand.expires_at},
            "device": event.device and _device(event.device),
            "claims": None if event.claims is None else dict(event.claims),
            "attempt": event.attempt,
            # Rounded, for a launcher that reads numbers by hand: 4.2e-05 is JSON as well.
            "retryInSeconds": event.retry_in_seconds and round(event.retry_in_seconds, 3),
        }
        known = {name: value for name, value in said.items() if value is not None}
        call.notify("progress", checked("Progress", {"id": call.id, "phase": event.phase, **known}))

    return tell
