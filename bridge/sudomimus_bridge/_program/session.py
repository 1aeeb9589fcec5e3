"""`Session`, the door to a session that renews itself: blocking, async, and one step a frame, as `Bridge` has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._login.progress import DoneSignal
    from .._runs.running import Flow, Running
    from .._session.keeper import Keeper
    from .._values.events import Claims, OnProgress
    from .._values.player import Player
    from .._values.secret import Secret

    # Each lets `Bridge.close` end the flow.
    Block = Callable[[Flow[Any], OnProgress | None], Any]
    Await = Callable[[Flow[Any]], Flow[Any]]
    Start = Callable[[Flow[Any], OnProgress | None], Running[Any]]

VALID_FOR_SECONDS = 300.0


class Session:
    """The signed-in player of a `Bridge`, for as long as the player stays signed in.

    Threads, tasks and, where the player stays signed in, processes share one session: one of them renews it, the others
    get what it got. Where Steam is there, it is renewed with a Steam ticket, and so may begin without a login; else with
    the refresh token (session.yaml, `/refresh`).
    """

    def __init__(
        self,
        keeper: Callable[[], Keeper],
        problem: Callable[[], str | None],
        block: Block,
        awaited: Await,
        start: Start,
    ) -> None:
        """`Bridge.session` makes it. `keeper` gives the session itself, `problem` its problem so far without any import;
        the others are the bridge's ways to run a flow.
        """
        self._keeper = keeper
        self._problem = problem
        self._block = block
        self._awaited = awaited
        self._start = start

    def access_token(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> str:
        """An access token that is valid for that many seconds at least. Blocks this thread while it is being renewed.

        If a claim became required, the player is sent to a page, and `on_progress` hears of it. In the middle of a game,
        pass `quietly=True`: then this raises `ErrandNotCompleted` (reason `PageNeeded`) instead. None leaves it to the
        setting `quietly`. Raises `LoginDenied` (reason `SignInAgain`) if only the player can go on, `ConfigurationError` if
        no token is valid for that long, and the errors of a login. A token without a lifetime is renewed on each call.
        """
        return _revealed(self._block(self._access_token(valid_for, quietly), on_progress))

    async def access_token_async(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> str:
        """As `access_token`, on this event loop."""
        return _revealed(await self._awaited(self._access_token(valid_for, quietly))(on_progress, None))

    def start_access_token(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> Running[str]:
        """As `access_token`, on a thread of its own; call the answer's `poll()` each frame."""
        return self._start(self._access_token(valid_for, quietly), on_progress)

    def logout(self) -> bool:
        """Revoke the session and forget it. True where the service confirmed; forgotten it is in any case."""
        return bool(self._block(self._logout(), None))

    async def logout_async(self) -> bool:
        """As `logout`, on this event loop."""
        return bool(await self._awaited(self._logout())(None, None))

    def start_logout(self) -> Running[bool]:
        """As `logout`, on a thread of its own; call the answer's `poll()` each frame."""
        return self._start(self._logout(), None)

    def claims(self) -> Claims | None:
        """The claims as the service last sent them; None if nobody is signed in. Sends no request.

        Blocks this thread while the saved session is read: a frame loop uses `start_claims`.
        """
        return cast("Claims | None", self._block(self._claims(), None))

    async def claims_async(self) -> Claims | None:
        """As `claims`, on this event loop."""
        return cast("Claims | None", await self._awaited(self._claims())(None, None))

    def start_claims(self) -> Running[Claims | None]:
        """As `claims`, on a thread of its own; call the answer's `poll()` each frame.

        If nobody is signed in, `poll()` keeps returning None; `ended` tells that from a flow that still runs.
        """
        return self._start(self._claims(), None)

    def player(self) -> Player | None:
        """The signed-in player, as far as the service tells. None if nobody is signed in.

        It raises none of the service's errors: if the service does not give the profile, the names are None. It renews no
        token. Blocks this thread while the service is asked, which happens once for each access token and again after an
        errand. If Steam began a session in another process, this is None until `access_token` has asked Steam who plays.
        """
        return cast("Player | None", self._block(self._player(), None))

    async def player_async(self) -> Player | None:
        """As `player`, on this event loop."""
        return cast("Player | None", await self._awaited(self._player())(None, None))

    def start_player(self) -> Running[Player | None]:
        """As `player`, on a thread of its own; call the answer's `poll()` each frame.

        If nobody is signed in, `poll()` keeps returning None; `ended` tells that from a flow that still runs.
        """
        return self._start(self._player(), None)

    @property
    def problem(self) -> str | None:
        """Why the player will not stay signed in after this program has ended, in a sentence; None if nothing is wrong.

        Never blocks and imports nothing, so a frame loop may read it.
        """
        return self._problem()

    def _access_token(self, valid_for: float, quietly: bool | None) -> Flow[Secret]:
        if not valid_for >= 0:
            raise ValueError("valid_for is a number of seconds, 0 or more")

        async def flow(on_progress: OnProgress | None, done: DoneSignal | None) -> Secret:
            return await self._keeper().access_token(valid_for, on_progress, done, quietly)

        return flow

    def _logout(self) -> Flow[bool]:
        async def flow(_on_progress: OnProgress | None, _done: DoneSignal | None) -> bool:
            return await self._keeper().logout()

        return flow

    def _claims(self) -> Flow[Claims | None]:
        async def flow(_on_progress: OnProgress | None, _done: DoneSignal | None) -> Claims | None:
            return await self._keeper().claims()

        return flow

    def _player(self) -> Flow[Player | None]:
        async def flow(_on_progress: OnProgress | None, _done: DoneSignal | None) -> Player | None:
            return await self._keeper().player()

        return flow


def _revealed(token: Secret) -> str:
    """Outside the event loop, whose task would show its result."""
    return token.reveal()
