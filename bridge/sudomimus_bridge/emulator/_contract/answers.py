"""The body of each answer as a model, for the service's description. Members of one dialect only are optional here.

`openapi` requires or removes them for the dialect that it describes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

Requirement = Literal["OFF", "OPTIONAL", "REQUIRED", "SYNTHETIC", "SYNTHETIC_ONLY", "SYNTHETIC_FALLBACK"]
Decision = Literal["UNKNOWN", "GRANTED", "DENIED"]
_Uri = Annotated[str, WithJsonSchema({"type": "string", "format": "uri"})]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Health(_Closed):
    """`GET /health` of each API."""

    status: Literal["ok"]
    service: str
    version: str


class Error(BaseModel):
    """The body of an answer other than 200. Some failures have an empty body instead."""

    reason: str


class Claim(BaseModel):
    """The application's requirement for a claim, and the player's decision."""

    requirement: Requirement
    state: Decision


class Claims(BaseModel):
    """One entry for each claim that can be shared."""

    email: Claim
    firstName: Claim
    lastName: Claim
    staticAvatar: Claim
    animatedAvatar: Claim


class Errand(BaseModel):
    """A page that the player has to visit."""

    errandKey: str
    url: _Uri
    expiresAt: AwareDatetime


class RefreshedTokens(BaseModel):
    """`POST /refresh`."""

    accessToken: str
    refreshToken: str
    claims: Claims


class Tokens(RefreshedTokens):
    """The tokens that each sign-in gives."""

    applicationAnchor: str


class Denied(BaseModel):
    """The 403 of a direct issue. The claim gate's has `claims` and `errand`."""

    reason: str
    claims: Claims | None = None
    errand: Errand | None = None


class ErrandOffer(BaseModel):
    """`POST /errand`: null means that the player owes nothing."""

    errand: Errand | None
    claims: Claims


class ErrandStatus(BaseModel):
    """`GET /errand/{errandKey}/status`."""

    status: Literal["PENDING", "COMPLETED", "EXPIRED"]


class Established(BaseModel):
    """`POST /establish`."""

    applicationAnchor: str
    exposureKey: str
    hiddenKey: str


class InquiryStatus(BaseModel):
    """`POST /status-poll`."""

    status: Literal["PENDING", "REALIZED"]
    confirmationKey: str | None = None


class Info(BaseModel):
    """`POST /info`."""

    applicationAnchor: str
    applicationName: str
    applicationPublicKey: str | None = None


class DeviceGrant(BaseModel):
    """`POST /device-authorize`."""

    applicationAnchor: str
    deviceCode: str
    userCode: str
    verificationUri: _Uri
    verificationUriComplete: _Uri
    expiresIn: int = Field(ge=1)
    interval: int = Field(ge=1)


class DeviceError(BaseModel):
    """The answer of `POST /device-token` while there are no tokens (RFC 8628, 3.5)."""

    error: Literal[
        "authorization_pending", "slow_down", "access_denied", "expired_token", "invalid_request", "server_error"
    ]
    interval: int | None = None


class Introspection(BaseModel):
    """`POST /introspect`."""

    status: Literal["active", "revoked", "expired", "not_found"]
    recommendedRecheckSeconds: int


class LoggedOut(BaseModel):
    """`POST /logout`."""

    revoked: bool


class RevokedCount(BaseModel):
    """`POST /revoke-all` before v4."""

    revokedCount: int


class RevokedAll(_Closed):
    """`POST /revoke-all` of v4."""

    revoked: Literal[True]


class UserInfo(_Closed):
    """`GET /userinfo`. A member that the player does not share is absent."""

    sub: str = Field(min_length=1)
    email: Annotated[str | None, WithJsonSchema({"type": "string", "format": "email"})] = None
    email_verified: bool | None = None
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    picture: _Uri | None = None
    picture_animated: _Uri | None = None


class ProfileClaims(_Closed):
    """The claims under OpenID Connect's names."""

    email: Claim
    given_name: Claim
    family_name: Claim
    picture: Claim
    picture_animated: Claim


class ClaimState(_Closed):
    """`GET /claim-state`."""

    sub: str = Field(min_length=1)
    claims: ProfileClaims


class InvalidToken(_Closed):
    """The 401 of `/userinfo` and `/claim-state`."""

    error: Literal["invalid_token"]


class Key(_Closed):
    """A public key (RFC 7517, RFC 7518)."""

    kty: Literal["RSA"]
    n: str
    e: str
    kid: str
    use: Literal["sig"]
    alg: Literal["RS256"]


class KeySet(_Closed):
    """`GET /applications/{applicationAnchor}/jwks.json`."""

    keys: list[Key] = Field(max_length=32)
