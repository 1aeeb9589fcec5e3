"""What is known of a signed-in player, and how it is written down: one value, read and written whole.

Reading is strict, for the file lies where others can reach it: what is not exactly a record is no record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._values.events import Claims, LoginResult
from .._values.secret import Secret
from .._values.token import read_token
from .._values.uptime import Uptime

VERSION = 1


@dataclass(frozen=True)
class Record:
    """One session: its pair of tokens, when they came, and whether its refresh token may have been used since."""

    application: str
    method: str
    """How the player signed in: the login's method. A session by Steam is renewed by Steam where Steam is there."""
    access: Secret = field(repr=False)
    refresh: Secret | None = field(repr=False)
    """None once it may have been used by a request whose answer was lost: a second use would revoke the session."""
    claims: Claims
    received: Uptime
    lifetime: float | None
    """Seconds of the access token from its receipt; None where it does not say."""
    subject: str | None
    in_flight: bool = False
    """The refresh token is being used. Found after a crash, it was used perhaps, and is used no more."""

    @classmethod
    def of(cls, result: LoginResult, method: str, received: Uptime) -> Record:
        """The record of a login that has just ended. `received` is a moment before the request that brought it."""
        facts = read_token(result.access)
        return cls(
            result.application_anchor,
            method,
            result.access,
            result.refresh,
            result.claims,
            received,
            facts.lifetime,
            facts.subject,
        )

    def renewed(self, result: LoginResult, received: Uptime) -> Record:
        """The record after a refresh, whose answer names no application (session.yaml, `RefreshResponse`)."""
        return replace(Record.of(result, self.method, received), application=self.application)

    def seconds_left(self, now: Uptime) -> float:
        """How long the access token is valid still; 0 where that cannot be known."""
        age = now.since(self.received)
        return 0.0 if age is None or self.lifetime is None else max(0.0, self.lifetime - age)

    def result(self) -> LoginResult:
        """As a login gives it. Only where there is a refresh token."""
        return LoginResult(self.application, self.access, self.refresh or Secret(""), self.claims)

    def sent(self) -> Record:
        """The same, with its refresh token on its way."""
        return replace(self, in_flight=True)

    def without_refresh(self) -> Record:
        """The same, with no refresh token any more."""
        return replace(self, refresh=None, in_flight=False)

    def received_after(self, other: Record) -> bool:
        """Whether this came later than `other`, as far as that can be known."""
        return self.received.boot == other.received.boot and self.received.seconds > other.received.seconds

    def endangers(self, newer: Record) -> bool:
        """Whether this record must not be left on disk in the place of `newer`, which cannot be written.

        It must not if it could sign in another player, or if its refresh token is being used without a mark.
        """
        if self == newer:
            return False
        if self.subject != newer.subject:
            return True
        if self.refresh is None or self.in_flight:
            return False
        return self.refresh == newer.refresh or self.subject is None

    def to_json(self) -> str:
        """The text that `from_json` reads. It holds both tokens: protect it."""
        return json.dumps(
            {
                "version": VERSION,
                "application": self.application,
                "method": self.method,
                "accessToken": self.access.reveal(),
                "refreshToken": self.refresh.reveal() if self.refresh is not None else None,
                "claims": dict(self.claims),
                "receivedBoot": self.received.boot,
                "receivedSeconds": self.received.seconds,
                "lifetime": self.lifetime,
                "subject": self.subject,
                "inFlight": self.in_flight,
            }
        )


def from_json(text: str) -> Record | None:
    """The record in a text; None where it holds none, whatever it holds instead."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict) or value.get("version") != VERSION:
        return None
    try:
        return Record(
            application=_text(value, "application"),
            method=_text(value, "method"),
            access=Secret(_text(value, "accessToken")),
            refresh=Secret(_text(value, "refreshToken")) if value["refreshToken"] is not None else None,
            claims=_object(value, "claims"),
            received=Uptime(_text(value, "receivedBoot"), _number(value, "receivedSeconds")),
            lifetime=_number(value, "lifetime") if value["lifetime"] is not None else None,
            subject=_text(value, "subject") if value["subject"] is not None else None,
            in_flight=_flag(value, "inFlight"),
        )
    except (KeyError, TypeError, OverflowError):
        return None


def _text(value: Mapping[str, Any], name: str) -> str:
    if not isinstance(value[name], str) or not value[name]:
        raise TypeError(name)
    return str(value[name])


def _number(value: Mapping[str, Any], name: str) -> float:
    number = value[name]
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number) or number < 0:
        raise TypeError(name)
    return float(number)


def _flag(value: Mapping[str, Any], name: str) -> bool:
    if not isinstance(value[name], bool):
        raise TypeError(name)
    return bool(value[name])


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    if not isinstance(value[name], dict):
        raise TypeError(name)
    return dict(value[name])
