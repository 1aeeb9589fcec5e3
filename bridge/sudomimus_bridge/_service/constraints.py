"""The constraints of an inquiry that the bridge establishes (docs/contracts/service.md, "Establishing an inquiry").

The caller makes plain values; `establish_request` checks them before anything is sent. Names are the service's own, in
snake case. Importing this module does not import pydantic: a game that establishes nothing never needs it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from .._values.errors import ConfigurationError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass(frozen=True)
class AuthenticationConstraint:
    """A way in which the player may sign in: a `method` of the service, with the members of that method's payload.

    A member that is None is not sent. Lifetimes (`…_ttl_seconds`) are whole seconds.
    """

    method: str
    """The service's name, such as "PASSKEY_USERNAMELESS", "STEAM_TICKET" or "GOOGLE_OAUTH"."""
    allowed_steam_app_ids: Sequence[int] | None = None
    """With "STEAM_TICKET": the games whose tickets count."""
    allowed_hosted_domains: Sequence[str] | None = None
    """With "GOOGLE_OAUTH": the Workspace domains that may sign in; None allows all."""
    allowed_git_hub_orgs: Sequence[str] | None = None
    """With "GITHUB_OAUTH": the organisations whose members may sign in; an empty list allows all."""
    allowed_discord_guilds: Sequence[str] | None = None
    """With "DISCORD_OAUTH": the servers whose members may sign in; None allows all."""
    connector_anchor: str | None = None
    """With "ENTERPRISE_FEDERATION_APPLICATION_MANAGED": the anchor of the connector."""
    access_token_ttl_seconds: int | None = None
    """The lifetime of access tokens, in seconds, from 60 to 604,800."""
    refresh_token_ttl_seconds: int | None = None
    """The lifetime of refresh tokens, in seconds, from 86,400 to 31,536,000."""


@dataclass(frozen=True)
class RealizeConstraint:
    """Which players may sign in: a `constraint_type` of the service, and the list that belongs to it.

    A member that is None is not sent. Lifetimes (`…_ttl_seconds`) are whole seconds.
    """

    constraint_type: str
    """"EMAIL", "STEAM_ID", "ACCOUNT_ALIAS", "SECTOR_SUBJECT" or "EVERYONE"."""
    allowed_emails: Sequence[str] | None = None
    """With "EMAIL": the addresses."""
    allowed_steam_ids: Sequence[str] | None = None
    """With "STEAM_ID": the 64-bit SteamIDs, as decimal texts."""
    allowed_account_aliases: Sequence[str] | None = None
    """With "ACCOUNT_ALIAS": the aliases."""
    allowed_sector_subjects: Sequence[str] | None = None
    """With "SECTOR_SUBJECT": the identifiers by which this application knows the players."""
    access_token_ttl_seconds: int | None = None
    """The lifetime of access tokens, in seconds, from 60 to 604,800."""
    refresh_token_ttl_seconds: int | None = None
    """The lifetime of refresh tokens, in seconds, from 86,400 to 31,536,000."""


@dataclass(frozen=True)
class ReturnMethod:
    """How the tokens may come back: "STATUS_POLL", which the bridge uses, "CALLBACK" with its URL, or "REVEAL"."""

    type: str
    """"STATUS_POLL", "CALLBACK" or "REVEAL"."""
    callback_url: str | None = None
    """With "CALLBACK": the URL, on a host that the application allows."""


@dataclass(frozen=True)
class Constraints:
    """All constraints of an inquiry. A member that is None constrains nothing; `return_methods` is then STATUS_POLL alone.

    Raises:
        ConfigurationError: A constraint is wrong. The detail names the field and repeats no value.
    """

    authentication_constraints: Sequence[AuthenticationConstraint] | None = None
    """The ways in which the player may sign in; None allows all."""
    realize_constraints: Sequence[RealizeConstraint] | None = None
    """The players who may sign in; None allows all."""
    return_methods: Sequence[ReturnMethod] | None = None
    """How the tokens may come back; None means STATUS_POLL alone, which the bridge uses."""

    def __post_init__(self) -> None:
        self.to_json()

    def to_json(self) -> dict[str, Any]:
        """Return the members of the request's body, except the application's anchor.

        Returns:
            A mapping that `json.dumps` takes.

        Raises:
            ConfigurationError: A constraint is wrong.
        """
        returns = [ReturnMethod("STATUS_POLL")] if self.return_methods is None else self.return_methods
        body = {
            name: _written(name, given)
            for name, given in (
                ("authenticationConstraints", self.authentication_constraints),
                ("realizeConstraints", self.realize_constraints),
                ("returnMethods", returns),
            )
            if given is not None
        }
        _check(body)
        if not any(method["type"] == "STATUS_POLL" for method in body["returnMethods"]):
            raise _wrong("returnMethods has no STATUS_POLL, which the bridge needs")
        return body


def read_constraints(value: object) -> Constraints:
    """The constraints in a JSON object with the members of the request's body. Raises `ConfigurationError`."""
    if not isinstance(value, Mapping):
        raise _wrong("they must be a JSON object with the members that POST /establish has")
    if unknown := set(value) - set(_KINDS):
        raise _wrong(f"{_quoted(unknown)} does not belong there; the members are {', '.join(_KINDS)}")
    _check(value)
    given = {_snake(name): [_read(name, item) for item in items] for name, items in value.items()}
    return Constraints(**given)


_KINDS: dict[str, tuple[type[Any], str]] = {
    "authenticationConstraints": (AuthenticationConstraint, "method"),
    "realizeConstraints": (RealizeConstraint, "constraintType"),
    "returnMethods": (ReturnMethod, "type"),
}
_BESIDE_THE_PAYLOAD = ("method", "constraintType", "type", "accessTokenTtlSeconds", "refreshTokenTtlSeconds")


def _written(name: str, items: object) -> Any:
    """One of the three arrays as JSON. A value that is not a sequence stays as it is, and the check refuses it."""
    if isinstance(items, str) or not isinstance(items, Sequence):
        return items
    made, discriminator = _KINDS[name]
    written = []
    for index, item in enumerate(items):
        if not isinstance(item, made):
            raise _wrong(f"{name}[{index}] is not of the class {made.__name__}")
        given = {_camel(field.name): getattr(item, field.name) for field in fields(item)}
        members = {key: _listed(value) for key, value in given.items() if value is not None}
        beside = {key: value for key, value in members.items() if key in _BESIDE_THE_PAYLOAD}
        payload = {key: value for key, value in members.items() if key not in _BESIDE_THE_PAYLOAD}
        if members.get(discriminator) == "GITHUB_OAUTH":
            payload.setdefault("allowedGitHubOrgs", [])  # the service requires the list, even if it is empty
        written.append({discriminator: beside.pop(discriminator, None), "payload": payload, **beside})
    return written


def _read(name: str, item: Mapping[str, Any]) -> Any:
    members = {**item, **item["payload"]}
    return _KINDS[name][0](**{_snake(key): value for key, value in members.items() if key != "payload"})


def _check(body: Mapping[str, Any]) -> None:
    from pydantic import ValidationError

    from .establish_request import EstablishRequest, path_of, unknown_members

    try:
        request = EstablishRequest.model_validate({"applicationAnchor": "any", **body})
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        raise _wrong(f"{path_of(found['loc'])}{_reason(found)}".strip()) from None
    for path in unknown_members(request):
        owner, _, name = path.rpartition(".")
        raise _wrong(f"{_quoted([name])} does not belong to {owner}")


def _reason(found: ErrorDetails) -> str:
    """An error of pydantic's in plain words that follow the path. They repeat no value."""
    context = found.get("ctx", {})
    discriminator = str(context.get("discriminator", "")).strip("'")
    match found["type"]:
        case "missing":
            return " is missing"
        case "too_short":
            return " is empty; the service refuses an empty list, so leave it out"
        case "too_long":
            return f" has more than {context['max_length']} entries"
        case "string_too_long":
            return f" has more than {context['max_length']} characters"
        case "list_type":
            return " must be a list"
        case "model_type" | "model_attributes_type" | "dict_type":
            return " must be an object"
        case "union_tag_invalid":
            return f".{discriminator} must be one of {str(context['expected_tags']).replace(chr(39), '')}"
        case "union_tag_not_found":
            return f".{discriminator} is missing"
        case "extra_forbidden":
            chosen = next((part for part in found["loc"] if isinstance(part, str) and part.isupper()), "it")
            return f" does not belong to {chosen}"
        case "value_error":
            return f" {context['error']}"
        case _:
            return " is not a text that the service takes"


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else value


def _quoted(names: set[str] | list[str]) -> str:
    """Names of members for an error: shortened, and without characters that control a terminal."""
    return ", ".join(sorted(repr(name)[:40] for name in names))


def _wrong(why: str) -> ConfigurationError:
    return ConfigurationError(detail=f"The constraints cannot be used: {why}.")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
