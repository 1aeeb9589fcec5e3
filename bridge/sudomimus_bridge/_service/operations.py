"""`Operation`: the calls whose answers have rules. It has its own module, because a game imports it before the first login."""

from __future__ import annotations

from enum import StrEnum


class Operation(StrEnum):
    """The calls whose answers have rules. Values are the paths of the service's OpenAPI documents."""

    STEAM_TICKET = "/direct-issue/steam-ticket"
    ACCESS_KEY = "/direct-issue/access-key"
    CREATE_ERRAND = "/errand"
    ESTABLISH = "/establish"
    STATUS_POLL = "/status-poll"
    REDEEM = "/redeem"
    DEVICE_AUTHORIZE = "/device-authorize"
    DEVICE_TOKEN = "/device-token"  # noqa: S105 - a path
    REFRESH = "/refresh"
    LOGOUT = "/logout"
