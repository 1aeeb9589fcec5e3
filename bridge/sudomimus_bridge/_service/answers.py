"""Reading answers: what the four APIs say in the same words.

Answers are read by name and as little as possible: new fields, claims and enum values, or a missing `claims`, never break
a login (BEHAVIOUR, "Where the two differ").
"""

from __future__ import annotations

from typing import Any

from .._values.events import Claims, ErrandHandoff, LoginResult
from .._values.secret import Secret
from .port import Answer, Trouble
from .reply import Failed, Replied


def issued(reply: Replied | Failed, application: str) -> Answer:
    """An answer that brings tokens. `application` stands in where it does not name one."""
    if isinstance(reply, Failed) or reply.status != 200:
        return refused(reply)
    access, refresh = text(reply.body, "accessToken"), text(reply.body, "refreshToken")
    if reply.flaw or not access or not refresh:
        return unreadable(reply, "an answer without tokens")
    anchor = text(reply.body, "applicationAnchor") or application
    told = claims(reply.body)
    return Answer(status=200, result=LoginResult(anchor, Secret(access), Secret(refresh), told), claims=told)


def refused(reply: Replied | Failed, reason_field: str = "reason") -> Answer:
    """Whatever is not 200."""
    if isinstance(reply, Failed):
        return Answer(trouble=reply.trouble, detail=reply.detail, unsent=reply.unsent)
    # An error's body may be empty, or not the service's own (a load balancer's page): then only the status speaks.
    if 200 <= reply.status < 300:
        return unreadable(reply, f"status {reply.status} in place of 200")
    reason = text(reply.body, reason_field)
    if reply.status == 403 and isinstance(reply.body.get("errand"), dict) and errand(reply.body) is None:
        return unreadable(reply, "an errand without key or URL")
    return Answer(
        status=reply.status,
        reason=reason[:100] if reason else None,
        detail=f"HTTP {reply.status}",
        retry_after=reply.retry_after,
        errand=errand(reply.body) if reply.status == 403 else None,
        claims=claims(reply.body),
    )


def unreadable(reply: Replied, why: str) -> Answer:
    """An answer that is not what was promised."""
    return Answer(
        status=reply.status, trouble=Trouble.UNREADABLE, detail=reply.flaw or why, retry_after=reply.retry_after
    )


def errand(body: dict[str, Any]) -> ErrandHandoff | None:
    """The errand in an answer; None where there is none that can be followed."""
    value = body.get("errand")
    if not isinstance(value, dict):
        return None
    key, url = text(value, "errandKey"), page(value, "url")
    return ErrandHandoff(Secret(key), Secret(url), text(value, "expiresAt")) if key and url else None


def claims(body: dict[str, Any]) -> Claims:
    """The `claims` block, whatever it holds."""
    value = body.get("claims")
    return value if isinstance(value, dict) else {}


def text(body: dict[str, Any], name: str) -> str | None:
    """A text that is there and can be shown."""
    value = body.get(name)
    return value if isinstance(value, str) and value and value.isprintable() else None


def page(body: dict[str, Any], name: str) -> str | None:
    """The URL of a page, whatever it holds: the gate refuses it, and no further attempt would bring a better one."""
    value = body.get(name)
    return value if isinstance(value, str) and value else None


def seconds(body: dict[str, Any], name: str, least: float, most: float) -> float | None:
    """A number of seconds, brought within bounds; None where it is no number."""
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(min(most, max(least, value)))
