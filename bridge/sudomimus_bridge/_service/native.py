"""The Native API over HTTP: requests as native.yaml has them, answers into plain values."""

from __future__ import annotations

from urllib.parse import quote

from .._values.sealed import sealed
from .._values.secret import Secret
from .answers import claims, errand, issued, refused, unreadable
from .port import Answer, ErrandStatus, Operation
from .reply import Failed, Requests


class NativeService:
    """See `port.Native`."""

    def __init__(self, requests: Requests) -> None:
        self.base_url = requests.base_url
        self._requests = requests

    async def warm(self) -> None:
        await self._requests.warm()

    @sealed
    async def direct_issue_steam_ticket(self, application: str, ticket_hex: Secret, app_id: int) -> Answer:
        return issued(
            await self._requests.post(
                Operation.STEAM_TICKET,
                {"applicationAnchor": application, "steamTicketHex": ticket_hex.reveal(), "steamAppId": app_id},
            ),
            application,
        )

    @sealed
    async def direct_issue_access_key(self, application: str, identifier: str, secret: Secret) -> Answer:
        return issued(
            await self._requests.post(
                Operation.ACCESS_KEY,
                {
                    "applicationAnchor": application,
                    "accessKeyIdentifier": identifier,
                    "accessKeySecret": secret.reveal(),
                },
            ),
            application,
        )

    @sealed
    async def create_errand(self, access_token: Secret) -> Answer:
        reply = await self._requests.post(Operation.CREATE_ERRAND, {"accessToken": access_token.reveal()})
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        handoff = errand(reply.body)
        if reply.flaw or (handoff is None and reply.body.get("errand", "missing") is not None):
            return unreadable(reply, "an answer without a usable errand")
        return Answer(status=200, errand=handoff, claims=claims(reply.body))

    @sealed
    async def errand_status(self, errand_key: Secret) -> Answer:
        reply = await self._requests.get(f"/errand/{quote(errand_key.reveal(), safe='')}/status")
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        status = reply.body.get("status")
        if reply.flaw or not isinstance(status, str):
            return unreadable(reply, "an answer without a status")
        known = ErrandStatus(status) if status in ErrandStatus.__members__ else ErrandStatus.PENDING
        return Answer(status=200, errand_status=known)
