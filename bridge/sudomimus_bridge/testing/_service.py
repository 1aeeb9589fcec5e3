"""The local service for tests: one for the process, reset for each test, with methods for common faults and players.

It has everything that `Emulator` has. It needs the extra `emulator`.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Collection, Iterable
from typing import get_args

from .._program.keywords import AccessKeyCredentials, InquiryCredentials
from ..emulator import Emulator
from ..emulator._clock import Clock
from ..emulator._config.config import Player
from ..emulator._config.fault_rule import FaultRule
from ..emulator._contract.dialects import ClaimName, DialectName

SIGN_IN = "/direct-issue/*"

_CLAIM_FIELDS = {"email": "email", "firstName": "first_name", "lastName": "last_name"}


class LocalService(Emulator):
    """The service that the game under test signs in to. `requests` lists the game's requests."""

    @property
    def url(self) -> str:
        """The URL of the Native API, which is the value of `SUDOMIMUS_NATIVE_URL` during a test."""
        return str(self.urls["native"])

    @property
    def client_key_file(self) -> str:
        """The private key for `login("browser", client_key_file=…)`, as on a developer's machine."""
        return str(self.urls["clientKeyFile"])

    def inquiry(self) -> InquiryCredentials:
        """Establish an inquiry as a game's backend does.

        Returns:
            The keywords for one `login("browser", **inquiry())`.
        """
        keys = self.establish()
        return {"exposure_key": keys["exposureKey"], "hidden_key": keys["hiddenKey"]}

    @property
    def access_key(self) -> AccessKeyCredentials:
        """The credentials for `login("access-key", **access_key)`."""
        urls = self.urls
        return {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}

    def reset(self, *, settings: bool = False) -> None:
        """Forget all players' sign-ins, errands, sessions and requests.

        Args:
            settings: Also restore the settings, the faults and the clock.
        """
        super().reset(settings=settings)
        if settings:
            with self._state.lock:
                vars(self._state.clock).update(vars(Clock()))  # a clock never goes back, so each test gets a new one

    def serve(self, *, application: str, steam_app_id: int, dialect: DialectName = "v4") -> None:
        """Reset the service. It then knows only this application.

        Args:
            application: The application's anchor.
            steam_app_id: The Steam app id that layer 1 allows.
            dialect: The state of the real service to play: "v4", "openapi" or "documents".
        """
        self.reset(settings=True)
        app_ids = {"application.allowed_steam_app_ids": [steam_app_id]}
        self.update({"application.anchor": application, **app_ids}, dialect=dialect)

    def requires(self, *claims: ClaimName) -> None:
        """Require claims. A player who has not shared them gets an errand first.

        Args:
            *claims: Their names: "email", "firstName", "lastName", "staticAvatar", "animatedAvatar".

        Raises:
            TypeError: There is no such claim.
        """
        _check(claims, get_args(ClaimName))
        self.update(claims=dict.fromkeys(claims, "REQUIRED"))

    def offers(self, *claims: ClaimName) -> None:
        """Ask for optional claims: the sign-in succeeds without them, and `Bridge.share` offers them.

        Args:
            *claims: Their names, as for `requires`.

        Raises:
            TypeError: There is no such claim.
        """
        _check(claims, get_args(ClaimName))
        self.update(claims=dict.fromkeys(claims, "OPTIONAL"))

    # --- faults ----------------------------------------------------------------------------------------------------------
    # `times` is the number of requests that fail; None means all. `path` selects the requests, by default those that sign in.

    def too_busy(self, *, retry_after: int | None = None, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """Answer 429: too many requests.

        Args:
            retry_after: The seconds of the header Retry-After; None sends none.
            times: How many requests it meets; None for all.
            path: Which requests, with `*` for any characters; by default those that sign in.

        Returns:
            The rule, as the service has it.
        """
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self.fault(path=path, status=429, headers=headers, times=times)

    def unavailable(self, *, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """Answer 503 with an empty body.

        Args:
            times: How many requests it meets; None for all.
            path: Which requests, with `*` for any characters; by default those that sign in.

        Returns:
            The rule, as the service has it.
        """
        return self.fault(path=path, status=503, times=times)

    def drops(self, *, after: bool = False, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """Break the connection.

        Args:
            after: Process the request first, so that only the answer is lost.
            times: How many requests it meets; None for all.
            path: Which requests, with `*` for any characters; by default those that sign in.

        Returns:
            The rule, as the service has it.
        """
        return self.fault(path=path, reset=True, when="after" if after else "before", times=times)

    def slow(self, seconds: float, *, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """Delay the answer.

        Args:
            seconds: How long, in real seconds, even in virtual time.
            times: How many requests it meets; None for all.
            path: Which requests, with `*` for any characters; by default those that sign in.

        Returns:
            The rule, as the service has it.
        """
        return self.fault(path=path, delay=seconds, times=times)

    def unreadable(self, *, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """Answer with a web page, as the login page of a Wi-Fi network does.

        Args:
            times: How many requests it meets; None for all.
            path: Which requests, with `*` for any characters; by default those that sign in.

        Returns:
            The rule, as the service has it.
        """
        page = "<!doctype html><title>Welcome to our Wi-Fi</title>"
        return self.fault(path=path, status=200, body=page, headers={"Content-Type": "text/html"}, times=times)


class ScriptedPlayer:
    """A player's account at the local service: the claims that the player shares and withholds."""

    def __init__(self, service: LocalService, steam_id: int) -> None:
        """Describe an account.

        Args:
            service: The service that has the account.
            steam_id: The player's 64-bit SteamID.
        """
        self.steam_id = steam_id
        """The player's 64-bit SteamID."""
        self._service = service

    @property
    def account(self) -> Player:
        """The account, live: the next request sees a change to it (`disabled`, `deleted`, `refused`, …)."""
        return self._service.player(self.steam_id)

    @property
    def shared(self) -> dict[str, str | None]:
        """The claims that the player shares with the game now: name to value."""
        account = self.account
        return {
            claim: getattr(account, field)
            for claim, field in _CLAIM_FIELDS.items()
            if getattr(account.grants, claim) == "GRANTED"
        }

    def shares(self, **claims: str) -> None:
        """Let the player have shared claims: `shares(email="robin@example.com", firstName="Robin")`.

        Args:
            **claims: The values by the claims' names: `email`, `firstName`, `lastName`.

        Raises:
            TypeError: There is no such claim.
        """
        _check(claims, _CLAIM_FIELDS)
        values = {_CLAIM_FIELDS[claim]: value for claim, value in claims.items()}
        self._service.put_player(steam_id=self.steam_id, grants=dict.fromkeys(claims, "GRANTED"), **values)

    def withholds(self, *claims: str) -> None:
        """Record that the player has declined claims before.

        Args:
            *claims: Their names, as for `LocalService.requires`.

        Raises:
            TypeError: There is no such claim.
        """
        _check(claims, get_args(ClaimName))
        self._service.put_player(steam_id=self.steam_id, grants=dict.fromkeys(claims, "DENIED"))


def _check(claims: Iterable[str], known: Collection[str]) -> None:
    if unknown := set(claims) - set(known):
        raise TypeError(f"no such claim: {', '.join(sorted(unknown))}; the claims are {', '.join(known)}")


_running: dict[int, LocalService] = {}
_lock = threading.Lock()


def shared_service() -> LocalService:
    """Return the local service of this process. It starts at the first call; later tests only reset it."""
    with _lock:
        if os.getpid() not in _running:  # a forked child has a copy of the object, without its thread
            service = _running[os.getpid()] = LocalService().start()
            atexit.register(service.stop)
        return _running[os.getpid()]
