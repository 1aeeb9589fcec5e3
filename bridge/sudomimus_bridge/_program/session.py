"""`Session`: the signed-in player of a `Bridge`. Each method blocks, is awaited, or runs beside a frame loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from .._runs.running import Flow, Running
    from .._values.events import Claims, OnProgress
    from .._values.player import Player
    from .._values.secret import Secret
    from .runner import Runner

VALID_FOR_SECONDS = 300.0


class Session:
    """The signed-in player of a `Bridge`.

    Threads and tasks share one session, and so do processes if the player stays signed in: one of them renews it, and the
    others get the result. If Steam is running, a Steam ticket renews the session, so the program need not sign in first.
    Otherwise the refresh token renews it.
    """

    def __init__(self, runner: Runner) -> None:
        """`Bridge.session` makes it."""
        self._runner = runner

    def access_token(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> str:
        """Return an access token that is valid for at least `valid_for` seconds. Blocks this thread during a renewal.

        If a claim has become required, the player has to visit a page, and `on_progress` gets the event. In the middle of a
        game, pass `quietly=True`: then this raises `ErrandNotCompleted` (reason `PageNeeded`) instead. None keeps the setting
        `quietly`. A token that does not state its lifetime is renewed on each call.

        Raises `LoginDenied` (reason `SignInAgain`) if the player has to sign in, `ConfigurationError` if tokens do not live that
        long, `ValueError` if `valid_for` is negative, and the errors of `Bridge.login`.
        """
        return _revealed(self._runner.running(self._access_token(valid_for, quietly), on_progress).block())

    async def access_token_async(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> str:
        """As `access_token`, on this event loop."""
        return _revealed(await self._runner.running(self._access_token(valid_for, quietly), on_progress).wait())

    def start_access_token(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> Running[str]:
        """As `access_token`, on a thread of its own; call `poll()` of the result each frame."""
        return cast("Running[str]", self._runner.started(self._access_token(valid_for, quietly), on_progress))

    def logout(self) -> bool:
        """Revoke the session and forget it. False if the service did not confirm; the session is forgotten in either case."""
        return self._runner.running(self._runner.logout).block()

    async def logout_async(self) -> bool:
        """As `logout`, on this event loop."""
        return await self._runner.running(self._runner.logout).wait()

    def start_logout(self) -> Running[bool]:
        """As `logout`, on a thread of its own; call `poll()` of the result each frame."""
        return self._runner.started(self._runner.logout)

    def claims(self) -> Claims | None:
        """The claims as the service last sent them; None if nobody is signed in. Sends no request.

        Blocks this thread while it reads the saved session. In a frame loop, use `start_claims`.
        """
        return self._runner.running(self._runner.claims).block()

    async def claims_async(self) -> Claims | None:
        """As `claims`, on this event loop."""
        return await self._runner.running(self._runner.claims).wait()

    def start_claims(self) -> Running[Claims | None]:
        """As `claims`, on a thread of its own; call `poll()` of the result each frame.

        If nobody is signed in, `poll()` returns None in the end, too; `ended` says whether the flow has ended.
        """
        return self._runner.started(self._runner.claims)

    def player(self) -> Player | None:
        """The signed-in player, with the members that the service gives. None if nobody is signed in.

        Blocks this thread while it asks the service: once for each access token, and again after an errand. It renews no
        token, and raises none of the service's errors: if there is no profile, the names are None. If Steam began the session
        in another process, this is None until `access_token` has asked Steam who is playing.
        """
        return self._runner.running(self._runner.player).block()

    async def player_async(self) -> Player | None:
        """As `player`, on this event loop."""
        return await self._runner.running(self._runner.player).wait()

    def start_player(self) -> Running[Player | None]:
        """As `player`, on a thread of its own; call `poll()` of the result each frame.

        If nobody is signed in, `poll()` returns None in the end, too; `ended` says whether the flow has ended.
        """
        return self._runner.started(self._runner.player)

    @property
    def problem(self) -> str | None:
        """A sentence for the player: why the sign-in cannot be saved on this computer. None if nothing is wrong.

        Never blocks and imports nothing, so a frame loop may read it.
        """
        return self._runner.problem()

    def _access_token(self, valid_for: float, quietly: bool | None) -> Flow[Secret]:
        if not valid_for >= 0:
            raise ValueError("valid_for is a number of seconds, 0 or more")
        return partial(self._runner.access_token, valid_for, quietly)


def _revealed(token: Secret) -> str:
    """Reveal the token outside the event loop: a task shows its result in its repr."""
    return token.reveal()
