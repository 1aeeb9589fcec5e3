"""Models of the body of `POST /establish`. The client checks the body that it sends, the local service the one it receives.

docs/contracts/service.md, "Establishing an inquiry". This module needs pydantic, so import it only where it is used. Objects
that the contract leaves open take unknown members; `unknown_members` finds them for a caller who must refuse them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)

LARGEST_CONFIGURATION_BYTES = 65_536
LONGEST_STRING_BYTES = 2048
MOST_CONSTRAINTS, MOST_RETURN_METHODS, MOST_LISTED = 16, 3, 128
ACCESS_LIFETIME, REFRESH_LIFETIME = (60, 604_800), (86_400, 31_536_000)

AS_DOCUMENTED = {"as_documented": True}
"""A validation context. It accepts lifetimes from one second on and any text as a callback URL, as the four documents do."""

NARROWINGS = ("authenticationConstraints", "realizeConstraints", "returnMethods")


def unknown_members(model: BaseModel, path: str = "") -> Iterator[str]:
    """The path of each member that the contract does not name, at any depth."""
    for name in model.model_extra or {}:
        yield f"{path}{name}"
    for name in model.model_fields_set:
        value = getattr(model, name, None)
        if isinstance(value, BaseModel):
            yield from unknown_members(value, f"{path}{name}.")
        for index, item in enumerate(value if isinstance(value, list) else ()):
            if isinstance(item, BaseModel):
                yield from unknown_members(item, f"{path}{name}[{index}].")


# --- values ----------------------------------------------------------------------------------------------------------


def _unique(items: list[Any]) -> list[Any]:
    if len(set(items)) != len(items):
        raise ValueError("has an entry twice")
    return items


def _short_enough(text: str) -> str:
    if len(text.encode("utf-8", "surrogatepass")) > LONGEST_STRING_BYTES:
        raise ValueError(f"has more than {LONGEST_STRING_BYTES} bytes")
    return text


def _whole(least: int, most: int) -> Callable[[Any, ValidationInfo], int]:
    def check(value: Any, info: ValidationInfo) -> int:
        lowest = 1 if info.context == AS_DOCUMENTED else least
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= most:
            raise ValueError(f"must be a whole number from {lowest} to {most}")
        return value

    return check


def _lifetime(bounds: tuple[int, int]) -> Any:
    return Field(default=None, json_schema_extra={"minimum": bounds[0], "maximum": bounds[1]})


Text = Annotated[str, StringConstraints(min_length=1), AfterValidator(_short_enough)]
TextList = Annotated[list[Text], Field(max_length=MOST_LISTED), AfterValidator(_unique)]
SteamAppId = Annotated[
    int, BeforeValidator(_whole(1, 2**63 - 1)), Field(json_schema_extra={"minimum": 1, "maximum": 2**63 - 1})
]
_AccessLifetime = Annotated[int | None, BeforeValidator(_whole(*ACCESS_LIFETIME))]
_RefreshLifetime = Annotated[int | None, BeforeValidator(_whole(*REFRESH_LIFETIME))]
_Listed = (Field(min_length=1, max_length=MOST_LISTED), AfterValidator(_unique))


class _Open(BaseModel):
    model_config = ConfigDict(strict=True, extra="allow")


class _Closed(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Lifetimes(_Open):
    """A constraint's own token lifetimes, in seconds. If a sign-in meets several constraints, the shortest lifetime counts."""

    accessTokenTtlSeconds: _AccessLifetime = _lifetime(ACCESS_LIFETIME)
    refreshTokenTtlSeconds: _RefreshLifetime = _lifetime(REFRESH_LIFETIME)


# --- authentication constraints --------------------------------------------------------------------------------------


class _Empty(_Closed):
    pass


class _SteamApps(_Closed):
    allowedSteamAppIds: Annotated[list[SteamAppId], *_Listed]


class _GoogleDomains(_Closed):
    allowedHostedDomains: TextList = Field(default_factory=list)


class _GitHubOrganizations(_Closed):
    allowedGitHubOrgs: TextList


class _DiscordGuilds(_Closed):
    allowedDiscordGuilds: TextList = Field(default_factory=list)


class _Connector(_Closed):
    connectorAnchor: Annotated[Text, StringConstraints(pattern=r"\S")]


class _WithoutPayload(Lifetimes):
    method: Literal[
        "PASSKEY_USERNAMELESS",
        "PASSKEY_REASONED",
        "EMAIL_VERIFICATION",
        "STEAM_OPENID",
        "ACCESS_KEY_DIRECT",
        "BATTLENET_OAUTH",
        "X_OAUTH",
        "ENTERPRISE_FEDERATION_DOMAIN_MANAGED",
        # Later states of the service add these.
        "PUBLIC_KEY_DIRECT",
        "AGENT_ACCESS_KEY_DIRECT",
        "AGENT_PUBLIC_KEY_DIRECT",
        "AUTOMATION_ACCESS_KEY_DIRECT",
        "AUTOMATION_PUBLIC_KEY_DIRECT",
    ]
    payload: _Empty


class _SteamTicket(Lifetimes):
    method: Literal["STEAM_TICKET"]
    payload: _SteamApps


class _Google(Lifetimes):
    method: Literal["GOOGLE_OAUTH"]
    payload: _GoogleDomains


class _GitHub(Lifetimes):
    method: Literal["GITHUB_OAUTH"]
    payload: _GitHubOrganizations


class _Discord(Lifetimes):
    method: Literal["DISCORD_OAUTH"]
    payload: _DiscordGuilds


class _Enterprise(Lifetimes):
    method: Literal["ENTERPRISE_FEDERATION_APPLICATION_MANAGED"]
    payload: _Connector


AuthenticationConstraint = Annotated[
    _WithoutPayload | _SteamTicket | _Google | _GitHub | _Discord | _Enterprise, Field(discriminator="method")
]


# --- realize constraints ---------------------------------------------------------------------------------------------


class _Emails(_Open):
    allowedEmails: Annotated[list[Annotated[str, StringConstraints(max_length=254)]], *_Listed]


class _SteamIds(_Open):
    allowedSteamIds: Annotated[list[Annotated[str, StringConstraints(pattern=r"^(\*|[0-9]{1,20})$")]], *_Listed]


_Handles = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=128)]], *_Listed]


class _Aliases(_Open):
    allowedAccountAliases: _Handles


class _Subjects(_Open):
    allowedSectorSubjects: _Handles


class EmailConstraint(Lifetimes):
    """The player's email must match."""

    constraintType: Literal["EMAIL"]
    payload: _Emails


class SteamIdConstraint(Lifetimes):
    """The player's SteamID64 must be one of these; "*" admits all."""

    constraintType: Literal["STEAM_ID"]
    payload: _SteamIds


class AliasConstraint(Lifetimes):
    """The account alias must be one of these."""

    constraintType: Literal["ACCOUNT_ALIAS"]
    payload: _Aliases


class SubjectConstraint(Lifetimes):
    """The sector subject must be one of these."""

    constraintType: Literal["SECTOR_SUBJECT"]
    payload: _Subjects


class EveryoneConstraint(Lifetimes):
    """Every player is admitted."""

    constraintType: Literal["EVERYONE"]
    payload: _Empty


RealizeConstraint = Annotated[
    EmailConstraint | SteamIdConstraint | AliasConstraint | SubjectConstraint | EveryoneConstraint,
    Field(discriminator="constraintType"),
]


# --- return methods --------------------------------------------------------------------------------------------------


def _callback_url(url: str, info: ValidationInfo) -> str:
    if info.context == AS_DOCUMENTED:
        return url
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError("is not a well-formed URL") from None
    if not host or parts.scheme not in ("https", "http"):
        raise ValueError("must be an https URL")
    if parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        raise ValueError("must be https, unless its host is localhost, 127.0.0.1 or [::1]")
    if "{" in url or "}" in url:
        raise ValueError("must be a concrete URL, without a template")
    return url


class _CallbackPayload(_Open):
    callbackUrl: Annotated[Text, AfterValidator(_callback_url)]


class CallbackMethod(_Open):
    """The browser is led to this URL, with the keys in its query."""

    type: Literal["CALLBACK"]
    payload: _CallbackPayload

    @property
    def host(self) -> str:
        """The host, as the application's allowed callback domains name it."""
        url = self.payload.callbackUrl
        host = urlsplit(url if "//" in url else f"//{url}").hostname or ""
        return f"[{host}]" if ":" in host else host

    def location(self, exposure_key: str, confirmation_key: str) -> str:
        """The callback URL with both keys in its query. They replace parameters of the same names; the rest stays as it is."""
        keys = {"exposure-key": exposure_key, "confirmation-key": confirmation_key}
        parts = urlsplit(self.payload.callbackUrl)
        kept = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in keys]
        query = urlencode([*kept, *keys.items()], quote_via=quote)
        return urlunsplit((parts.scheme, parts.netloc, parts.path, query, parts.fragment))


class StatusPollMethod(_Open):
    """The client polls `/status-poll`."""

    type: Literal["STATUS_POLL"]
    payload: _Empty


class RevealMethod(_Open):
    """The page shows the tokens. Showing them redeems the inquiry."""

    type: Literal["REVEAL"]
    payload: _Empty


ReturnMethod = Annotated[CallbackMethod | StatusPollMethod | RevealMethod, Field(discriminator="type")]


# --- the whole body --------------------------------------------------------------------------------------------------


class EstablishRequest(_Open):
    """The whole body. A list that is absent is None; the model refuses an empty list."""

    applicationAnchor: Text
    authenticationConstraints: list[AuthenticationConstraint] | None = Field(
        default=None, min_length=1, max_length=MOST_CONSTRAINTS
    )
    realizeConstraints: list[RealizeConstraint] | None = Field(default=None, min_length=1, max_length=MOST_CONSTRAINTS)
    returnMethods: list[ReturnMethod] | None = Field(default=None, min_length=1, max_length=MOST_RETURN_METHODS)

    @model_validator(mode="before")
    @classmethod
    def _present_and_not_too_large(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        present = {name: values[name] for name in NARROWINGS if name in values}
        for name, value in present.items():
            if value is None:
                raise ValueError(f"{name} must be a list, or absent")
        stored = json.dumps(present, ensure_ascii=False).encode("utf-8", "surrogatepass")
        if len(stored) > LARGEST_CONFIGURATION_BYTES:
            raise ValueError(f"The constraints have more than {LARGEST_CONFIGURATION_BYTES} bytes in all")
        return values


def path_of(location: Sequence[int | str]) -> str:
    """The path to an error of pydantic's, without a union's tag: `realizeConstraints[0].payload.allowedEmails`."""
    text, after_index = "", False
    for part in location:
        if isinstance(part, int):
            text, after_index = f"{text}[{part}]", True
        elif after_index and part.isupper():
            after_index = False  # the tag of the alternative that was chosen
        else:
            text, after_index = f"{text}.{part}" if text else part, False
    return text
