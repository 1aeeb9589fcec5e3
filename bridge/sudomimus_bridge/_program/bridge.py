"""`Bridge`, the door for Python programs. Each method blocks, is awaited, or runs beside a frame loop.

This module imports nothing heavy. The first login does, on its own thread.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, overload

from .._login.methods import method_named
from .._runs.running import Flow, Running
from .._values.secret import Secret
from .runner import Runner
from .session import Session

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .._browser.system import Browser
    from .._login.ports import OpenService
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

CLOSE_SECONDS = 2.0
"""How long `close` waits for each running flow, and for Steam, to clean up. A library that hangs is abandoned."""


class Bridge:
    """Signs players in.

    A bridge may be used any number of times, and by several threads. Steam stays initialised between its logins, until
    `close()` or the end of a `with` block.
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
        """Read and check the settings.

        Args:
            steam: Replaces Steam's library: a `SteamworksPySteam`, or a stub in a test.
            browser: Replaces the player's browser in a test.
            clock: Replaces the system's clocks in a test.
            service: Replaces the HTTP connections to the service in a test.
            **settings: The settings by their keywords (docs/reference/settings.md lists them). A setting that is not given,
                or is None, comes from the environment.

        Raises:
            ConfigurationError: A setting is wrong. The detail names it.
            TypeError: There is no such setting.
        """
        ports = {"steam": steam, "browser": browser, "clock": clock, "open_service": service}
        self._runner = Runner({**settings}, ports)

    # --- before the first login ------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Import what a login needs and read the certificates. Blocks this thread: call it behind a loading screen.

        The imports of a later login then delay no frame. This uses neither the network nor Steam, and writes no file. If a
        setting is wrong, the login raises the error.
        """
        from .preparation import prepare

        prepare(self._runner.settings)

    def start_prepare(self) -> Running[bool]:
        """As `prepare`, in small steps on a thread of its own. Returns at once.

        Returns:
            The preparation. Call `poll()` each frame: it returns True once everything is done.
        """
        from .preparation import prepare_beside

        return self._runner.started(partial(prepare_beside, self._runner.settings))

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
        patient: bool | None = None,
        **credentials: Any,
    ) -> LoginResult:
        """Sign in. Blocks this thread until the player is signed in or the login has failed.

        Args:
            method: How to sign in: "steam", "access-key", "browser" or "device".
            on_progress: Called with each `ProgressEvent`, on this thread.
            quietly: Open no page and wait for none. None leaves it to the setting `quietly`.
            patient: Keep trying while the service, the network or Steam cannot be used. None leaves it to the setting.
            **credentials: The method's credentials. A credential that is not given comes from the environment.
                "access-key" takes `access_key_id` and `access_key_secret`. "browser" takes `exposure_key` and `hidden_key` of
                an inquiry that a backend established, or on a developer's computer `client_key` (PEM) or `client_key_file` (a
                path), and `constraints`.

        Returns:
            The tokens of the signed-in player.

        Raises:
            ConfigurationError: A setting or credential is missing or wrong, or the service does not know the application.
            SteamUnavailable: Steam cannot be used, gave no ticket, or did not confirm it.
            LoginDenied: The service refuses this player or this application.
            ErrandNotCompleted: The player did not finish a page, or `quietly` forbids one.
            ServiceUnavailable: The service cannot be used, after all retries, or `timeout` (seconds) is over.
            LoginCancelled: `close` was called meanwhile.
            TypeError: The method does not have this credential.
        """
        return self._runner.running(self._login(method, credentials, quietly, patient), on_progress).block()

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
        patient: bool | None = None,
        **credentials: Any,
    ) -> LoginResult:
        """As `login`, on this event loop, asyncio's or trio's. If the task is cancelled, the ticket is cancelled first.

        Args:
            method: How to sign in: "steam", "access-key", "browser" or "device".
            on_progress: Called with each `ProgressEvent`, on the event loop.
            quietly: Open no page and wait for none. None leaves it to the setting `quietly`.
            patient: Keep trying while the service, the network or Steam cannot be used. None leaves it to the setting.
            **credentials: The method's credentials, as for `login`.

        Returns:
            The tokens of the signed-in player.

        Raises:
            BridgeError: The errors of `login`.
        """
        return await self._runner.running(self._login(method, credentials, quietly, patient), on_progress).wait()

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
        patient: bool | None = None,
        **credentials: Any,
    ) -> Running[LoginResult]:
        """As `login`, on a thread of its own. Returns at once.

        Args:
            method: How to sign in: "steam", "access-key", "browser" or "device".
            on_progress: Called with each `ProgressEvent`, on the thread that calls `poll()`.
            quietly: Open no page and wait for none. None leaves it to the setting `quietly`.
            patient: Keep trying while the service, the network or Steam cannot be used. None leaves it to the setting.
            **credentials: The method's credentials, as for `login`.

        Returns:
            The running login. Call `poll()` each frame: it returns None, then the `LoginResult`, or raises an error of
            `login`.
        """
        return self._runner.started(self._login(method, credentials, quietly, patient), on_progress)

    def _start_postponed_login(self) -> Running[LoginResult]:
        """Sign in by Steam while the player plays offline. The setting `timeout` does not apply, because no player waits."""
        settings = {"quietly": True, "patient": True, "timeout": math.inf}
        return self._runner.started(partial(self._runner.sign_in, method_named("steam")(), settings), None)

    # --- sharing more ----------------------------------------------------------------------------------------------------

    def share(self, access_token: str | None = None, on_progress: OnProgress | None = None) -> ErrandResult:
        """Let the player share more with the game: the proactive errand. Blocks this thread.

        Args:
            access_token: The player's access token. None uses the session's, which is renewed first if it has expired.
            on_progress: Called with each `ProgressEvent`, on this thread.

        Returns:
            Whether the player has finished a page, and the claims.

        Raises:
            ErrandNotCompleted: The player did not finish the page.
            AccessTokenRefused: The access token has expired, or its session has ended.
            BridgeError: The other errors of `login`.
        """
        try:
            flow = self._share(access_token)
        finally:
            del access_token  # out of this frame, which a crash reporter may keep
        return self._runner.running(flow, on_progress).block()

    async def share_async(self, access_token: str | None = None, on_progress: OnProgress | None = None) -> ErrandResult:
        """As `share`, on this event loop.

        Args:
            access_token: The player's access token. None uses the session's, which is renewed first if it has expired.
            on_progress: Called with each `ProgressEvent`, on the event loop.

        Returns:
            Whether the player has finished a page, and the claims.

        Raises:
            BridgeError: The errors of `share`.
        """
        try:
            flow = self._share(access_token)
        finally:
            del access_token
        return await self._runner.running(flow, on_progress).wait()

    def start_share(
        self, access_token: str | None = None, on_progress: OnProgress | None = None
    ) -> Running[ErrandResult]:
        """As `share`, on a thread of its own. Returns at once.

        Args:
            access_token: The player's access token. None uses the session's, which is renewed first if it has expired.
            on_progress: Called with each `ProgressEvent`, on the thread that calls `poll()`.

        Returns:
            The running errand. Call `poll()` each frame.
        """
        try:
            flow = self._share(access_token)
        finally:
            del access_token
        return self._runner.started(flow, on_progress)

    # --- staying signed in -----------------------------------------------------------------------------------------------

    def session(self, stay_signed_in: bool | None = None) -> Session:
        """Return the session of this bridge. It gives a valid access token at any time.

        Args:
            stay_signed_in: The player's choice: True stores the session on this computer, False keeps it in memory only. The
                choice holds for every `Session` of this bridge until a later call changes it. None keeps the choice; if
                none was made before, it becomes True.

        Returns:
            The session. It exists before the player has signed in.
        """
        if stay_signed_in is not None or self._runner.stay_signed_in is None:
            self._runner.stay_signed_in = stay_signed_in is not False
        return Session(self._runner)

    # --- ending ----------------------------------------------------------------------------------------------------------

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Cancel every running flow, wait for its clean-up, and release Steam. The bridge may be used again.

        A cancelled flow raises `LoginCancelled`: from `poll()`, or in the thread or task that waits for it.

        Args:
            seconds: The longest wait for each flow, in seconds. Pass 0 in a frame loop: the clean-up then goes on in the
                background.
        """
        self._runner.close(seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what the three faces share --------------------------------------------------------------------------------------

    def _login(
        self, method: LoginMethod, credentials: dict[str, Any], quietly: bool | None, patient: bool | None
    ) -> Flow[LoginResult]:
        # Hide the secrets first, also under a mistyped keyword: a crash reporter keeps the keywords.
        for name in credentials.keys() - {"access_key_id", "client_key_file", "constraints"}:
            if isinstance(credentials[name], str):
                credentials[name] = Secret(credentials[name])
            elif isinstance(credentials[name], bytes):
                credentials[name] = Secret(credentials[name].decode(errors="replace"))
        chosen = method_named(method)
        if unknown := set(credentials) - chosen.credentials:
            raise TypeError(f"no such credential for {method}: {', '.join(sorted(unknown))}")
        return partial(self._runner.sign_in, chosen(**credentials), {"quietly": quietly, "patient": patient})

    def _share(self, access_token: str | None) -> Flow[ErrandResult]:
        try:
            given = Secret(access_token) if access_token is not None else None
        finally:
            del access_token
        return partial(self._runner.share, given)
