"""The work of each method: it runs one of the bridge's flows for the request, and reports its progress."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from .._runs.threads import as_exhaustion
from .._values.errors import BridgeError, ConfigurationError, LoginCancelled, LoginDenied
from .._values.logs import describe_crash
from .._values.secret import sealed
from .._version import __version__
from .dispatcher import Call
from .interface import checked
from .jsonrpc import INTERNAL_ERROR, Id, RpcError
from .shared import SharedSteam

if TYPE_CHECKING:
    from .._login.ports import Ports
    from .._runs.signals import DoneSignal
    from .._service.answers import Refreshed
    from .._settings import Settings
    from .._values.clock import Clock
    from .._values.events import DeviceHandoff, LoginResult, OnProgress, ProgressEvent
    from .dispatcher import Dispatcher
    from .messages import ErrandParams, LoginParams, PlayerParams, RefreshParams, RequestParams
    from .shared import SharedCalls
    from .shutdown import Shutdown

PROTOCOL_VERSION = 1

REQUESTS_END_SECONDS = 0.35
"""The seconds that cancelled requests have for their clean-up at a shutdown. Then the shutdown goes on without them."""

_APPLICATION_ERROR = -32000

_UNCERTAIN = "RefreshTokenUncertain"
"""The reason of an error after which the refresh token may have been used, and must not be sent again."""

_log = logging.getLogger("sudomimus_bridge")


class Handlers:
    """Handles the requests of one launcher with one connection to Steam."""

    def __init__(self, settings: Settings, clock: Clock, shutdown: Shutdown) -> None:
        self.steam = SharedSteam(self.close_steam, clock)
        self.dispatcher: Dispatcher
        self.calls: SharedCalls
        self._settings = settings
        self._clock = clock
        self._all_ports: Ports | None = None
        self._shutdown = shutdown
        self._done: dict[Id, DoneSignal] = {}

    async def close_steam(self) -> None:
        """Close Steam. The next login opens it again."""
        if self._all_ports is not None:
            await self._all_ports.aclose()

    def initialize(self, names: list[str]) -> dict[str, Any]:
        """The versions, and the names of the methods."""
        return {"protocolVersion": PROTOCOL_VERSION, "bridgeVersion": __version__, "methods": names}

    async def login(self, call: Call) -> dict[str, Any]:
        """Sign a player in."""
        params: LoginParams = call.params
        ports = self._ports(params.open_browser, params.quietly, params.patient)
        with self._done_signal(call) as done:
            return (await self._sign_in(ports, params, _listener(call), done)).to_json()

    async def _sign_in(self, ports: Ports, params: LoginParams, listen: OnProgress, done: DoneSignal) -> LoginResult:
        from .._login.methods import Browser, Steam, method_named
        from .._login.sign_in import sign_in

        keys = {"exposure_key": params.exposure_key, "hidden_key": params.hidden_key}
        given: dict[str, Any] = {name: key for name, key in keys.items() if key is not None}
        method = method_named(params.method)(**given)
        if isinstance(method, Browser) and getattr(sys, "frozen", False) and method.inquiry is None:
            # The single file does not contain the libraries that a client key needs.
            raise ConfigurationError(
                detail="This program takes no client key: give it the exposureKey and the hiddenKey that your backend gets "
                "from POST /establish."
            )
        with self._steam_in_use(ports, isinstance(method, Steam)):
            return await sign_in(method, ports, listen, done)

    def _steam_in_use(self, ports: Ports, asks_for_ticket: bool = False) -> AbstractContextManager[None]:
        """Keeps Steam open while the block runs, if the request needs a ticket or opens its page in Steam's overlay."""
        return self.steam.used() if asks_for_ticket or ports.settings.page == "overlay" else nullcontext()

    async def refresh(self, call: Call) -> dict[str, Any]:
        """Exchange a refresh token, once for all requests that send the same token at the same time.

        If the token may have been used, the error's reason says that it must not be sent again.
        """
        from .._login.renewal import refresh

        params: RefreshParams = call.params
        self._settings.require_application()  # the result names the application, and the service's answer does not
        token = params.refresh_token
        refreshed: Refreshed = await self.calls.call(("refresh", token), partial(refresh, token, self._ports()))
        if refreshed.result is not None:
            return refreshed.result.to_json()
        error = refreshed.error or LoginDenied("This sign-in has ended. Sign in again.")
        if refreshed.uncertain:
            error.reason = _UNCERTAIN
        raise error

    @staticmethod
    def refresh_cancelled() -> LoginCancelled:
        """The error for a cancelled renewal: the request may have arrived, and the new pair is lost."""
        return LoginCancelled("The renewal was cancelled. Sign in again.", reason=_UNCERTAIN)

    async def logout(self, call: Call) -> dict[str, Any]:
        """End a session, with one call for all requests that send the same token at the same time."""
        from .._login.renewal import logout

        params: RefreshParams = call.params
        token = params.refresh_token
        return {"revoked": await self.calls.call(("logout", token), partial(logout, token, self._ports()))}

    async def errand(self, call: Call) -> dict[str, Any]:
        """Run the proactive errand."""
        from .._login.errand import share

        params: ErrandParams = call.params
        ports = self._ports(params.open_browser)
        with self._done_signal(call) as done, self._steam_in_use(ports):
            result = await share(params.access_token, ports, _listener(call), done)
        return result.to_json()

    async def player(self, call: Call) -> dict[str, Any]:
        """Return the player of an access token."""
        from .._login.profile import find_player

        params: PlayerParams = call.params
        return (await find_player(params.access_token, self._ports())).to_json()

    def done(self, call: Call) -> dict[str, Any]:
        """Tell a running request that the player is done in the browser."""
        params: RequestParams = call.params
        signal = self._done.get(params.id)
        return {"accepted": signal is not None and signal.set()}

    def cancel(self, call: Call) -> dict[str, Any]:
        """Cancel a running request."""
        params: RequestParams = call.params
        return {"cancelled": self.dispatcher.cancel(params.id)}

    async def shutdown(self, _call: Call) -> None:
        """Cancel the other requests, so that their responses come before this one's, and end the process."""
        self._shutdown.limit()
        try:
            await self.dispatcher.cancel_all(REQUESTS_END_SECONDS)
        finally:
            self._shutdown.begin()

    def _ports(self, open_browser: bool = True, quietly: bool = False, patient: bool = False) -> Ports:
        """The ports for one request. All share one Steam. They are imported for the first request that needs them."""
        if self._all_ports is None:
            from .._login.ports import Ports

            _return_large_blocks()
            self._all_ports = Ports(self._settings, clock=self._clock)
        return self._all_ports.adjusted(
            page=None if open_browser else "show", quietly=quietly or None, patient=patient or None
        )

    @contextmanager
    def _done_signal(self, call: Call) -> Iterator[DoneSignal]:
        from .._runs.signals import DoneSignal

        signal = self._done[call.id] = DoneSignal()
        try:
            yield signal
        finally:
            del self._done[call.id]


def _return_large_blocks() -> None:
    """Have glibc return each large block to the system when it is freed: otherwise a process that runs for hours keeps it.

    By default glibc raises the threshold to the largest block freed so far, and keeps smaller ones (mallopt(3)).
    """
    if sys.platform == "linux":
        import ctypes

        m_mmap_threshold, large = -3, 32 * 1024
        with suppress(OSError, AttributeError):  # the C library is not glibc
            ctypes.CDLL(None).mallopt(m_mmap_threshold, large)


def explain(error: Exception) -> RpcError:
    """An exception as an error object. Logs the detail for the developer, and a bug of the bridge with its place."""
    error = as_exhaustion(error) or error
    if isinstance(error, BridgeError):
        if error.detail is not None:
            _log.warning("%s: %s", error.kind, error.detail)
        reason = {} if error.reason is None else {"reason": error.reason}
        data = {"kind": error.kind, **reason, "retryable": error.retryable}
        return RpcError(INTERNAL_ERROR if error.kind == "internal" else _APPLICATION_ERROR, error.sentence, data)
    _log.error("This is a bug of the bridge. Please report it: %s", describe_crash(error))
    sentence = "Something went wrong inside the game's sign-in. Please report it to the makers of the game."
    return RpcError(INTERNAL_ERROR, sentence, {"kind": "internal", "retryable": False})


def _listener(call: Call) -> OnProgress:
    return partial(_notify, call)


@sealed
def _notify(call: Call, event: ProgressEvent) -> None:
    """Send an event as a `progress` notification."""
    members: dict[str, Any] = {
        "errand": event.errand and {"url": event.errand.url, "expiresAt": event.errand.expires_at},
        "device": event.device and _device(event.device),
        "claims": None if event.claims is None else dict(event.claims),
        "attempt": event.attempt,
        # Rounded: 4.2e-05 is valid JSON, but a launcher may read numbers by hand.
        "retryInSeconds": event.retry_in_seconds and round(event.retry_in_seconds, 3),
        "othersWaiting": event.others_waiting,
        "sentence": event.sentence,
    }
    known = {name: value for name, value in members.items() if value is not None}
    call.notify("progress", checked("Progress", {"id": call.id, "phase": event.phase, **known}))


def _device(device: DeviceHandoff) -> dict[str, str]:
    complete = device.verification_uri_complete
    code = {"userCode": device.user_code, "verificationUri": device.verification_uri}
    return code if complete is None else {**code, "verificationUriComplete": complete}
