"""The local service as a test wants it: one for the whole process, as new for each test, with faults and players by name.

All that `emulator.Emulator` can do is there too. Needs the extra `emulator`.
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
    """The service that the game under test signs in to. Its `requests` tell what the game asked of it."""

    @property
    def url(self) -> str:
        """Where its Native API is: what `SUDOMIMUS_NATIVE_URL` says during a test."""
        return str(self.urls["native"])

    @property
    def client_key_file(self) -> str:
        """The key that establishes: `login("browser", client_key_file=…)`, as on a developer's machine."""
        return str(self.urls["clientKeyFile"])

    def inquiry(self) -> InquiryCredentials:
        """As the game's backend establishes one: what `login("browser", **inquiry())` takes, once."""
        keys = self.establish()
        return {"exposure_key": keys["exposureKey"], "hidden_key": keys["hiddenKey"]}

    @property
    def access_key(self) -> AccessKeyCredentials:
        """What `login("access-key", **access_key)` takes."""
        urls = self.urls
        return {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}

    def reset(self, *, settings: bool = False) -> None:
        """As `Emulator.reset`; with the settings, the clock is put right as well."""
        super().reset(settings=settings)
        if settings:
            with self._state.lock:
                vars(self._state.clock).update(vars(Clock()))  # it only goes forward; a new test has a new one

    def serve(self, *, application: str, steam_app_id: int, dialect: DialectName = "v4") -> None:
        """Be as new, know this one application, and play this state of the service."""
        self.reset(settings=True)
        app_ids = {"application.allowed_steam_app_ids": [steam_app_id]}
        self.update({"application.anchor": application, **app_ids}, dialect=dialect)

    def requires(self, *claims: ClaimName) -> None:
        """The game requires these claims: who has not shared them yet is sent on an errand first."""
        _check(claims, get_args(ClaimName))
        self.update(claims=dict.fromkeys(claims, "REQUIRED"))

    def offers(self, *claims: ClaimName) -> None:
        """The game would like to know these claims, and signs in without them. `Bridge.share` asks for them."""
        _check(claims, get_args(ClaimName))
        self.update(claims=dict.fromkeys(claims, "OPTIONAL"))

    # --- what goes wrong -------------------------------------------------------------------------------------------------
    # `times` is how many requests meet it, None for all from now on. `path` says which: a sign-in's unless told otherwise.

    def too_busy(self, *, retry_after: int | None = None, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """429, with Retry-After where seconds are given."""
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        return self.fault(path=path, status=429, headers=headers, times=times)

    def unavailable(self, *, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """503 with an empty body."""
        return self.fault(path=path, status=503, times=times)

    def drops(self, *, after: bool = False, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """The connection breaks. `after`: once the request was processed, so that only the answer is lost."""
        return self.fault(path=path, reset=True, when="after" if after else "before", times=times)

    def slow(self, seconds: float, *, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """The answer takes that many seconds, real ones even in virtual time."""
        return self.fault(path=path, delay=seconds, times=times)

    def unreadable(self, *, times: int | None = 1, path: str = SIGN_IN) -> FaultRule:
        """A web page in place of the answer, as a hotel's network sends one."""
        page = "<!doctype html><title>Welcome to our Wi-Fi</title>"
        return self.fault(path=path, status=200, body=page, headers={"Content-Type": "text/html"}, times=times)


class ScriptedPlayer:
    """A player's account at the local service: what they share with the game already, and what they refused."""

    def __init__(self, service: LocalService, steam_id: int) -> None:
        self.steam_id = steam_id
        self._service = service

    @property
    def account(self) -> Player:
        """The account itself, live: what is set on it, the next request sees (`disabled`, `deleted`, `refused`, …)."""
        return self._service.player(self.steam_id)

    @property
    def shared(self) -> dict[str, str | None]:
        """What the player shares with the game by now: claim name to value."""
        account = self.account
        return {
            claim: getattr(account, field)
            for claim, field in _CLAIM_FIELDS.items()
            if getattr(account.grants, claim) == "GRANTED"
        }

    def shares(self, **claims: str) -> None:
        """The player shares these with the game already: `shares(email="robin@example.com", firstName="Robin")`."""
        _check(claims, _CLAIM_FIELDS)
        values = {_CLAIM_FIELDS[claim]: value for claim, value in claims.items()}
        self._service.put_player(steam_id=self.steam_id, grants=dict.fromkeys(claims, "GRANTED"), **values)

    def withholds(self, *claims: str) -> None:
        """The player was asked for these before, and said no."""
        _check(claims, get_args(ClaimName))
        self._service.put_player(steam_id=self.steam_id, grants=dict.fromkeys(claims, "DENIED"))


def _check(claims: Iterable[str], known: Collection[str]) -> None:
    if unknown := set(claims) - set(known):
        raise TypeError(f"no such claim: {', '.join(sorted(unknown))}; there are {', '.join(known)}")


_running: dict[int, LocalService] = {}
_lock = threading.Lock()


def shared_service() -> LocalService:
    """This process's one local service, started when it is first asked for: a test then costs a reset, not a start."""
    with _lock:
        if os.getpid() not in _running:  # a forked child inherits the object and not its thread
            service = _running[os.getpid()] = LocalService().start()
            atexit.register(service.stop)
        return _running[os.getpid()]
