"""The four APIs over HTTP: they send the requests of docs/contracts/service.md and return answers as plain values.

The classes implement the protocols of `port`, which describe each method. A request has exactly the members of the contract,
because the service refuses unknown members.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from .._values.clock import Clock
from .._values.events import DeviceHandoff, LoginResult
from .._values.secret import Secret, sealed
from .answers import Answer, DeviceGrant, ErrandStatus, Inquiry
from .operations import Operation
from .replies import (
    Address,
    Failed,
    Replied,
    Sign,
    claims,
    errand,
    issued,
    page,
    refused,
    seconds,
    text,
    unreadable,
)

INTERVAL_SECONDS = 5.0
"""The time between two polls for a device's tokens, if the service names no interval (RFC 8628, 3.2)."""

EXPIRES_SECONDS = 600.0
"""The lifetime of a device's code if the service states none: the usual one."""

USERINFO = "/userinfo"
"""The path of the profile. A service before version 4 answers 404."""

LONGEST_INTERVAL_SECONDS = 120.0
LONGEST_LIFE_SECONDS = 24 * 3600.0


_log = logging.getLogger("sudomimus_bridge")


class NativeApi:
    """Implements `port.Native`."""

    def __init__(self, address: Address) -> None:
        self.base_url = address.base_url
        self._address = address

    async def warm(self) -> None:
        await self._address.warm()

    @sealed
    async def direct_issue_steam_ticket(self, application: str, ticket_hex: Secret, app_id: int) -> Answer[LoginResult]:
        body = {"applicationAnchor": application, "steamTicketHex": ticket_hex.reveal(), "steamAppId": app_id}
        sender = await self._address.opened()
        return issued(await sender.post(Operation.STEAM_TICKET, body), application)

    @sealed
    async def direct_issue_access_key(self, application: str, identifier: str, secret: Secret) -> Answer[LoginResult]:
        key = {"accessKeyIdentifier": identifier, "accessKeySecret": secret.reveal()}
        sender = await self._address.opened()
        return issued(await sender.post(Operation.ACCESS_KEY, {"applicationAnchor": application, **key}), application)

    @sealed
    async def create_errand(self, access_token: Secret) -> Answer[None]:
        sender = await self._address.opened()
        reply = await sender.post(Operation.CREATE_ERRAND, {"accessToken": access_token.reveal()})
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        handoff = errand(reply.body)
        if reply.flaw or (handoff is None and reply.body.get("errand", "missing") is not None):
            return unreadable(reply, "an answer without a usable errand")
        return Answer(status=200, errand=handoff, claims=claims(reply.body))

    @sealed
    async def errand_status(self, errand_key: Secret) -> Answer[ErrandStatus]:
        sender = await self._address.opened()
        reply = await sender.get(f"/errand/{quote(errand_key.reveal(), safe='')}/status")
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        status = reply.body.get("status")
        if reply.flaw or not isinstance(status, str):
            return unreadable(reply, "an answer without a status")
        known = ErrandStatus(status) if status in ErrandStatus.__members__ else ErrandStatus.PENDING
        return Answer(status=200, value=known)


class ConnectApi:
    """Implements `port.Connect`."""

    def __init__(self, address: Address, clock: Clock) -> None:
        self.base_url = address.base_url
        self._address = address
        self._clock = clock

    @sealed
    async def establish(self, body: Mapping[str, Any], sign: Sign) -> Answer[Inquiry]:
        sender = await self._address.opened()
        reply = await sender.post(Operation.ESTABLISH, body, sign)
        if isinstance(reply, Failed) or reply.status != 200:
            return replace(refused(reply), skew=self._skew(reply))
        exposure, hidden = text(reply.body, "exposureKey"), text(reply.body, "hiddenKey")
        if reply.flaw or not exposure or not hidden:
            return unreadable(reply, "an answer without keys")
        return Answer(status=200, value=Inquiry(Secret(exposure), Secret(hidden)))

    @sealed
    async def status_poll(self, inquiry: Inquiry) -> Answer[Secret]:
        sender = await self._address.opened()
        reply = await sender.post(Operation.STATUS_POLL, _keys(inquiry))
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        status, key = reply.body.get("status"), text(reply.body, "confirmationKey")
        if reply.flaw or not isinstance(status, str):
            return unreadable(reply, "an answer without a status")
        if status != "REALIZED":  # PENDING, or a status that this version does not know
            return Answer(status=200)
        if not key:
            return unreadable(reply, "a realized inquiry without its key")
        return Answer(status=200, value=Secret(key))

    @sealed
    async def redeem(self, inquiry: Inquiry, confirmation_key: Secret, application: str) -> Answer[LoginResult]:
        body = {**_keys(inquiry), "confirmationKey": confirmation_key.reveal()}
        sender = await self._address.opened()
        return issued(await sender.post(Operation.REDEEM, body), application)

    def _skew(self, reply: Replied | Failed) -> float | None:
        date = None if isinstance(reply, Failed) else reply.date
        return None if date is None else date - self._clock.wall()


def _keys(inquiry: Inquiry) -> dict[str, str]:
    return {"exposureKey": inquiry.exposure_key.reveal(), "hiddenKey": inquiry.hidden_key.reveal()}


class DeviceApi:
    """Implements `port.Device`."""

    def __init__(self, address: Address) -> None:
        self.base_url = address.base_url
        self._address = address

    @sealed
    async def device_authorize(self, application: str) -> Answer[DeviceGrant]:
        sender = await self._address.opened()
        reply = await sender.post(Operation.DEVICE_AUTHORIZE, {"applicationAnchor": application})
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        body = reply.body
        code, user_code, uri = text(body, "deviceCode"), text(body, "userCode"), page(body, "verificationUri")
        if reply.flaw or not code or not user_code or not uri:
            return unreadable(reply, "an answer without codes")
        complete = page(body, "verificationUriComplete")  # optional in RFC 8628, 3.2
        lifetime = seconds(body, "expiresIn", 1.0, LONGEST_LIFE_SECONDS) or EXPIRES_SECONDS
        handoff = DeviceHandoff(user_code, Secret(uri), Secret(complete) if complete else None, lifetime)
        interval = seconds(body, "interval", 1.0, LONGEST_INTERVAL_SECONDS) or INTERVAL_SECONDS
        return Answer(status=200, value=DeviceGrant(Secret(code), interval, handoff))

    @sealed
    async def device_token(self, device_code: Secret, application: str) -> Answer[LoginResult]:
        sender = await self._address.opened()
        reply = await sender.post(Operation.DEVICE_TOKEN, {"deviceCode": device_code.reveal()})
        if isinstance(reply, Failed) or reply.status == 200:
            return issued(reply, application)
        answer = refused(reply, "error" if "error" in reply.body else "reason")
        interval = seconds(reply.body, "interval", 1.0, LONGEST_INTERVAL_SECONDS)
        if answer.reason != "slow_down" or interval is None:
            return answer
        return replace(answer, retry_after=max(interval, answer.retry_after or 0.0))


class SessionApi:
    """Implements `port.Session`."""

    def __init__(self, address: Address) -> None:
        self.base_url = address.base_url
        self._address = address

    @sealed
    async def refresh(self, refresh_token: Secret, application: str) -> Answer[LoginResult]:
        sender = await self._address.opened()
        return issued(await sender.post(Operation.REFRESH, {"refreshToken": refresh_token.reveal()}), application)

    @sealed
    async def logout(self, refresh_token: Secret) -> Answer[bool]:
        sender = await self._address.opened()
        reply = await sender.post(Operation.LOGOUT, {"refreshToken": refresh_token.reveal()})
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        revoked = reply.body.get("revoked")
        if reply.flaw or not isinstance(revoked, bool):
            return unreadable(reply, "an answer that does not say whether it revoked")
        return Answer(status=200, value=revoked)

    @sealed
    async def userinfo(self, access_token: Secret) -> Mapping[str, Any] | None:
        sender = await self._address.opened()
        reply = await sender.get(USERINFO, access_token)
        if isinstance(reply, Failed):
            _log.debug("%s: no answer: %s", USERINFO, reply.trouble)
            return None
        _log.debug("%s: answer %d%s", USERINFO, reply.status, f", {reply.flaw}" if reply.flaw else "")
        return reply.body if reply.status == 200 and not reply.flaw else None
