"""What an inquiry may be narrowed to when it is established (connect-establish; connect.yaml, `EstablishRequest`).

Typed, and checked before anything is sent: a field that a method does not have, a number out of bounds, a list that is too
long, and an empty array, which the service would refuse. The names are the documents' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from ..errors import ConfigurationError

MAX_CONSTRAINTS, MAX_RETURN_METHODS, MAX_LISTED = 16, 3, 128
MAX_STRING_BYTES, MAX_BYTES = 2048, 65536
ACCESS_TTL, REFRESH_TTL = (60, 604800), (86400, 31536000)


@dataclass(frozen=True)
class AuthenticationConstraint:
    """How the player may prove who they are: one of `AUTHENTICATION_METHODS`, and what that method has of payload."""

    method: str
    allowed_steam_app_ids: Sequence[int] | None = None
    allowed_hosted_domains: Sequence[str] | None = None
    allowed_git_hub_orgs: Sequence[str] | None = None
    allowed_discord_guilds: Sequence[str] | None = None
    connector_anchor: str | None = None
    access_token_ttl_seconds: int | None = None
    refresh_token_ttl_seconds: int | None = None


@dataclass(frozen=True)
class RealizeConstraint:
    """Which players may come through: one of `REALIZE_CONSTRAINTS`, and its list."""

    constraint_type: str
    allowed_emails: Sequence[str] | None = None
    allowed_steam_ids: Sequence[str] | None = None
    allowed_account_aliases: Sequence[str] | None = None
    allowed_sector_subjects: Sequence[str] | None = None
    access_token_ttl_seconds: int | None = None
    refresh_token_ttl_seconds: int | None = None


@dataclass(frozen=True)
class ReturnMethod:
    """How the tokens may come back: "STATUS_POLL", which the bridge uses, "CALLBACK" with its URL, or "REVEAL"."""

    type: str
    callback_url: str | None = None


@dataclass(frozen=True)
class Constraints:
    """All of them. What is None is not narrowed; return methods that are not given are STATUS_POLL alone.

    Raises `ConfigurationError` that names the field and repeats no value.
    """

    authentication_constraints: Sequence[AuthenticationConstraint] | None = None
    realize_constraints: Sequence[RealizeConstraint] | None = None
    return_methods: Sequence[ReturnMethod] | None = None

    def __post_init__(self) -> None:
        self.to_json()

    def to_json(self) -> dict[str, Any]:
        """The fields of `EstablishRequest`, but for the anchor."""
        returns = [ReturnMethod("STATUS_POLL")] if self.return_methods is None else self.return_methods
        body: dict[str, Any] = {}
        for field, given, kind, most in (
            ("authenticationConstraints", self.authentication_constraints, _AUTHENTICATION, MAX_CONSTRAINTS),
            ("realizeConstraints", self.realize_constraints, _REALIZE, MAX_CONSTRAINTS),
            ("returnMethods", returns, _RETURN, MAX_RETURN_METHODS),
        ):
            if given is not None:
                _check_array(field, given, most)
                body[field] = [kind.to_json(item, f"{field}[{at}]") for at, item in enumerate(given)]
        if not any(item["type"] == "STATUS_POLL" for item in body["returnMethods"]):
            raise _wrong("returnMethods", "has no STATUS_POLL, and the bridge polls")
        import json

        if len(json.dumps(body, ensure_ascii=False).encode()) > MAX_BYTES:
            raise ConfigurationError(f"The constraints are too large: more than {MAX_BYTES} bytes in all.")
        return body


def read_constraints(value: object) -> Constraints:
    """The constraints in a JSON object as the document has it. Raises `ConfigurationError`."""
    if not isinstance(value, Mapping):
        raise ConfigurationError("The constraints must be a JSON object, as connect.yaml's EstablishRequest has it.")
    kinds = {
        "authenticationConstraints": _AUTHENTICATION,
        "realizeConstraints": _REALIZE,
        "returnMethods": _RETURN,
    }
    if not set(value) <= set(kinds):
        raise ConfigurationError(f"The constraints may have {', '.join(kinds)}, and nothing else.")
    given = {}
    for field, items in value.items():
        if not isinstance(items, list):
            raise _wrong(field, "must be an array")
        given[_snake(field)] = [kinds[field].read(item, f"{field}[{at}]") for at, item in enumerate(items)]
    return Constraints(**given)


@dataclass(frozen=True)
class _Field:
    """A field of a payload. `always`: sent, empty, where it was not given."""

    name: str
    check: Callable[[str, Any], Any]
    required: bool = True
    always: bool = False


@dataclass(frozen=True)
class _Kind:
    """One of the three arrays' items: its discriminator, and the payload that each value of it has."""

    made: type[AuthenticationConstraint] | type[RealizeConstraint] | type[ReturnMethod]
    discriminator: str
    payloads: Mapping[str, tuple[_Field, ...]]
    common: tuple[_Field, ...] = ()

    def to_json(self, item: object, where: str) -> dict[str, Any]:
        if not isinstance(item, self.made):
            raise _wrong(where, f"is no {self.made.__name__}")
        chosen = getattr(item, _snake(self.discriminator))
        if not isinstance(chosen, str) or chosen not in self.payloads:
            raise _wrong(f"{where}.{self.discriminator}", f"must be one of {', '.join(self.payloads)}")
        payload = self.payloads[chosen]
        known = {_snake(field.name) for field in (*payload, *self.common)} | {_snake(self.discriminator)}
        for attribute in fields(item):
            if attribute.name not in known and getattr(item, attribute.name) is not None:
                raise _wrong(f"{where}.{attribute.name}", f"does not belong to {chosen}")
        return {
            self.discriminator: chosen,
            "payload": _checked(item, payload, f"{where}.payload"),
            **_checked(item, self.common, where),
        }

    def read(self, item: object, where: str) -> Any:
        if not isinstance(item, Mapping):
            raise _wrong(where, "must be an object")
        payload = item.get("payload")
        if not isinstance(payload, Mapping):
            raise _wrong(f"{where}.payload", "must be an object")
        outside = {self.discriminator, *(field.name for field in self.common)}
        inside = {field.name for wanted in self.payloads.values() for field in wanted}
        if not set(item) <= outside | {"payload"} or not set(payload) <= inside:
            raise _wrong(where, "has a field that it does not have in the document")
        if self.discriminator not in item:
            raise _wrong(f"{where}.{self.discriminator}", "is missing")
        given = {name: value for name, value in (*item.items(), *payload.items()) if name != "payload"}
        return self.made(**{_snake(name): value for name, value in given.items()})


def _checked(item: object, wanted: Sequence[_Field], where: str) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    for field in wanted:
        value = getattr(item, _snake(field.name))
        if value is None and field.always:
            checked[field.name] = []
        elif value is None and field.required:
            raise _wrong(f"{where}.{field.name}", "is missing")
        elif value is not None:
            checked[field.name] = field.check(f"{where}.{field.name}", value)
    return checked


def _check_array(where: str, value: object, most: int) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise _wrong(where, "must be a list")
    if not value:
        raise _wrong(where, "is empty, which the service refuses; leave it out to narrow nothing")
    if len(value) > most:
        raise _wrong(where, f"has more than {most} entries")


def _listed(check: Callable[[str, Any], Any], *, may_be_empty: bool = False) -> Callable[[str, Any], list[Any]]:
    def check_list(where: str, value: Any) -> list[Any]:
        if not (may_be_empty and isinstance(value, (list, tuple)) and not value):
            _check_array(where, value, MAX_LISTED)
        items = [check(where, item) for item in value]
        if len(set(items)) != len(items):
            raise _wrong(where, "has an entry twice")
        return items

    return check_list


def _string(most: int = MAX_STRING_BYTES, pattern: str = r"(?s).*\S.*") -> Callable[[str, Any], str]:
    def check(where: str, value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value) or re.search("[\ud800-\udfff]", value):
            raise _wrong(where, "has an entry that is not such a text")
        if len(value) > most or len(value.encode()) > MAX_STRING_BYTES:
            raise _wrong(where, f"has an entry of more than {most} characters")
        return value

    return check


def _whole(least: int, most: int) -> Callable[[str, Any], int]:
    def check(where: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise _wrong(where, f"must be a whole number from {least} to {most}")
        return value

    return check


def _callback(where: str, value: Any) -> str:
    url = _string(pattern=r"[\x21-\x7e]+")(where, value)
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise _wrong(where, "is not a well-formed URL") from None
    if not host or parts.scheme not in ("https", "http"):
        raise _wrong(where, "must be an https URL")
    if parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        raise _wrong(where, "must be https, unless its host is localhost, 127.0.0.1 or [::1]")
    return url


def _wrong(where: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"The constraints cannot be used: {where} {why}.")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


_TTLS = (
    _Field("accessTokenTtlSeconds", _whole(*ACCESS_TTL), required=False),
    _Field("refreshTokenTtlSeconds", _whole(*REFRESH_TTL), required=False),
)
_DOMAINS = _Field("allowedHostedDomains", _listed(_string(), may_be_empty=True), required=False)
_ORGS = _Field("allowedGitHubOrgs", _listed(_string(), may_be_empty=True), always=True)
_GUILDS = _Field("allowedDiscordGuilds", _listed(_string(), may_be_empty=True), required=False)

AUTHENTICATION_METHODS: Mapping[str, tuple[_Field, ...]] = {
    "PASSKEY_USERNAMELESS": (),
    "PASSKEY_REASONED": (),
    "EMAIL_VERIFICATION": (),
    "STEAM_TICKET": (_Field("allowedSteamAppIds", _listed(_whole(1, 2**63 - 1))),),
    "STEAM_OPENID": (),
    "ACCESS_KEY_DIRECT": (),
    "GOOGLE_OAUTH": (_DOMAINS,),
    "GITHUB_OAUTH": (_ORGS,),
    "DISCORD_OAUTH": (_GUILDS,),
    "BATTLENET_OAUTH": (),
    "X_OAUTH": (),
    "ENTERPRISE_FEDERATION_APPLICATION_MANAGED": (_Field("connectorAnchor", _string()),),
    "ENTERPRISE_FEDERATION_DOMAIN_MANAGED": (),
}
REALIZE_CONSTRAINTS: Mapping[str, tuple[_Field, ...]] = {
    "EMAIL": (_Field("allowedEmails", _listed(_string(254))),),
    "STEAM_ID": (_Field("allowedSteamIds", _listed(_string(pattern=r"\*|[0-9]{1,20}"))),),
    "ACCOUNT_ALIAS": (_Field("allowedAccountAliases", _listed(_string(128))),),
    "SECTOR_SUBJECT": (_Field("allowedSectorSubjects", _listed(_string(128))),),
    "EVERYONE": (),
}
RETURN_METHODS: Mapping[str, tuple[_Field, ...]] = {
    "CALLBACK": (_Field("callbackUrl", _callback),),
    "STATUS_POLL": (),
    "REVEAL": (),
}
_AUTHENTICATION = _Kind(AuthenticationConstraint, "method", AUTHENTICATION_METHODS, _TTLS)
_REALIZE = _Kind(RealizeConstraint, "constraintType", REALIZE_CONSTRAINTS, _TTLS)
_RETURN = _Kind(ReturnMethod, "type", RETURN_METHODS)
