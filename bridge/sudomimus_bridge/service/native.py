"""The Native API over HTTP: the real service port. Requests as native.yaml has them, answers into plain values.

Answers are read by name and as little as possible: new fields, claims and enum values, or a missing `claims`, never break
a login (BEHAVIOUR, "Where the two differ").
"""

from __future__ import annotations

from typing import Any, Protocol
from urllib.parse import quote

from ..events import Claims, ErrandHandoff, LoginResult
from ..secret import Secret
from .exchange import Exchange, Failed, Replied
from .port import Answer, ErrandStatus, Operation, Trouble


class Warmable(Protocol):
    """A transport that can open a connection ahead of time."""

    async def warm(self, url: str) -> None:
        """Open one to the host of `url`. Never raises."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class NativeService:
    """The service port on an `Exchange`."""

    def __init__(self, exchange: Exchange, connections: Warmable) -> None:
        self.base_url = exchange.base_url
        self._exchange = exchange
        self._connections = connections

    async def warm(self) -> None:
        """See `Service.warm`."""
        await self._connections.warm(self.base_url)

    async def direct_issue_steam_ticket(self, application: str, ticket_hex: Secret, app_id: int) -> Answer:
        """See `Service.direct_issue_steam_ticket`."""
        return _issued(
            await self._exchange.post(
                Operation.STEAM_TICKET,
                {"applicationAnchor": application, "steamTicketHex": ticket_hex.reveal(), "steamAppId": app_id},
            ),
            application,
        )

    async def direct_issue_access_key(self, application: str, identifier: str, secret: Secret) -> Answer:
        """See `Service.direct_issue_access_key`."""
        return _issued(
            await self._exchange.post(
                Operation.ACCESS_KEY,
                {
                    "applicationAnchor": application,
                    "accessKeyIdentifier": identifier,
                    "accessKeySecret": secret.reveal(),
                },
            ),
            application,
        )

    async def create_errand(self, access_token: Secret) -> Answer:
        """See `Service.create_errand`."""
        reply = await self._exchange.post(Operation.CREATE_ERRAND, {"accessToken": access_token.reveal()})
        if isinstance(reply, Failed) or reply.status != 200:
            return _refused(reply)
        errand = _errand(reply.body)
        if reply.flaw or (errand is None and reply.body.get("errand", "missing") is not None):
            return _unreadable(reply, "an answer without a usable errand")
        return Answer(status=200, errand=errand, claims=_claims(reply.body))

    async def errand_status(self, errand_key: Secret) -> Answer:
        """See `Service.errand_status`."""
        reply = await self._exchange.get(f"/errand/{quote(errand_key.reveal(), safe='')}/status")
        if isinstance(reply, Failed) or reply.status != 200:
            return _refused(reply)
        status = reply.body.get("status")
        if reply.flaw or not isinstance(status, str):
            return _unreadable(reply, "an answer without a status")
        known = ErrandStatus(status) if status in ErrandStatus.__members__ else ErrandStatus.PENDING
        return Answer(status=200, errand_status=known)

    async def aclose(self) -> None:
        """See `Service.aclose`."""
        await self._connections.aclose()


def _issued(reply: Replied | Failed, application: str) -> Answer:
    if isinstance(reply, Failed) or reply.status != 200:
        return _refused(reply)
    access, refresh = _text(reply.body, "accessToken"), _text(reply.body, "refreshToken")
    if reply.flaw or not access or not refresh:
        return _unreadable(reply, "an answer without tokens")
    anchor = _text(reply.body, "applicationAnchor") or application
    claims = _claims(reply.body)
    return Answer(status=200, result=LoginResult(anchor, Secret(access), Secret(refresh), claims), claims=claims)


def _refused(reply: Replied | Failed) -> Answer:
    if isinstance(reply, Failed):
        return Answer(trouble=reply.trouble, detail=reply.detail)
    # An error's body may be empty, or not the service's own (a load balancer's page): then only the status speaks.
    if 200 <= reply.status < 300:
        return _unreadable(reply, f"status {reply.status} in place of 200")
    reason = _text(reply.body, "reason")
    if reply.status == 403 and isinstance(reply.body.get("errand"), dict) and _errand(reply.body) is None:
        return _unreadable(reply, "an errand without key or URL")
    return Answer(
        status=reply.status,
        reason=reason[:100] if reason else None,
        detail=f"HTTP {reply.status}",
        retry_after=reply.retry_after,
        errand=_errand(reply.body) if reply.status == 403 else None,
        claims=_claims(reply.body),
    )


def _unreadable(reply: Replied, why: str) -> Answer:
    return Answer(
        status=reply.status, trouble=Trouble.UNREADABLE, detail=reply.flaw or why, retry_after=reply.retry_after
    )


def _errand(body: dict[str, Any]) -> ErrandHandoff | None:
    errand = body.get("errand")
    if not isinstance(errand, dict):
        return None
    key, url = _text(errand, "errandKey"), _text(errand, "url")
    return ErrandHandoff(Secret(key), Secret(url), _text(errand, "expiresAt")) if key and url else None


def _claims(body: dict[str, Any]) -> Claims:
    claims = body.get("claims")
    return claims if isinstance(claims, dict) else {}


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value and value.isprintable() else None
