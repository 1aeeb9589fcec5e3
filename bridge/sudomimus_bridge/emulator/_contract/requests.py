"""The body of each request as a model. A body that does not fit is a 400 `InvalidBody`.

Unknown members are kept, because the dialect decides whether to refuse them. A limit with its own reason
(`InvalidSteamAppId`, …) is described here, and the rule checks it. Names are those of the messages.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from ..._service.establish_request import EstablishRequest

ACCESS_KEY_IDENTIFIER = "^acs_k_[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89aAbB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
ACCESS_KEY_SECRET = "^acs_t_[0-9a-f]{64}$"  # noqa: S105 - a pattern
TICKET_HEX = "^(?:[0-9a-fA-F]{2})+$"

__all__ = ["EstablishRequest"]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class _Closed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class SteamTicketRequest(_Body):
    """`POST /direct-issue/steam-ticket`."""

    applicationAnchor: str
    steamTicketHex: Annotated[str, Field(json_schema_extra={"pattern": TICKET_HEX})]
    steamAppId: Annotated[int, Field(json_schema_extra={"minimum": 1, "format": "int64"})]


class AccessKeyRequest(_Body):
    """`POST /direct-issue/access-key`."""

    applicationAnchor: str
    accessKeyIdentifier: Annotated[str, Field(json_schema_extra={"pattern": ACCESS_KEY_IDENTIFIER})]
    accessKeySecret: Annotated[str, Field(json_schema_extra={"pattern": ACCESS_KEY_SECRET}, repr=False)]


# A missing or malformed access token is a 401, not a 400.
_AnyToken = Annotated[Any, WithJsonSchema({"type": "string"}), Field(repr=False)]


class ErrandRequest(_Body):
    """`POST /errand`."""

    model_config = ConfigDict(json_schema_extra={"required": ["accessToken"]})

    accessToken: _AnyToken = None


class IntrospectRequest(ErrandRequest):
    """`POST /introspect`."""


class StatusPollRequest(_Body):
    """`POST /status-poll`."""

    exposureKey: str = Field(repr=False)
    hiddenKey: str = Field(repr=False)


class RedeemRequest(StatusPollRequest):
    """`POST /redeem`."""

    confirmationKey: str = Field(repr=False)


class InfoRequest(_Body):
    """`POST /info`."""

    applicationAnchor: str
    locale: str


class DeviceAuthorizeRequest(_Closed):
    """`POST /device-authorize`."""

    applicationAnchor: Annotated[
        str, StringConstraints(min_length=3, max_length=64, pattern="^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$")
    ]


class DeviceTokenRequest(_Closed):
    """`POST /device-token`."""

    deviceCode: Annotated[str, StringConstraints(pattern="^dvc_[0-9a-f]{64}$"), Field(repr=False)]


class RefreshRequest(_Body):
    """`POST /refresh`."""

    refreshToken: str = Field(repr=False)


class LogoutRequest(RefreshRequest):
    """`POST /logout`."""


class RevokeAllRequest(_Body):
    """`POST /revoke-all`."""

    subject: str
