"""The Device API over HTTP: requests as device.yaml has them, answers into plain values."""

from __future__ import annotations

from dataclasses import replace

from .._values.events import DeviceHandoff
from .._values.sealed import sealed
from .._values.secret import Secret
from .answers import issued, page, refused, seconds, text, unreadable
from .port import Answer, DeviceGrant, Operation
from .reply import Failed, Requests

INTERVAL_SECONDS = 5.0
"""Between two polls where the service does not say (RFC 8628, 3.2)."""

EXPIRES_SECONDS = 600.0
"""How long a code lives where the service does not say (device.yaml, "default production value")."""

LONGEST_INTERVAL_SECONDS = 120.0
LONGEST_LIFE_SECONDS = 24 * 3600.0


class DeviceService:
    """See `port.Device`."""

    def __init__(self, requests: Requests) -> None:
        self.base_url = requests.base_url
        self._requests = requests

    @sealed
    async def device_authorize(self, application: str) -> Answer:
        """`verificationUriComplete` is optional in RFC 8628 (3.2)."""
        reply = await self._requests.post(Operation.DEVICE_AUTHORIZE, {"applicationAnchor": application})
        if isinstance(reply, Failed) or reply.status != 200:
            return refused(reply)
        body = reply.body
        code, user_code, uri = text(body, "deviceCode"), text(body, "userCode"), page(body, "verificationUri")
        if reply.flaw or not code or not user_code or not uri:
            return unreadable(reply, "an answer without codes")
        complete = page(body, "verificationUriComplete")
        handoff = DeviceHandoff(
            user_code,
            Secret(uri),
            Secret(complete) if complete else None,
            seconds(body, "expiresIn", 1.0, LONGEST_LIFE_SECONDS) or EXPIRES_SECONDS,
        )
        interval = seconds(body, "interval", 1.0, LONGEST_INTERVAL_SECONDS) or INTERVAL_SECONDS
        return Answer(status=200, device=DeviceGrant(Secret(code), interval, handoff))

    @sealed
    async def device_token(self, device_code: Secret, application: str) -> Answer:
        """Its errors are OAuth's, in the field `error`."""
        reply = await self._requests.post(Operation.DEVICE_TOKEN, {"deviceCode": device_code.reveal()})
        if isinstance(reply, Failed) or reply.status == 200:
            return issued(reply, application)
        answer = refused(reply, "error" if "error" in reply.body else "reason")
        return replace(answer, interval=seconds(reply.body, "interval", 1.0, LONGEST_INTERVAL_SECONDS))
