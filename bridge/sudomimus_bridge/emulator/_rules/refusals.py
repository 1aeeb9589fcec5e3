"""How the service says no: each answer other than 200, as an exception that a rule raises and `api` sends."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An answer other than 200. Without a reason, or with one that begins with PRIVATE, its body is empty."""

    def __init__(self, status: int, reason: str | None = None, **more: Any) -> None:
        super().__init__(f"{status} {reason or ''}".strip())
        self.status = status
        self.reason = reason
        self.more = more
        self.retry_after: int | None = None


class DeviceTokenRefusal(Exception):
    """What POST /device-token answers in place of tokens: OAuth's names (RFC 8628, 3.5), not the service's reasons."""

    def __init__(self, error: str, *, status: int = 400, interval: int | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.interval = interval


class InvalidToken(Exception):
    """The one 401 of `/userinfo` and `/claim-state`."""


def error_body(reason: str | None) -> dict[str, Any] | None:
    """The body of a refusal; None if it is empty."""
    return None if reason is None or reason.startswith("PRIVATE") else {"reason": reason}
