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
    """Signs players in. Its settings are keywords (docs/command-line.md lists them). A setting that is not given comes from
    the environment.

    A bridge may be used any number of times, and by several threads. Steam stays initialised between its logins, until
    `close()` or the end of a `with` block. Raises `ConfigurationError` if a setting is wrong, and `TypeError` for an unknown
    keyword.
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
        """`steam`, `browser`, `clock` and `service` replace a port, for example with a host's own Steam or in a test."""
        ports = {"steam": steam, "browser": browser, "clock": clock, "open_service": service}
        self._runner = Runner({**settings}, ports)

    # --- before the first login ------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Import what a login needs and read the certificates. Blocks this thread: call it behind a loading screen.

        The imports of a later login then delay no frame. This uses neither the network nor Steam, and writes no file. It does
        not raise the errors of wrong settings: the login does.
        """
        from .preparation import prepare

        prepare(self._runner.settings)

    def start_prepare(self) -> Running[bool]:
        """As `prepare`, in small steps on a thread of its own. Call `poll()` of the result each frame; it is True in the end."""
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
        """Sign in and return the tokens. Blocks this thread, and calls `on_progress` on it with each `ProgressEvent`.

        `method` has these credentials; one that is not given comes from the environment:

        - "steam", "device": none;
        - "access-key": `access_key_id`, `access_key_secret`;
        - "browser": `exposure_key` and `hidden_key` of an inquiry that a backend has established, or on a developer's machine
          `client_key` or `client_key_file`, and `constraints`.

        `quietly` and `patient` replace the settings of these names for this login; None keeps them.

        Raises `ConfigurationError`, `SteamUnavailable`, `LoginDenied`, `ErrandNotCompleted`, `ServiceUnavailable` or
        `LoginCancelled`, each with a sentence for the player, and `TypeError` for a credential that the method does not have.
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
        """As `login`, on this event loop, asyncio's or trio's. If the task is cancelled, the ticket is cancelled first."""
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
        """As `login`, on a thread of its own. Returns at once: call `poll()` of the result each frame.

        `poll()` calls `on_progress`, returns the tokens in the end, and raises the errors of `login`.
        """
        return self._runner.started(self._login(method, credentials, quietly, patient), on_progress)

    def _start_postponed_login(self) -> Running[LoginResult]:
        """Sign in by Steam while the player plays offline. The setting `timeout` does not apply, because no player waits."""
        settings = {"quietly": True, "patient": True, "timeout": math.inf}
        return self._runner.started(partial(self._runner.sign_in, method_named("steam")(), settings), None)

    # --- sharing more ----------------------------------------------------------------------------------------------------

    def share(self, access_token: str | None = None, on_progress: OnProgress | None = None) -> ErrandResult:
        """The proactive errand: let the player share more with the game. Blocks this thread.

        Without an access token, this uses the session's, and first renews it if it has expired. Raises the errors of `login`.
        """
        try:
            flow = self._share(access_token)
        finally:
            del access_token  # out of this frame, which a crash reporter may keep
        return self._runner.running(flow, on_progress).block()

    async def share_async(self, access_token: str | None = None, on_progress: OnProgress | None = None) -> ErrandResult:
        """As `share`, on this event loop, asyncio's or trio's."""
        try:
            flow = self._share(access_token)
        finally:
            del access_token
        return await self._runner.running(flow, on_progress).wait()

    def start_share(
        self, access_token: str | None = None, on_progress: OnProgress | None = None
    ) -> Running[ErrandResult]:
        """As `share`, on a thread of its own. Returns at once: call `poll()` of the result each frame."""
        try:
            flow = self._share(access_token)
        finally:
            del access_token
        return self._runner.started(flow, on_progress)

    # --- staying signed in -----------------------------------------------------------------------------------------------

    def session(self, stay_signed_in: bool | None = None) -> Session:
        """Return the session of the signed-in player. It gives a valid access token at any time. Sends no request.

        `stay_signed_in` is the player's choice. True: the session is saved on this computer. False: it is kept in memory until
        the program ends. The choice holds for every `Session` of this bridge until a later call changes it. None keeps the
        choice. If no choice was made before, it becomes True.
        """
        if stay_signed_in is not None or self._runner.stay_signed_in is None:
            self._runner.stay_signed_in = stay_signed_in is not False
        return Session(self._runner)

    # --- ending ----------------------------------------------------------------------------------------------------------

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Cancel every running flow, wait for its clean-up, and release Steam. The bridge may be used again.

        A cancelled flow raises `LoginCancelled`: from `poll()`, or in the thread or task that waits for it. `seconds` is the
        longest wait for each flow. Pass 0 in a frame loop: the clean-up then goes on in the background.
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
