"""One session as a value: its tokens, the moment of their receipt, and its text form.

Reading is strict, because other programs can change the file: `from_json` rejects a text that is not exactly a record.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .._values.clock import Clock, Uptime
from .._values.events import Claims, LoginResult, OnProgress, Phase, ProgressEvent
from .._values.secret import Secret
from .._values.token import read_token

VERSION = 1


@dataclass(frozen=True)
class Record:
    """One session: its two tokens, the moment of their receipt, and whether the refresh token may have been used since."""

    application: str
    method: str
    """The name of the method by which the player signed in. Steam renews its own sessions if it runs."""
    access: Secret = field(repr=False)
    refresh: Secret | None = field(repr=False)
    """None if a request may have used it and the answer was lost: a second use would end the session."""
    claims: Claims
    received: Uptime
    lifetime: float | None
    """Seconds that the access token is valid, from its receipt; None if the token does not say."""
    subject: str | None
    in_flight: bool = False
    """Whether the refresh token is being used. After a crash the mark remains: the token may be used up and is not sent."""

    @classmethod
    def of(cls, result: LoginResult, method: str, received: Uptime) -> Record:
        """The record of a login that has just ended. `received` is a moment before the request that brought the tokens."""
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
        """The record after a refresh. The answer of `POST /refresh` names no application, so the record keeps its own."""
        return replace(Record.of(result, self.method, received), application=self.application)

    def seconds_left(self, now: Uptime) -> float:
        """The seconds that the access token is still valid; 0 if that is not known."""
        age = now.since(self.received)
        return 0.0 if age is None or self.lifetime is None else max(0.0, self.lifetime - age)

    def sent(self) -> Record:
        """The same record, with the mark that its refresh token is being used."""
        return replace(self, in_flight=True)

    def without_refresh(self) -> Record:
        """The same record without its refresh token."""
        return replace(self, refresh=None, in_flight=False)

    def received_after(self, other: Record) -> bool:
        """Whether these tokens came later than those of `other`, as far as that can be known."""
        return self.received.boot == other.received.boot and self.received.seconds > other.received.seconds

    def endangers(self, newer: Record) -> bool:
        """Whether this record must not stay on disk if `newer` cannot be written.

        It is a danger if it could sign in another player, or if its refresh token is being used and has no mark.
        """
        if self == newer:
            return False
        if self.subject != newer.subject:
            return True
        if self.refresh is None or self.in_flight:
            return False
        return self.refresh == newer.refresh or self.subject is None

    def to_json(self) -> str:
        """The text that `from_json` reads. It holds both tokens, so it has to be protected."""
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


class IssueTimer:
    """Listens to the progress of a login, and notes the moment before the request that brought the tokens.

    A lifetime counts from before the request: a token that took a minute to arrive is a minute old.
    """

    def __init__(self, clock: Clock, on_progress: OnProgress | None) -> None:
        self._clock = clock
        self._on_progress = on_progress
        self._asked = clock.uptime()

    def __call__(self, event: ProgressEvent) -> None:
        """Pass one event on to the door."""
        if event.phase is Phase.ISSUING:
            self._asked = self._clock.uptime()
        elif event.asked is not None:  # the tokens came with the last of many polls
            self._asked = event.asked
        if self._on_progress is not None:
            self._on_progress(event)

    def record(self, result: LoginResult, method: str) -> Record:
        """The record of the login that this timer listened to."""
        return Record.of(result, method, self._asked)


def from_json(text: str) -> Record | None:
    """The record in a text; None if the text is not a record."""
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
