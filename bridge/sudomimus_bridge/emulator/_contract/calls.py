"""The table of calls: method, path, request, and the body of each status. Routes, description and fault rules use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel

from . import answers as a
from . import requests as r

Api = Literal["native", "connect", "device", "session"]
BASES: Mapping[Api, str] = {"native": "", "connect": "/connect", "device": "/device", "session": "/session"}


@dataclass(frozen=True)
class Call:
    """One call of the service."""

    api: Api
    method: Literal["GET", "POST"]
    name: str
    """The path below the API's base. A key in it is written in braces."""
    answers: Mapping[int, type[BaseModel] | None]
    """Status to body; None is an empty body."""
    request: type[BaseModel] | None = None
    auth: Literal["client JWT", "access token"] | None = None
    v4_only: bool = False
    no_store: Literal["always", "v4", "never"] = "never"
    """Whether the 200 forbids caching: in every dialect, or in v4 only."""
    reasons: Mapping[int, tuple[str, ...]] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The whole path."""
        return BASES[self.api] + self.name


_ACCOUNT = ("AccountDisabled", "AccountDeleted")
_EMAIL = ("EmailDomainBlocked", "EmailDomainRequiresSso", "SsoAuthorityConflict")
_GATE = ("ClaimConsentRequired", "RequiredClaimDataMissing")
_LAYERS = ("Layer1Denied", "Layer2Denied", "Layer3Denied")
_OFF = ("ApplicationNotActive", "ApplicationDisabled")
_BAD = {400: a.Error, 413: a.Error}


def _health(api: Api) -> Call:
    return Call(api, "GET", "/health", {200: a.Health})


CALLS: tuple[Call, ...] = (
    Call(
        "native",
        "POST",
        "/direct-issue/steam-ticket",
        {
            200: a.Tokens,
            **_BAD,
            401: a.Error,
            403: a.Denied,
            404: a.Error,
            409: a.Error,
            429: None,
            502: a.Error,
            503: None,
        },
        r.SteamTicketRequest,
        no_store="always",
        reasons={
            400: ("InvalidBody", "InvalidSteamAppId"),
            401: ("SteamTicketInvalid",),
            403: (*_LAYERS, *_OFF, *_ACCOUNT, *_EMAIL, *_GATE),
            404: ("ApplicationNotFound",),
            409: ("ReplayProtectionAlreadySeen", "AuthorizationArtifactStale"),
            502: ("SteamTicketVerificationFailed",),
        },
    ),
    Call(
        "native",
        "POST",
        "/direct-issue/access-key",
        {
            200: a.Tokens,
            **_BAD,
            401: a.Error,
            403: a.Denied,
            404: a.Error,
            409: a.Error,
            429: None,
            500: None,
            503: None,
        },
        r.AccessKeyRequest,
        no_store="always",
        reasons={
            400: ("InvalidBody", "InvalidAccessKeyIdentifier", "InvalidAccessKeySecret"),
            401: ("AccessKeyDirectDenied",),
            403: (*_LAYERS, *_OFF, *_ACCOUNT, *_EMAIL, *_GATE),
            404: ("ApplicationNotFound",),
            409: ("AuthorizationArtifactStale",),
        },
    ),
    Call(
        "native",
        "POST",
        "/errand",
        {200: a.ErrandOffer, **_BAD, 401: a.Error, 403: a.Error},
        r.ErrandRequest,
        no_store="v4",
        reasons={403: (*_OFF, *_ACCOUNT)},
    ),
    Call("native", "GET", "/errand/{errandKey}/status", {200: a.ErrandStatus}),
    _health("native"),
    Call(
        "connect",
        "POST",
        "/establish",
        {200: a.Established, **_BAD, 401: a.Error, 403: a.Error, 404: a.Error},
        r.EstablishRequest,
        auth="client JWT",
        no_store="v4",
        reasons={403: (*_OFF, "Layer3Denied"), 404: ("ApplicationNotFound",)},
    ),
    Call(
        "connect",
        "POST",
        "/status-poll",
        {200: a.InquiryStatus, **_BAD, 403: a.Error},
        r.StatusPollRequest,
        no_store="v4",
        reasons={400: ("InvalidBody", "InquiryNotFound", "InquiryExpired", "InquiryAlreadyRedeemed")},
    ),
    Call(
        "connect",
        "POST",
        "/redeem",
        {200: a.Tokens, **_BAD, 403: a.Error, 409: a.Error},
        r.RedeemRequest,
        no_store="always",
        reasons={
            400: (
                *("InvalidBody", "InquiryNotFound", "InquiryExpired", "InquiryNotRealized", "InquiryAlreadyRedeemed"),
                *("ApplicationNotFound", "AuthenticationNotFound", "AccountNotFound"),
            ),
            403: (*_OFF, *_ACCOUNT, *_EMAIL, *_GATE),
            409: ("AuthorizationArtifactStale",),
        },
    ),
    Call(
        "connect",
        "POST",
        "/info",
        {200: a.Info, **_BAD, 404: a.Error},
        r.InfoRequest,
        reasons={404: ("ApplicationNotFound",)},
    ),
    _health("connect"),
    Call(
        "device",
        "POST",
        "/device-authorize",
        {200: a.DeviceGrant, **_BAD, 403: a.Error, 404: a.Error, 429: None, 503: None},
        r.DeviceAuthorizeRequest,
        reasons={403: (*_OFF, "Layer3Denied"), 404: ("ApplicationNotFound",)},
    ),
    Call(
        "device",
        "POST",
        "/device-token",
        {200: a.Tokens, 400: a.DeviceError, 500: a.DeviceError},
        r.DeviceTokenRequest,
        no_store="always",
    ),
    _health("device"),
    Call(
        "session",
        "POST",
        "/refresh",
        {200: a.RefreshedTokens, **_BAD, 401: a.Error, 403: a.Error, 409: a.Error},
        r.RefreshRequest,
        no_store="always",
        reasons={
            400: ("InvalidBody", "AccountNotFound"),
            401: (
                *("RefreshTokenInvalid", "RefreshTokenInvalidType", "RefreshTokenInvalidSignature"),
                *(
                    "RefreshTokenSuspended",
                    "RefreshTokenExpired",
                    "RefreshTokenRevoked",
                    "RefreshTokenFamilyCompromised",
                ),
            ),
            403: (*_OFF, *_ACCOUNT, *_EMAIL, *_GATE),
            409: ("AuthorizationArtifactStale",),
        },
    ),
    Call("session", "POST", "/introspect", {200: a.Introspection, **_BAD, 401: a.Error}, r.IntrospectRequest),
    Call("session", "POST", "/logout", {200: a.LoggedOut, **_BAD, 401: a.Error}, r.LogoutRequest),
    Call(
        "session",
        "POST",
        "/revoke-all",
        {200: a.RevokedAll, **_BAD, 401: a.Error},
        r.RevokeAllRequest,
        auth="client JWT",
    ),
    Call(
        "session",
        "GET",
        "/userinfo",
        {200: a.UserInfo, 401: a.InvalidToken},
        auth="access token",
        v4_only=True,
        no_store="always",
    ),
    Call(
        "session",
        "GET",
        "/claim-state",
        {200: a.ClaimState, 401: a.InvalidToken},
        auth="access token",
        v4_only=True,
        no_store="always",
    ),
    Call(
        "session",
        "GET",
        "/applications/{applicationAnchor}/jwks.json",
        {200: a.KeySet, 404: a.Error},
        v4_only=True,
        reasons={404: ("ApplicationNotFound",)},
    ),
    _health("session"),
)


def call_of(path: str) -> Call:
    """The call with this path."""
    return next(call for call in CALLS if call.path == path)
