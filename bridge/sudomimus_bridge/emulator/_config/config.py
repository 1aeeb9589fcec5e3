"""All settings of the local service, and the merging of partial changes.

A setting has the service's own name in snake case; JSON may use camel case. The state of a running service (errands, used
budgets, seen tickets) is in `_memory`, not here.
"""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from .._contract.answers import Decision, Requirement
from .._contract.dialects import DIALECTS, ClaimName, Dialect, DialectName
from .fault_rule import FaultRule
from .limits import Budgets, Connect, Device, Errands, Sessions, Settings, SteamID, Tokens

DEFAULT_STEAM_ID = 76561197960287930
SECOND_STEAM_ID = DEFAULT_STEAM_ID + 1

EmailRefusal = Literal["EmailDomainBlocked", "EmailDomainRequiresSso", "SsoAuthorityConflict"]
# The authentication methods by which a player can sign in in the browser.
BrowserMethod = Literal[
    "PASSKEY_USERNAMELESS",
    "PASSKEY_REASONED",
    "EMAIL_VERIFICATION",
    "STEAM_OPENID",
    "GOOGLE_OAUTH",
    "GITHUB_OAUTH",
    "DISCORD_OAUTH",
    "BATTLENET_OAUTH",
    "X_OAUTH",
    "ENTERPRISE_FEDERATION_APPLICATION_MANAGED",
    "ENTERPRISE_FEDERATION_DOMAIN_MANAGED",
]

Anchor = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ClaimPolicy(Settings):
    """The application's requirement for each claim. Each dialect accepts the requirements of all dialects."""

    # The fields have the names of the messages. Older versions of pydantic would turn firstName into firstname.
    model_config: ClassVar[Mapping[str, object]] = ConfigDict(alias_generator=None)

    # The requirement for the email address.
    email: Requirement = "OPTIONAL"
    # The requirement for the first name.
    firstName: Requirement = "OPTIONAL"
    # The requirement for the last name.
    lastName: Requirement = "OFF"
    # The requirement for the picture.
    staticAvatar: Requirement = "OFF"
    # The requirement for the moving picture.
    animatedAvatar: Requirement = "OFF"

    def of(self, claim: ClaimName) -> Requirement:
        """The requirement for one claim."""
        return getattr(self, claim)  # type: ignore[no-any-return]


class Grants(Settings):
    """A player's decision on each claim. UNKNOWN: the player was never asked. DENIED: the player declined."""

    model_config: ClassVar[Mapping[str, object]] = ConfigDict(alias_generator=None)

    # The decision about the email address.
    email: Decision = "UNKNOWN"
    # The decision about the first name.
    firstName: Decision = "UNKNOWN"
    # The decision about the last name.
    lastName: Decision = "UNKNOWN"
    # The decision about the picture.
    staticAvatar: Decision = "UNKNOWN"
    # The decision about the moving picture.
    animatedAvatar: Decision = "UNKNOWN"

    def of(self, claim: ClaimName) -> Decision:
        """The decision about one claim."""
        return getattr(self, claim)  # type: ignore[no-any-return]


class Player(Settings):
    """A player's account. A SteamID's first ticket creates one, without an email."""

    # The 64-bit SteamID, as a text or a number.
    steam_id: SteamID
    # The address that the account has. `null`: it has none.
    email: str | None = None
    # The first name that the account has.
    first_name: str | None = None
    # The last name that the account has.
    last_name: str | None = None
    # The URL of the picture.
    static_avatar_url: str | None = None
    # The URL of the moving picture. `null`: the picture's.
    animated_avatar_url: str | None = None
    # The player's decision on each claim: see `players[].grants`.
    grants: Grants = Field(default_factory=Grants)
    # `true`: each sign-in gets 403 `AccountDisabled`.
    disabled: bool = False
    # `true`: each sign-in gets 403 `AccountDeleted`.
    deleted: bool = False
    # The reason with which every sign-in gets a 403, as if the player's email domain refused it.
    refused: EmailRefusal | None = None
    # `true`: a login in the browser ends with 400 `AuthenticationNotFound`.
    authentication_missing: bool = False
    # The alias by which layer 2 can admit the account.
    account_alias: str | None = None
    # The sector subject, by which the application knows the player: opaque and random.
    subject: str = Field(default_factory=lambda: secrets.token_urlsafe(18))

    @property
    def shown_name(self) -> str:
        """The player's name on the pages."""
        return self.first_name or f"Player {str(self.steam_id)[-6:]}"


class AccessKey(Settings):
    """A key pair for `POST /direct-issue/access-key`. It belongs to one of the players."""

    # The identifier.
    identifier: str = Field(default_factory=lambda: f"acs_k_{uuid.uuid4()}")
    # The secret.
    secret: str = Field(default_factory=lambda: f"acs_t_{secrets.token_hex(32)}", repr=False)
    # The SteamID of the player who owns the key.
    player: SteamID = SECOND_STEAM_ID
    # The subject of the Agent or Automation that the key belongs to. `null`: the key is the player's own.
    workload: str | None = Field(default=None, min_length=1)
    # `true`: the key is refused.
    revoked: bool = False
    # The time from which the key is refused (RFC 3339).
    expires_at: datetime | None = None
    # The anchor of the application that the key belongs to. `null`: this one. The key of another is refused.
    application: str | None = None


def _default_methods() -> list[BrowserMethod]:
    return ["PASSKEY_USERNAMELESS", "PASSKEY_REASONED", "EMAIL_VERIFICATION", "STEAM_OPENID"]


class Application(Settings):
    """The one application, with its three layers of rules."""

    # The anchor.
    anchor: Anchor = "demo-game"
    # The game's name on the pages and in `/info`. `null`: it is made from the anchor.
    name: str | None = None
    # `true`: the application is switched off.
    disabled: bool = False
    # Layer 1: the Steam app ids whose tickets are accepted.
    allowed_steam_app_ids: list[Annotated[int, Field(ge=1)]] = Field(default_factory=lambda: [480])
    # Layer 1: whether access keys may sign in.
    access_key_direct: bool = True
    # Layer 1 of a sign-in in the browser: the methods that a player may use.
    browser_methods: list[BrowserMethod] = Field(default_factory=_default_methods)
    # Layer 2: admitted SteamIDs. `*` admits every player. One match in any list of layer 2 admits a player.
    allowed_steam_ids: list[str] = Field(default_factory=lambda: ["*"])
    # Layer 2: admitted email addresses, with `*` for any characters.
    allowed_emails: list[str] = Field(default_factory=list)
    # Layer 2: admitted aliases.
    allowed_account_aliases: list[str] = Field(default_factory=list)
    # Layer 2: admitted subjects.
    allowed_sector_subjects: list[str] = Field(default_factory=list)
    # Layer 3: DIRECT_ISSUE, which a login with a ticket or an access key needs.
    direct_issue: bool = True
    # Layer 3: STATUS_POLL, which a login in the browser needs.
    status_poll: bool = True
    # Layer 3: CALLBACK.
    callback: bool = True
    # Layer 3: REVEAL.
    reveal: bool = True
    # Layer 3: DEVICE_CODE, which a login with a code needs.
    device_code: bool = True
    # Hosts that an inquiry's callback URL may name.
    allowed_callback_domains: list[str] = Field(default_factory=lambda: ["localhost", "127.0.0.1", "[::1]"])

    @property
    def shown_name(self) -> str:
        """The game's name for its players: "My Game" for the anchor "my-game"."""
        return self.name or " ".join(word.capitalize() for word in re.split(r"[-_ ]+", self.anchor) if word)


class ScriptedPlayer(Settings):
    """A player without a browser, who does each errand and each sign-in in place of a person, when a client polls it."""

    # What the player does on a page. `nothing`: the page waits for a real person.
    does: Literal["nothing", "approves", "declines"] = "nothing"
    # The seconds from the start of an errand or sign-in until this player does it.
    after_seconds: float = Field(default=0, ge=0)
    # The SteamID of the player. `null`: the default player.
    steam_id: SteamID | None = None
    # The address that this player enters if the page asks for one.
    email: str = "robin@example.com"
    # As `email`: the first name.
    first_name: str = "Robin"
    # As `email`: the last name.
    last_name: str = "Marsh"


class Drift(Settings):
    """Changes that a later version of the service may make, in every answer."""

    # Members to add to each JSON object, or to replace in it.
    fields: dict[str, Any] = Field(default_factory=dict)
    # Claims to add to each `claims`, or to replace in it.
    claims: dict[str, dict[str, Any]] = Field(default_factory=dict)
    # Members to leave out.
    without: list[str] = Field(default_factory=list)


def _default_players() -> list[Player]:
    return [
        Player(steam_id=DEFAULT_STEAM_ID, first_name="Robin", last_name="Marsh"),
        Player(steam_id=SECOND_STEAM_ID, first_name="Kim", last_name="Okafor", email="kim@example.com"),
    ]


class EmulatorConfig(Settings):
    """All settings of the local service. Each may also be changed while the service runs."""

    # The state of the service to play (docs/contracts/service.md).
    dialect: DialectName = "v4"
    application: Application = Field(default_factory=Application)
    claims: ClaimPolicy = Field(default_factory=ClaimPolicy)
    players: list[Player] = Field(default_factory=_default_players)
    # The SteamID of the player of a ticket from a real Steam client, and of the first account on the sign-in page.
    default_player: SteamID = DEFAULT_STEAM_ID
    access_keys: list[AccessKey] = Field(default_factory=lambda: [AccessKey()])
    budgets: Budgets = Field(default_factory=Budgets)
    errands: Errands = Field(default_factory=Errands)
    tokens: Tokens = Field(default_factory=Tokens)
    connect: Connect = Field(default_factory=Connect)
    device: Device = Field(default_factory=Device)
    sessions: Sessions = Field(default_factory=Sessions)
    scripted_player: ScriptedPlayer = Field(default_factory=ScriptedPlayer)
    drift: Drift = Field(default_factory=Drift)
    faults: list[FaultRule] = Field(default_factory=list)
    # Steam verifies each ticket, rejects each (error 101), or cannot be reached.
    steam: Literal["verifies", "rejects", "unreachable"] = "verifies"
    # The real seconds of Steam's verification. Meanwhile a second request with the ticket is refused.
    steam_seconds: float = Field(default=0, ge=0, le=60)
    # Whether a ticket from a real Steam client counts as the default player's.
    accept_foreign_tickets: bool = True
    # The log of the stub of Steam. A ticket that the log says was cancelled is refused, as Steam would refuse it.
    steam_log: Path | None = None
    # The number of the next successful sign-ins that end as 409 AuthorizationArtifactStale instead.
    authorization_artifact_stale: int = Field(default=0, ge=0)

    @property
    def spoken(self) -> Dialect:
        """The chosen dialect, with all its differences."""
        return DIALECTS[self.dialect]

    @field_validator("steam_log")
    @classmethod
    def _a_file(cls, path: Path | None) -> Path | None:
        if path is not None and path.is_dir():
            raise ValueError("a folder is not a log; give the file's path")
        return path


M = TypeVar("M", bound=Settings)


def merged(settings: M, changes: Mapping[str, Any]) -> M:
    """A copy of `settings` with a partial change merged in and everything validated again.

    A key may be a path (`claims.email`), snake case or camel case. Lists are replaced, mappings are merged.
    """
    values = settings.model_dump(mode="python")
    for key, value in changes.items():
        _merge(values, key.split("."), value)
    return type(settings).model_validate(values)


def _merge(values: dict[str, Any], path: list[str], value: Any) -> None:
    key = path[0] if path[0] in values else _snake(path[0])
    if key not in values:
        key = path[0]  # unchanged, so that the validation's error names it
    inner = values.get(key)
    if len(path) > 1:
        if not isinstance(inner, dict):
            inner = values[key] = {}
        _merge(inner, path[1:], value)
    elif isinstance(inner, dict) and isinstance(value, Mapping):
        for name, item in value.items():
            _merge(inner, [str(name)], item)
    else:
        values[key] = value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
