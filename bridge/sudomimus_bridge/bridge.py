"""`Bridge`, the door for Python programs: blocking, async, and one step a frame. Each is thin: the flows are `login.engine`'s.

Nothing heavy is imported here before the first login starts, and then on that login's own thread.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from .errors import ConfigurationError, LoginCancelled
from .secret import Secret
from .settings import read_settings
from .stand_ins import StandIns, current

if TYPE_CHECKING:
    from .browser.port import Browser
    from .clock import Clock
    from .events import ErrandResult, LoginResult, OnProgress, ProgressEvent
    from .login.engine import Engine, OpenService
    from .login.progress import DoneSignal
    from .steam.port import Steam

T = TypeVar("T")
Flow = Callable[["OnProgress | None", "DoneSignal | None"], Awaitable[T]]

CLOSE_SECONDS = 2.0
"""How long `close` waits for each login that still runs, and for Steam, to clean up. A stuck library is left to itself."""


class Bridge:
    """Signs players in. Settings by keyword, as in INTERFACES' table, else from the environment.

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
        **settings: Any,
    ) -> None:
        """`steam`, `browser`, `clock` and `service` replace a port: a host's own Steam, or in tests a stand-in."""
        self._given = settings
        self._settings = read_settings(settings)
        self._ports: dict[str, Any] = {"steam": steam, "browser": browser, "clock": clock, "open_service": service}
        self._stand_ins: StandIns = current()
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        self._running: weakref.WeakSet[Running[Any]] = weakref.WeakSet()

    # --- signing in ------------------------------------------------------------------------------------------------------

    def login(self, method: str = "steam", on_progress: OnProgress | None = None, **credentials: str) -> LoginResult:
        """Sign in, blocking this thread; `on_progress` is called on it.

        `method` is "steam" or "access-key". For the latter `access_key_id` and `access_key_secret` may be given, else they
        come from the environment. Raises one of the errors of this package, each with its sentence.
        """
        return _blocking(self._login(method, credentials), on_progress)

    async def login_async(
        self, method: str = "steam", on_progress: OnProgress | None = None, **credentials: str
    ) -> LoginResult:
        """Sign in on this event loop, asyncio's or trio's. Cancelling the task cancels the ticket first."""
        return await self._login(method, credentials)(on_progress, None)

    def start_login(
        self, method: str = "steam", on_progress: OnProgress | None = None, **credentials: str
    ) -> Running[LoginResult]:
        """Sign in on a thread of its own and return at once; call the answer's `poll()` each frame."""
        return self._start(self._login(method, credentials), on_progress)

    # --- sharing more ----------------------------------------------------------------------------------------------------

    def share(self, access_token: str, on_progress: OnProgress | None = None) -> ErrandResult:
        """The proactive errand: let the player share more with the game. Blocks this thread."""
        return _blocking(self._share(access_token), on_progress)

    async def share_async(self, access_token: str, on_progress: OnProgress | None = None) -> ErrandResult:
        """The proactive errand, on this event loop."""
        return await self._share(access_token)(on_progress, None)

    def start_share(self, access_token: str, on_progress: OnProgress | None = None) -> Running[ErrandResult]:
        """The proactive errand, on a thread of its own; call the answer's `poll()` each frame."""
        return self._start(self._share(access_token), on_progress)

    # --- ending ----------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Cancel what still runs, wait a moment for its clean-up, and let go of Steam. The bridge may be used again."""
        with self._lock:
            running, engine = list(self._running), self._engine
        for login in running:
            login.cancel()
        for login in running:
            login.join(CLOSE_SECONDS)
        if engine is not None:
            engine.drop(CLOSE_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what the three faces share --------------------------------------------------------------------------------------

    def _login(self, method: str, credentials: dict[str, str]) -> Flow[LoginResult]:
        if unknown := set(credentials) - {"access_key_id", "access_key_secret"}:
            raise TypeError(f"no such credential: {', '.join(sorted(unknown))}")
        if method not in ("steam", "access-key"):
            raise ConfigurationError('The login method must be "steam" or "access-key".')
        identifier = credentials.get("access_key_id") or os.environ.get("SUDOMIMUS_ACCESS_KEY_ID")
        key = Secret(credentials.get("access_key_secret") or os.environ.get("SUDOMIMUS_ACCESS_KEY_SECRET") or "")

        async def flow(on_progress: OnProgress | None, done: DoneSignal | None) -> LoginResult:
            engine = self._flows()
            if method == "steam":
                return await engine.login_steam(on_progress, done)
            return await engine.login_access_key(identifier, key, on_progress, done)

        return flow

    def _share(self, access_token: str) -> Flow[ErrandResult]:
        token = Secret(access_token)

        async def flow(on_progress: OnProgress | None, done: DoneSignal | None) -> ErrandResult:
            return await self._flows().share(token, on_progress, done)

        return flow

    def _flows(self) -> Engine:
        with self._lock:
            if self._stand_ins is not current():  # under test, and made before it or used in one before
                if self._engine is not None:
                    self._engine.drop()
                self._stand_ins, self._engine = current(), None
                self._settings = read_settings(self._given)
            if self._engine is None:
                from .login.engine import Engine

                self._engine = Engine(self._settings, **self._ports_or_stand_ins())
                weakref.finalize(self, self._engine.drop)
            return self._engine

    def _ports_or_stand_ins(self) -> dict[str, Any]:
        return {name: port or getattr(self._stand_ins, name, None) for name, port in self._ports.items()}

    def _start(self, flow: Flow[T], on_progress: OnProgress | None) -> Running[T]:
        running = Running(flow, on_progress)
        with self._lock:
            self._running.add(running)
        running.start()
        return running


class Running(Generic[T]):
    """A login, or an errand, that runs on a thread of its own while the game draws its frames."""

    def __init__(self, flow: Flow[T], on_progress: OnProgress | None) -> None:
        self._flow: Flow[T] | None = flow
        self._on_progress = on_progress
        self._events: deque[ProgressEvent] = deque()
        self._outcome: tuple[T] | BaseException | None = None
        self._lock = threading.Lock()
        self._cancelled = False
        self._cancel: Callable[[], None] | None = None
        self._done: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._work, name="sudomimus-bridge login", daemon=True)

    def poll(self) -> T | None:
        """Call it each frame: it never blocks. Runs `on_progress` for what has happened since, on this thread.

        None while it runs, then the result; raises the error that it ended with.
        """
        outcome = self._outcome  # looked at first, so that every event before the end is told before it
        while self._events:
            event = self._events.popleft()
            if self._on_progress is not None:
                self._on_progress(event)
        if outcome is None:
            return None
        if isinstance(outcome, BaseException):
            raise outcome.with_traceback(None)
        return outcome[0]

    def done(self) -> None:
        """The player says: done in the browser. From any thread."""
        with self._lock:
            if self._done is not None:
                self._done()

    def cancel(self) -> None:
        """Give up: the ticket is cancelled, and `poll` raises `LoginCancelled`. From any thread; twice does no harm."""
        with self._lock:
            self._cancelled = True
            if self._cancel is not None:
                self._cancel()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait that many seconds at most for the thread to end."""
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _work(self) -> None:
        try:
            anyio = _gently_imported()
            self._outcome = ((current().run or anyio.run)(self._main),)
        except BaseException as error:  # noqa: BLE001 - for poll to raise, on the game's own thread
            self._outcome = error

    async def _main(self) -> T:
        import anyio
        from anyio import lowlevel

        from .login.progress import DoneSignal

        flow, self._flow = self._flow, None  # it holds the bridge, which may be dropped once the login is over
        if flow is None:
            raise RuntimeError("a login runs once")
        loop: Any = lowlevel.current_token().native_token
        signal = DoneSignal()
        with anyio.CancelScope() as scope:
            with self._lock:
                self._cancel = lambda: loop.call_soon_threadsafe(scope.cancel)
                self._done = lambda: loop.call_soon_threadsafe(signal.set)
                if self._cancelled:
                    scope.cancel()
            try:
                return await flow(self._events.append, signal)
            finally:
                with self._lock:
                    self._cancel = self._done = None
        raise LoginCancelled


def _gently_imported() -> Any:
    """anyio, and with it what a login loads on its own thread, while a game draws its frames."""
    from importlib import import_module

    from .gentle import gently

    with gently():
        anyio = import_module("anyio")
        with suppress(ImportError):  # what `anyio.run` would import by itself; another anyio may have it elsewhere
            import_module("anyio._backends._asyncio")
        import_module(".login.engine", __package__)
        return anyio


def _blocking(flow: Flow[T], on_progress: OnProgress | None) -> T:
    import anyio
    from anyio import lowlevel

    try:
        lowlevel.current_token()
    except anyio.NoEventLoopError:
        return (current().run or anyio.run)(flow, on_progress, None)
    raise ConfigurationError(
        "A blocking call was made on a thread that runs an event loop. Await login_async or share_async there instead."
    )
