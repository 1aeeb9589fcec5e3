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
        """`Bridge.session` makes it.

        Args:
            runner: The runner of the bridge.
        """
        self._runner = runner

    def access_token(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> str:
        """Return a valid access token. Blocks this thread while the token is being renewed.

        A token without a lifetime is renewed on each call.

        Args:
            valid_for: How long the token must be valid, in seconds, from 0.
            on_progress: Called with each `ProgressEvent` of a renewal, on this thread.
            quietly: Open no page, even if a claim has become required and the player has to visit one. None leaves it to the
                setting `quietly`.

        Returns:
            The access token. It is a secret.

        Raises:
            LoginDenied: With the reason `SignInAgain`, the player has to log in again.
            ErrandNotCompleted: With the reason `PageNeeded`, a page is needed, and `quietly` forbids it.
            ConfigurationError: With the reason `ValidForTooLong`, access tokens do not live that long.
            BridgeError: The other errors of `Bridge.login`.
            ValueError: `valid_for` is negative.
        """
        return _revealed(self._runner.running(self._access_token(valid_for, quietly), on_progress).block())

    async def access_token_async(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> str:
        """As `access_token`, on this event loop.

        Args:
            valid_for: How long the token must be valid, in seconds, from 0.
            on_progress: Called with each `ProgressEvent` of a renewal, on the event loop.
            quietly: Open no page. None leaves it to the setting `quietly`.

        Returns:
            The access token. It is a secret.

        Raises:
            BridgeError: The errors of `access_token`.
        """
        return _revealed(await self._runner.running(self._access_token(valid_for, quietly), on_progress).wait())

    def start_access_token(
        self,
        valid_for: float = VALID_FOR_SECONDS,
        on_progress: OnProgress | None = None,
        *,
        quietly: bool | None = None,
    ) -> Running[str]:
        """As `access_token`, on a thread of its own. Returns at once.

        Args:
            valid_for: How long the token must be valid, in seconds, from 0.
            on_progress: Called with each `ProgressEvent` of a renewal, on the thread that calls `poll()`.
            quietly: Open no page. None leaves it to the setting `quietly`.

        Returns:
            The running renewal. Call `poll()` each frame: it returns None, then the token.
        """
        return cast("Running[str]", self._runner.started(self._access_token(valid_for, quietly), on_progress))

    def logout(self) -> bool:
        """Revoke the session and forget it. Blocks this thread.

        Returns:
            True if the service has confirmed it. The session is forgotten in either case.

        Raises:
            LoginCancelled: `Bridge.close` was called meanwhile.
        """
        return self._runner.running(self._runner.logout).block()

    async def logout_async(self) -> bool:
        """As `logout`, on this event loop.

        Returns:
            True if the service has confirmed it.
        """
        return await self._runner.running(self._runner.logout).wait()

    def start_logout(self) -> Running[bool]:
        """As `logout`, on a thread of its own. Returns at once.

        Returns:
            The running sign-out. Call `poll()` each frame.
        """
        return self._runner.started(self._runner.logout)

    def claims(self) -> Claims | None:
        """Return the claims as the service last sent them. Sends no request.

        Blocks this thread while it reads the saved session. In a frame loop, use `start_claims`.

        Returns:
            The claims by name; None if nobody is signed in.
        """
        return self._runner.running(self._runner.claims).block()

    async def claims_async(self) -> Claims | None:
        """As `claims`, on this event loop.

        Returns:
            The claims by name; None if nobody is signed in.
        """
        return await self._runner.running(self._runner.claims).wait()

    def start_claims(self) -> Running[Claims | None]:
        """As `claims`, on a thread of its own. Returns at once.

        Returns:
            The running flow. Call `poll()` each frame. If nobody is signed in, it returns None in the end, too:
            `ended` says whether the flow has ended.
        """
        return self._runner.started(self._runner.claims)

    def player(self) -> Player | None:
        """Return the signed-in player. Blocks this thread while it asks the service.

        The service is asked once for each access token, and again after an errand. No token is renewed. If the service does
        not give the profile, the names are None: its errors are not raised. If Steam began a session in another process,
        the result is None until `access_token` has asked Steam who plays.

        Returns:
            The player; None if nobody is signed in.
        """
        return self._runner.running(self._runner.player).block()

    async def player_async(self) -> Player | None:
        """As `player`, on this event loop.

        Returns:
            The player; None if nobody is signed in.
        """
        return await self._runner.running(self._runner.player).wait()

    def start_player(self) -> Running[Player | None]:
        """As `player`, on a thread of its own. Returns at once.

        Returns:
            The running flow. Call `poll()` each frame. If nobody is signed in, it returns None in the end, too:
            `ended` says whether the flow has ended.
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
