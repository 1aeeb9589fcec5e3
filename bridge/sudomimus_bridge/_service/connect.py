"""The Connect API over HTTP: requests as connect.yaml has them, answers into plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._values.clock import Clock
from .._values.sealed import sealed
from .._values.secret import Secret
from .answers import issued, refused, text, unreadable
from .port import Answer, Inquiry, Operation
from .reply import Failed, Replied, Requests, Sign


class ConnectService:
    """See `port.Connect`."""

    def __init__(self, requests: Requests, clock: Clock) -> None:
        self.base_url = requests.base_url
        self._requests = requests
        self._clock = clock

    @sealed
    async def establish(self, body: Mapping[str, Any], sign: Sign) -> Answer:
        reply = await self._requests.post(Operation.ESTABLISH, body, sign)
        if isinstance(reply, Failed) or reply.status != 200:
            return replace(refused(reply), skew=self._skew(reply))
        exposure, hidden = text(reply.body, "exposureKey"), text(reply.body, "hiddenKey")
        if reply.flaw or not exposure or not hidden:
            return unreadable(reply, "an answer without keys")
        return Answer(status=200, inquiry=Inquiry(Secret(exposure), Secret(hidden)))

    @sealed
    async def status_poll(self, inquiry: Inquiry) -> Answer:
        """A status that this version does not know counts as PENDING."""
        reply = await self._requests.post(Operation.STATUS_POLL, _keys(inquiry))
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        status, key = reply.body.get("status"), text(reply.body, "confirmationKey")
        if reply.flaw or not isinstance(status, str):
            return unreadable(reply, "an answer without a status")
        if status != "REALIZED":
            return Answer(status=200)
        if not key:
            return unreadable(reply, "a realized inquiry without its key")
        return Answer(status=200, confirmation_key=Secret(key))

    @sealed
    async def redeem(self, inquiry: Inquiry, confirmation_key: Secret, application: str) -> Answer:
        body = {**_keys(inquiry), "confirmationKey": confirmation_key.reveal()}
        return issued(await self._requests.post(Operation.REDEEM, body), application)

    def _skew(self, reply: Replied | Failed) -> float | None:
        date = None if isinstance(reply, Failed) else reply.date
        return None if date is None else date - self._clock.wall()


def _keys(inquiry: Inquiry) -> dict[str, str]:
    return {"exposureKey": inquiry.exposure_key.reveal(), "hiddenKey": inquiry.hidden_key.reveal()}
