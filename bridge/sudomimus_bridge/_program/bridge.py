"""`Bridge`, the door for Python programs: blocking, async, and one step a frame. Each is thin: the flows are `login.engine`'s.

Nothing heavy is imported here before the first login starts, and then on that login's own thread.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, overload

from .._runs.awaited import Awaited
from .._runs.running import Flow, Running, blocking
from .._settings import read_settings
from .._values.errors import AccessTokenRefused, ConfigurationError
from .._values.secret import Secret
from .stand_ins import StandIns, current

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._browser.port import Browser
    from .._login.engine import Engine, OpenService
    from .._login.progress import DoneSignal
    from .._session.keeper import Keeper
    from .._settings import Setting
    from .._values.clock import Clock
    from .._values.events import ErrandResult, LoginResult, OnProgress
    from ..steam._port import Steam
    from .keywords import (
        AccessKeyCredentials,
        ClientKeyCredentials,
        InquiryCredentials,
        Keywords,
        LoginMethod,
        LoginOptions,
    )
    from .session import Session

T = TypeVar("T")

_CREDENTIALS: dict[str, set[str]] = {
    "steam": set(),
    "access-key": {"access_key_id", "access_key_secret"},
    "browser": {"client_key", "client_key_file", "exposure_key", "hidden_key", "constraints"},
    "device": set(),
}

CLOSE_SECONDS = 2.0
"""How long `close` waits for each login that still runs, and for Steam, to clean up. A stuck library is left to itself."""


def _as_keyword(setting: Setting) -> str:
    return setting.keyword


class Bridge:
    """Signs players in. Settings by keyword (`application`, `steam_app_id`, … as the README's table has them), else
    from the environment.

    One bridge may be used again and again, and by several threads. Steam stays initialised between its logins, until
    `close()`, or the end of a `with` block. Raises `ConfigurationError` for a setting that is wrong.
    """

    def __init__(
        self,
        *,
        steam: Steam | None = None,
        browser: Browser | None = None,
        clock: Clock | None = None,
        service: OpenService | None = None,
        **settings: Unpack[Keywords],
    ) -> None:
        """`steam`, `browser`, `clock` and `service` replace a port: a host's own Steam, or in tests a stand-in."""
        self._given: dict[str, Any] = {**settings}
        self._settings = read_settings(self._given, spelled=_as_keyword)
        self._ports: dict[str, Any] = {"steam": steam, "browser": browser, "clock": clock, "open_service": service}
        self._stand_ins: StandIns = current()
        self._lock = threading.RLock()  # a finalizer may close the bridge on the very thread that holds it
        self._engine: Engine | None = None
        self._keeper: Keeper | None = None
        self._stay_signed_in: bool | None = None
        self._running: weakref.WeakSet[Running[Any] | Awaited[Any]] = weakref.WeakSet()

    # --- signing in ------------------------------------------------------------------------------------------------------

    @overload
    def login(
        self,
        method: Literal["steam", "device"] = "steam",
        on_progress: OnProgress | None = None,
        **options: Unpack[LoginOptions],
    ) -> LoginResult: ...
    @overload
    def login(
        self,
        method: Literal["access-key"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[AccessKeyCredentials],
    ) -> LoginResult: ...
    @overload
    def login(
        self,
        method: Literal["browser"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[InquiryCredentials],
    ) -> LoginResult: ...
    @overload
    def login(
        self,
        method: Literal["browser"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[ClientKeyCredentials],
    ) -> LoginResult: ...
    def login(
        self,
        method: LoginMethod = "steam",
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
        **credentials: Any,
    ) -> LoginResult:
        """Sign in, blocking this thread; `on_progress` is called on it.

        `method` is "steam", "access-key" (`access_key_id`, `access_key_secret`), "browser" (`exposure_key` and `hidden_key`
        of an inquiry that a backend established, or on a developer's machine `client_key` or `client_key_file`, and
        `constraints`) or "device". A credential that is not given comes from the environment. `quietly` is the setting of
        that name for this login. Raises one of the errors of this package, each with its sentence.
        """
        return self._blocking(self._login(method, credentials, quietly), on_progress)

    @overload
    async def login_async(
        self,
        method: Literal["steam", "device"] = "steam",
        on_progress: OnProgress | None = None,
        **options: Unpack[LoginOptions],
    ) -> LoginResult: ...
    @overload
    async def login_async(
        self,
        method: Literal["access-key"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[AccessKeyCredentials],
    ) -> LoginResult: ...
    @overload
    async def login_async(
        self,
        method: Literal["browser"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[InquiryCredentials],
    ) -> LoginResult: ...
    @overload
    async def login_async(
        self,
        method: Literal["browser"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[ClientKeyCredentials],
    ) -> LoginResult: ...
    async def login_async(
        self,
        method: LoginMethod = "steam",
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
        **credentials: Any,
    ) -> LoginResult:
        """Sign in on this event loop, asyncio's or trio's. Cancelling the task cancels the ticket first."""
        return await self._awaited(self._login(method, credentials, quietly))(on_progress, None)

    @overload
    def start_login(
        self,
        method: Literal["steam", "device"] = "steam",
        on_progress: OnProgress | None = None,
        **options: Unpack[LoginOptions],
    ) -> Running[LoginResult]: ...
    @overload
    def start_login(
        self,
        method: Literal["access-key"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[AccessKeyCredentials],
    ) -> Running[LoginResult]: ...
    @overload
    def start_login(
        self,
        method: Literal["browser"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[InquiryCredentials],
    ) -> Running[LoginResult]: ...
    @overload
    def start_login(
        self,
        method: Literal["browser"],
        on_progress: OnProgress | None = None,
        **credentials: Unpack[ClientKeyCredentials],
    ) -> Running[LoginResult]: ...
    def start_login(
        self,
        method: LoginMethod = "steam",
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
        **credentials: Any,
    ) -> Running[LoginResult]:
        """Sign in on a thread of its own and return at once; call the answer's `poll()` each frame."""
        return self._start(self._login(method, credentials, quietly), on_progress)

    # --- sharing more ----------------------------------------------------------------------------------------------------

    def share(self, access_token: str | None = None, on_progress: OnProgress | None = None) -> ErrandResult:
        """The proactive errand: let the player share more with the game. Blocks this thread.

        Without a token, with the session's, which is renewed first where it has run out.
        """
        try:
            flow = self._share(access_token)
        finally:
            del access_token  # out of this frame, which a crash reporter may keep
        return self._blocking(flow, on_progress)

    async def share_async(self, access_token: str | None = None, on_progress: OnProgress | None = None) -> ErrandResult:
        """The proactive errand, on this event loop."""
        try:
            flow = self._share(access_token)
        finally:
            del access_token
        return await self._awaited(flow)(on_progress, None)

    def start_share(
        self, access_token: str | None = None, on_progress: OnProgress | None = None
    ) -> Running[ErrandResult]:
        """The proactive errand, on a thread of its own; call the answer's `poll()` each frame."""
        try:
            flow = self._share(access_token)
        finally:
            del access_token
        return self._start(flow, on_progress)

    # --- staying signed in -----------------------------------------------------------------------------------------------

    def session(self, stay_signed_in: bool | None = None) -> Session:
        """The signed-in player: gives access tokens that are valid, for as long as it is asked for some.

        `stay_signed_in` is the player's choice: whether the session is kept on this computer after the program has ended
        (`session.file_store`), or only in memory. A choice holds for every `Session` of this bridge, until another call
        makes another one. Without the argument, the choice stays as it is; the first call chooses True.
        """
        from .session import Session

        if stay_signed_in is not None or self._stay_signed_in is None:
            self._stay_signed_in = stay_signed_in is not False
        return Session(lambda: self._flows()[1], self._session_problem, self._blocking, self._awaited, self._start)

    def _session_problem(self) -> str | None:
        # The thread that draws frames asks, so this imports nothing and waits for nobody.
        keeper = self._keeper if self._stay_signed_in else None
        return keeper.place.problem if keeper is not None else None

    # --- ending ----------------------------------------------------------------------------------------------------------

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Cancel what still runs, wait a moment for its clean-up, and let go of Steam. The bridge may be used again.

        What was started raises `LoginCancelled` from `poll()`; what another thread or a task waits for raises it there.
        `seconds` is how long to wait at most for each: 0 in a frame loop, where the clean-up goes on by itself.
        """
        with self._lock:
            running, engine = list(self._running), self._engine
        for login in running:
            login.cancel()
        for login in running:
            login.join(seconds)
        if engine is not None:
            engine.drop(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what the three faces share --------------------------------------------------------------------------------------

    def _login(
        self, method: LoginMethod, credentials: dict[str, Any], quietly: bool | None = None
    ) -> Flow[LoginResult]:
        # Out of the caller's keywords first: a crash reporter keeps them. A mistyped name may hold a secret, too.
        for name in credentials.keys() - {"access_key_id", "client_key_file", "constraints"}:
            if isinstance(credentials[name], str):
                credentials[name] = Secret(credentials[name])
            elif isinstance(credentials[name], bytes):
                credentials[name] = Secret(credentials[name].decode(errors="replace"))
        if method not in _CREDENTIALS:
            raise ConfigurationError(f"The login method must be one of {', '.join(_CREDENTIALS)}.")
        if unknown := set(credentials) - _CREDENTIALS[method]:
            raise TypeError(f"no such credential for {method}: {', '.join(sorted(unknown))}")

        async def sign_in(engine: Engine, on_progress: OnProgress | None, done: DoneSignal | None) -> LoginResult:
            from .._login.credentials import access_key_credentials, browser_credentials

            if method == "access-key":
                return await engine.login_access_key(*access_key_credentials(**credentials), on_progress, done)
            if method == "browser":
                return await engine.login_browser(browser_credentials(**credentials), on_progress, done)
            if method == "device":
                return await engine.login_device(on_progress, done)
            return await engine.login_steam(on_progress, done)

        async def flow(on_progress: OnProgress | None, done: DoneSignal | None) -> LoginResult:
            from .._session.receipt import Receipt

            engine, keeper = self._flows()
            receipt = Receipt(engine.clock, on_progress)
            result = await sign_in(engine.adjusted(quietly=quietly), receipt, done)
            await keeper.adopt(receipt.record(result, method))
            if method == "access-key":  # the key is at hand as long as the bridge is
                keeper.silent[method] = lambda listen, said, quiet: sign_in(
                    engine.adjusted(quietly=quiet), listen, said
                )
            return result

        return flow

    def _share(self, access_token: str | None) -> Flow[ErrandResult]:
        try:
            given = Secret(access_token) if access_token is not None else None
        finally:
            del access_token

        async def flow(on_progress: OnProgress | None, done: DoneSignal | None) -> ErrandResult:
            engine, keeper = self._flows()
            token = given if given is not None else await keeper.access_token(0, on_progress, done)
            try:
                result = await engine.share(token, on_progress, done)
            except AccessTokenRefused:
                if not await keeper.holds(token):
                    raise
                keeper.outdated(token)
                token = await keeper.access_token(0, on_progress, done)
                result = await engine.share(token, on_progress, done)
            if result.completed:
                keeper.outdated(token, result.claims)
            return result

        return flow

    def _flows(self) -> tuple[Engine, Keeper]:
        # Not under the lock, which the thread that draws frames takes too.
        from .._login.engine import Engine
        from .._session.opening import open_keeper

        with self._lock:
            if self._stand_ins is not current():  # under test, and made before it or used in one before
                if self._engine is not None:
                    self._engine.drop()
                self._stand_ins, self._engine = current(), None
                self._settings = read_settings(self._given, spelled=_as_keyword)
            if self._engine is None or self._keeper is None:
                self._engine = Engine(self._settings, **self._ports_or_stand_ins())
                self._keeper = open_keeper(self._engine, by_steam=self._steam_may_be_there())
                weakref.finalize(self, self._engine.drop)
            self._keeper.place.stay_signed_in = bool(self._stay_signed_in)
            return self._engine, self._keeper

    def _steam_may_be_there(self) -> bool:
        if self._settings.steam_hosted or self._ports_or_stand_ins()["steam"] is not None:
            return True
        try:
            return bool(self._settings.require_steam_app_id())
        except ConfigurationError:
            return False

    def _ports_or_stand_ins(self) -> dict[str, Any]:
        return {name: port or getattr(self._stand_ins, name, None) for name, port in self._ports.items()}

    def _blocking(self, flow: Flow[T], on_progress: OnProgress | None) -> T:
        awaited = self._awaited(flow)
        try:
            return blocking(awaited, on_progress)
        finally:
            awaited.end()

    def _awaited(self, flow: Flow[T]) -> Awaited[T]:
        awaited = Awaited(flow)
        with self._lock:
            self._running.add(awaited)
        return awaited

    def _start(self, flow: Flow[T], on_progress: OnProgress | None) -> Running[T]:
        running = Running(flow, on_progress)
        with self._lock:
            self._running.add(running)
        running.start()
        return running
