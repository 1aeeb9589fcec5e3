"""`Runner` runs the flows of a `Bridge` and its `Session`. It builds the ports and the session at the first flow."""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any, TypeVar

from .._runs.running import Flow, Running
from .._settings import Setting, Settings, read_settings
from .._values.errors import AccessTokenRefused, ConfigurationError
from .stand_ins import StandIns, current

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .._login.methods import Method
    from .._login.ports import Ports
    from .._runs.signals import DoneSignal
    from .._session.player_session import PlayerSession
    from .._values.events import Claims, ErrandResult, LoginResult, OnProgress
    from .._values.player import Player
    from .._values.secret import Secret

T = TypeVar("T")


class Runner:
    """Runs the flows of one `Bridge`. Any thread may call its methods, and any event loop may run a flow."""

    def __init__(self, given: dict[str, Any], ports: dict[str, Any]) -> None:
        """`given`: the settings by keyword. `ports`: replacements of real ports. Raises as `read_settings` does."""
        self.stay_signed_in: bool | None = None
        self._given = given
        self._ports = ports
        self.settings: Settings = read_settings(given, spelled=_keyword)
        self._stand_ins: StandIns = current()
        self._lock = threading.RLock()  # a finalizer may close the bridge on the very thread that holds it
        self._open_ports: Ports | None = None
        self._session: PlayerSession | None = None
        self._running: weakref.WeakSet[Running[Any]] = weakref.WeakSet()

    def running(self, flow: Flow[T], on_progress: OnProgress | None = None) -> Running[T]:
        """A run of this flow. The caller chooses how it runs; `close` cancels it."""
        running = Running(flow, on_progress, run=current().run, imports=_import_flows)
        with self._lock:
            self._running.add(running)
        return running

    def started(self, flow: Flow[T], on_progress: OnProgress | None = None) -> Running[T]:
        """A run of this flow, started on a thread of its own."""
        running = self.running(flow, on_progress)
        running.start()
        return running

    def problem(self) -> str | None:
        """Why the session cannot be saved; None if it can. Imports nothing and never waits, because a frame loop calls it."""
        session = self._session if self.stay_signed_in else None
        return session.storage.problem if session is not None else None

    def close(self, seconds: float) -> None:
        """Cancel every run, wait `seconds` at most for each, then release Steam."""
        with self._lock:
            running, ports = list(self._running), self._open_ports
        for each in running:
            each.cancel()
        for each in running:
            each.join(seconds)
        if ports is not None:
            ports.drop(seconds)

    # --- the flows -------------------------------------------------------------------------------------------------------

    async def sign_in(
        self,
        method: Method,
        settings: Mapping[str, Any],
        on_progress: OnProgress | None,
        done: DoneSignal,
    ) -> LoginResult:
        """Sign in, and have the session keep the tokens. A value in `settings` replaces the bridge's, unless it is None."""
        from .._login.sign_in import sign_in
        from .._session.record import IssueTimer

        ports, session = self._opened()
        timer, ports = IssueTimer(ports.clock, on_progress), ports.adjusted(**settings)
        ends = ports.clock.now() + ports.settings.time_limit(ports.settings.patient)
        result = await sign_in(method, ports, timer, done)
        await session.adopt(timer.record(result, method.name), ends - ports.clock.now())
        session.renew_by(method)
        return result

    async def share(self, given: Secret | None, on_progress: OnProgress | None, done: DoneSignal) -> ErrandResult:
        """The proactive errand, with the given access token or the session's. A refused token of the session is renewed once."""
        from .._login.errand import share

        ports, session = self._opened()
        token = given if given is not None else await session.access_token(0, on_progress, done)
        try:
            result = await share(token, ports, on_progress, done)
        except AccessTokenRefused:
            if not await session.holds(token):
                raise
            session.outdated(token)
            token = await session.access_token(0, on_progress, done)
            result = await share(token, ports, on_progress, done)
        if result.completed:
            session.outdated(token, result.claims)
        return result

    async def access_token(
        self, valid_for: float, quietly: bool | None, on_progress: OnProgress | None, done: DoneSignal
    ) -> Secret:
        """The session's access token, renewed if need be."""
        return await self._opened()[1].access_token(valid_for, on_progress, done, quietly)

    async def logout(self, _on_progress: OnProgress | None, _done: DoneSignal) -> bool:
        """Revoke the session and forget it."""
        return await self._opened()[1].logout()

    async def claims(self, _on_progress: OnProgress | None, _done: DoneSignal) -> Claims | None:
        """The claims of the session, as the service last sent them."""
        return await self._opened()[1].claims()

    async def player(self, _on_progress: OnProgress | None, _done: DoneSignal) -> Player | None:
        """The player of the session."""
        return await self._opened()[1].player()

    # --- the ports and the session ---------------------------------------------------------------------------------------------

    def _opened(self) -> tuple[Ports, PlayerSession]:
        # Import before taking the lock: the thread that draws frames takes it, too.
        from .._login.ports import Ports
        from .._session.player_session import open_player_session

        with self._lock:
            if self._stand_ins is not current():  # a test has begun or ended since
                if self._open_ports is not None:
                    self._open_ports.drop()
                self._stand_ins, self._open_ports = current(), None
                self.settings = read_settings(self._given, spelled=_keyword)
            if self._open_ports is None or self._session is None:
                self._open_ports = Ports(self.settings, **self._ports_or_stand_ins())
                self._session = open_player_session(self._open_ports, by_steam=self._steam_may_be_there())
                weakref.finalize(self, self._open_ports.drop)
            self._session.storage.stay_signed_in = self.stay_signed_in
            return self._open_ports, self._session

    def _steam_may_be_there(self) -> bool:
        if self.settings.steam_hosted or self._ports_or_stand_ins()["steam"] is not None:
            return True
        try:
            return bool(self.settings.require_steam_app_id())
        except ConfigurationError:
            return False

    def _ports_or_stand_ins(self) -> dict[str, Any]:
        return {name: port or getattr(self._stand_ins, name, None) for name, port in self._ports.items()}


def _keyword(setting: Setting) -> str:
    return setting.keyword


def _import_flows() -> None:
    from .._session import player_session  # noqa: F401 - it imports the flows
