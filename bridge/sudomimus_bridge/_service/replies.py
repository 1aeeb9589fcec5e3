"""Replies: the outcome of one HTTP exchange, and the functions that read the members that all four APIs share.

They read few members, by name. A new member, claim or enum value never breaks a login, nor does a missing `claims` block: the
service may be newer than a shipped game.

Every door must be able to write the JSON again. Python's parser also accepts values that cannot be written: NaN, an integer of
400 digits, half of a surrogate pair, or very deep nesting. Such a value in a claim must not lose the tokens beside it, because
the refresh token is used up by then. So `read_json` replaces the odd value and keeps the rest.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .._values.events import Claims, ErrandHandoff, LoginResult
from .._values.secret import Secret
from .answers import Answer, Trouble

MAX_DEPTH = 64
"""The most levels of nesting. The contract needs four; pydantic writes up to 255."""

_MAX_DIGITS = 300
"""The most digits of an integer. A float can hold such a number, and Python refuses to read or write 4,300 digits."""

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def read_json(content: bytes) -> Any:
    """Parse a text. Raises `ValueError` if it is not JSON.

    Null replaces a number that JSON or a float cannot hold, and a value that is nested too deeply. U+FFFD replaces half of a
    surrogate pair.
    """
    try:
        value = json.loads(content, parse_constant=lambda _: None, parse_float=_finite, parse_int=_integer)
    except RecursionError:
        raise ValueError("the text nests too deeply") from None
    return _plain(value, MAX_DEPTH)


def _finite(text: str) -> float | None:
    number = float(text)
    return number if math.isfinite(number) else None


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= _MAX_DIGITS else None


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _LONE_SURROGATE.sub("\ufffd", value)
    if not isinstance(value, (dict, list)):
        return value
    if depth == 0:
        return None
    if isinstance(value, list):
        return [_plain(item, depth - 1) for item in value]
    return {_plain(name, depth): _plain(item, depth - 1) for name, item in value.items()}


Sign = Callable[[bytes], Secret]
"""Makes the header Authorization from the exact bytes of the body."""


@dataclass(frozen=True)
class Replied:
    """A whole answer arrived."""

    status: int
    body: dict[str, Any] = field(repr=False)
    """The answer's JSON object; empty if the answer has none."""
    flaw: str | None
    """Why the body is not the JSON object of the contract; None if it is one."""
    retry_after: float | None
    """Seconds, from the header Retry-After."""
    date: float | None
    """The service's own time, seconds since 1970, from the header Date."""


@dataclass(frozen=True)
class Failed:
    """No answer arrived, or the answer cannot be trusted."""

    trouble: Trouble
    detail: str
    unsent: bool = False
    """Whether the request never left this computer, because no connection was made."""


class Sender(Protocol):
    """Sends requests to one API of the service. No reply makes it raise."""

    async def post(self, path: str, body: Mapping[str, Any], sign: Sign | None = None) -> Replied | Failed:
        """POST a JSON object."""
        ...

    async def get(self, path: str, bearer: Secret | None = None) -> Replied | Failed:
        """GET a JSON object. `bearer` is the token for the header Authorization (RFC 6750), if the call needs one."""
        ...


class Address(Protocol):
    """One API of the service, whose connections are made when they are needed."""

    base_url: str

    async def opened(self) -> Sender:
        """The sender of this API. The first call imports what it needs. Raises `ConfigurationError`."""
        ...

    async def warm(self) -> None:
        """Open a connection ahead of the next request. Never raises: the next request reports the error."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def issued(reply: Replied | Failed, application: str) -> Answer[LoginResult]:
    """Read an answer that should have tokens. `application` is used if the answer names none."""
    if isinstance(reply, Failed) or reply.status != 200:
        return refused(reply)
    access, refresh = text(reply.body, "accessToken"), text(reply.body, "refreshToken")
    if reply.flaw or not access or not refresh:
        return unreadable(reply, "an answer without tokens")
    anchor, sent = text(reply.body, "applicationAnchor") or application, claims(reply.body)
    return Answer(status=200, claims=sent, value=LoginResult(anchor, Secret(access), Secret(refresh), sent))


def refused(reply: Replied | Failed, reason_field: str = "reason") -> Answer[Any]:
    """Read any answer that is not 200."""
    if isinstance(reply, Failed):
        return Answer(trouble=reply.trouble, detail=reply.detail, unsent=reply.unsent)
    # An error's body may be empty, or come from a load balancer. Then only the status is known.
    if 200 <= reply.status < 300:
        return unreadable(reply, f"status {reply.status} in place of 200")
    reason = text(reply.body, reason_field)
    handoff = errand(reply.body) if reply.status == 403 else None
    if reply.status == 403 and isinstance(reply.body.get("errand"), dict) and handoff is None:
        return unreadable(reply, "an errand without key or URL")
    return Answer(
        status=reply.status,
        reason=reason[:100] if reason else None,
        detail=f"HTTP {reply.status}",
        retry_after=reply.retry_after,
        errand=handoff,
        claims=claims(reply.body),
    )


def unreadable(reply: Replied, why: str) -> Answer[Any]:
    """The answer to use if a reply is not what the contract promises."""
    return Answer(
        status=reply.status, trouble=Trouble.UNREADABLE, detail=reply.flaw or why, retry_after=reply.retry_after
    )


def errand(body: dict[str, Any]) -> ErrandHandoff | None:
    """The errand in a body; None if there is none that a player could follow."""
    value = body.get("errand")
    if not isinstance(value, dict):
        return None
    key, url = text(value, "errandKey"), page(value, "url")
    return ErrandHandoff(Secret(key), Secret(url), text(value, "expiresAt")) if key and url else None


def claims(body: dict[str, Any]) -> Claims:
    """The `claims` block as it was sent; empty if there is none."""
    value = body.get("claims")
    return value if isinstance(value, dict) else {}


def text(body: dict[str, Any], name: str) -> str | None:
    """The text of a member; None if it is missing, empty or not printable."""
    value = body.get(name)
    return value if isinstance(value, str) and value and value.isprintable() else None


def page(body: dict[str, Any], name: str) -> str | None:
    """The URL of a page; None if it is missing. The gate checks it later: another attempt would bring the same URL."""
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def seconds(body: dict[str, Any], name: str, least: float, most: float) -> float | None:
    """The number of seconds in a member, limited to these bounds; None if the member is not a number."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(min(most, max(least, value)))
