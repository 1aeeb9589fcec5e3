"""The Session API over HTTP: requests as session.yaml has them, answers into plain values."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from .._values.sealed import sealed
from .._values.secret import Secret
from .answers import issued, refused, unreadable
from .port import Answer, Operation
from .reply import Failed, Requests

_USERINFO = "/userinfo"
_log = logging.getLogger("sudomimus_bridge")


class SessionService:
    """See `port.Session`."""

    def __init__(self, requests: Requests) -> None:
        self.base_url = requests.base_url
        self._requests = requests

    @sealed
    async def refresh(self, refresh_token: Secret, application: str) -> Answer:
        """The answer names no application."""
        return issued(
            await self._requests.post(Operation.REFRESH, {"refreshToken": refresh_token.reveal()}), application
        )

    @sealed
    async def logout(self, refresh_token: Secret) -> Answer:
        reply = await self._requests.post(Operation.LOGOUT, {"refreshToken": refresh_token.reveal()})
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        revoked = reply.body.get("revoked")
        if reply.flaw or not isinstance(revoked, bool):
            return unreadable(reply, "an answer that does not say whether it revoked")
        return Answer(status=200, revoked=revoked)

    @sealed
    async def userinfo(self, access_token: Secret) -> Mapping[str, Any] | None:
        """Services before version 4 answer with 404."""
        reply = await self._requests.get(_USERINFO, access_token)
        if isinstance(reply, Failed):
            _log.debug("%s: no answer: %s", _USERINFO, reply.trouble)
            return None
        _log.debug("%s: answer %d%s", _USERINFO, reply.status, f", {reply.flaw}" if reply.flaw else "")
        return reply.body if reply.status == 200 and not reply.flaw else None
