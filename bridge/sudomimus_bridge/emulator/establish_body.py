"""The body of POST /establish, as connect.yaml bounds it: what fits no model here is a 400 InvalidBody.

Unknown fields are refused where the contract closes an object, and let pass where it does not.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from .model import Model

LARGEST_CONFIGURATION_BYTES = 65_536
_LARGEST_STRING_BYTES = 2048


def _unique(items: list[Any]) -> list[Any]:
    if len(set(items)) != len(items):
        raise ValueError("the items must be unique")
    return items


def _not_too_long(text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > _LARGEST_STRING_BYTES:
        raise ValueError("the text is too long")
    return text


Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(_not_too_long)]
TextList = Annotated[list[Text], Field(max_length=128), AfterValidator(_unique)]


class _Open(Model):
    model_config = ConfigDict(strict=True, extra="ignore")


class _Closed(Model):
    model_config = ConfigDict(strict=True, extra="forbid")


class _Lifetimes(_Open):
    accessTokenTtlSeconds: int | None = Field(default=None, ge=60, le=604_800)
    refreshTokenTtlSeconds: int | None = Field(default=None, ge=86_400, le=31_536_000)

    @model_validator(mode="before")
    @classmethod
    def _null_is_no_integer(cls, values: Any) -> Any:
        named = ("accessTokenTtlSeconds", "refreshTokenTtlSeconds")
        if isinstance(values, dict) and any(name in values and values[name] is None for name in named):
            raise ValueError("a lifetime is a whole number, or absent")
        return values


# --- authentication constraints --------------------------------------------------------------------------------------


class _Empty(_Closed):
    pass


class _SteamApps(_Closed):
    allowedSteamAppIds: Annotated[
        list[Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=128), AfterValidator(_unique)
    ]


class _GoogleDomains(_Closed):
    allowedHostedDomains: TextList = Field(default_factory=list)


class _GitHubOrganizations(_Closed):
    allowedGitHubOrgs: TextList


class _DiscordGuilds(_Closed):
    allowedDiscordGuilds: TextList = Field(default_factory=list)


class _Connector(_Closed):
    connectorAnchor: Annotated[Text, StringConstraints(pattern=r"\S")]


class _WithoutPayload(_Lifetimes):
    method: Literal[
        "PASSKEY_USERNAMELESS",
        "PASSKEY_REASONED",
        "EMAIL_VERIFICATION",
        "STEAM_OPENID",
        "ACCESS_KEY_DIRECT",
        "BATTLENET_OAUTH",
        "X_OAUTH",
        "ENTERPRISE_FEDERATION_DOMAIN_MANAGED",
    ]
    payload: _Empty


class _SteamTicket(_Lifetimes):
    method: Literal["STEAM_TICKET"]
    payload: _SteamApps


class _Google(_Lifetimes):
    method: Literal["GOOGLE_OAUTH"]
    payload: _GoogleDomains


class _GitHub(_Lifetimes):
    method: Literal["GITHUB_OAUTH"]
    payload: _GitHubOrganizations


class _Discord(_Lifetimes):
    method: Literal["DISCORD_OAUTH"]
    payload: _DiscordGuilds


class _Enterprise(_Lifetimes):
    method: Literal["ENTERPRISE_FEDERATION_APPLICATION_MANAGED"]
    payload: _Connector


AuthenticationConstraint = Annotated[
    _WithoutPayload | _SteamTicket | _Google | _GitHub | _Discord | _Enterprise, Field(discriminator="method")
]


# --- realize constraints ---------------------------------------------------------------------------------------------


class _Emails(_Open):
    allowedEmails: Annotated[
        list[Annotated[str, StringConstraints(max_length=254)]],
        Field(min_length=1, max_length=128),
        AfterValidator(_unique),
    ]


class _SteamIds(_Open):
    allowedSteamIds: Annotated[
        list[Annotated[str, StringConstraints(pattern=r"^(\*|[0-9]{1,20})$")]],
        Field(min_length=1, max_length=128),
        AfterValidator(_unique),
    ]


_Handles = Annotated[
    list[Annotated[str, StringConstraints(min_length=1, max_length=128)]],
    Field(min_length=1, max_length=128),
    AfterValidator(_unique),
]


class _Aliases(_Open):
    allowedAccountAliases: _Handles


class _Subjects(_Open):
    allowedSectorSubjects: _Handles


class EmailConstraint(_Lifetimes):
    """The player's email must match."""

    constraintType: Literal["EMAIL"]
    payload: _Emails


class SteamIdConstraint(_Lifetimes):
    """The player's SteamID64 must be one of these."""

    constraintType: Literal["STEAM_ID"]
    payload: _SteamIds


class AliasConstraint(_Lifetimes):
    """The account alias must be one of these."""

    constraintType: Literal["ACCOUNT_ALIAS"]
    payload: _Aliases


class SubjectConstraint(_Lifetimes):
    """The sector subject must be one of these."""

    constraintType: Literal["SECTOR_SUBJECT"]
    payload: _Subjects


class EveryoneConstraint(_Lifetimes):
    """Admits any identity on this side of the AND."""

    constraintType: Literal["EVERYONE"]
    payload: _Empty


RealizeConstraint = Annotated[
    EmailConstraint | SteamIdConstraint | AliasConstraint | SubjectConstraint | EveryoneConstraint,
    Field(discriminator="constraintType"),
]


# --- return methods --------------------------------------------------------------------------------------------------


class _CallbackPayload(_Open):
    callbackUrl: Text

    @model_validator(mode="after")
    def _concrete_and_safe(self) -> Self:
        parts = urlsplit(self.callbackUrl)
        loopback = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if not parts.hostname or not (parts.scheme == "https" or (parts.scheme == "http" and loopback)):
            raise ValueError("the URL must be https, or http on loopback")
        if "{" in self.callbackUrl or "}" in self.callbackUrl:
            raise ValueError("the URL must be concrete, without a template")
        return self


class CallbackMethod(_Open):
    """The browser is led to this URL, with the keys in its query."""

    type: Literal["CALLBACK"]
    payload: _CallbackPayload

    @property
    def host(self) -> str:
        """The host, as the application's allowed callback domains name it."""
        host = urlsplit(self.payload.callbackUrl).hostname or ""
        return f"[{host}]" if ":" in host else host

    def location(self, exposure_key: str, confirmation_key: str) -> str:
        """The URL to go on to: the two canonical parameters overwritten, everything else as it was."""
        canonical = {"exposure-key": exposure_key, "confirmation-key": confirmation_key}
        parts = urlsplit(self.payload.callbackUrl)
        kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in canonical]
        query = urlencode([*kept, *canonical.items()], quote_via=quote)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


class StatusPollMethod(_Open):
    """The client polls /status-poll."""

    type: Literal["STATUS_POLL"]
    payload: _Empty


class RevealMethod(_Open):
    """The page itself shows the tokens, and the inquiry is redeemed by that."""

    type: Literal["REVEAL"]
    payload: _Empty


ReturnMethod = Annotated[CallbackMethod | StatusPollMethod | RevealMethod, Field(discriminator="type")]


class EstablishBody(_Open):
    """EstablishRequest. An absent narrowing is None; an empty one is refused."""

    applicationAnchor: Text
    authenticationConstraints: list[AuthenticationConstraint] | None = Field(default=None, min_length=1, max_length=16)
    realizeConstraints: list[RealizeConstraint] | None = Field(default=None, min_length=1, max_length=16)
    returnMethods: list[ReturnMethod] | None = Field(default=None, min_length=1, max_length=3)

    @model_validator(mode="before")
    @classmethod
    def _present_means_an_array(cls, values: Any) -> Any:
        names = ("authenticationConstraints", "realizeConstraints", "returnMethods")
        if isinstance(values, dict):
            if any(name in values and values[name] is None for name in names):
                raise ValueError("a narrowing is an array, or absent")
            stored = json.dumps({name: values[name] for name in names if name in values}, ensure_ascii=False)
            if len(stored.encode("utf-8", "surrogatepass")) > LARGEST_CONFIGURATION_BYTES:
                raise ValueError("the configuration is too large")
        return values
