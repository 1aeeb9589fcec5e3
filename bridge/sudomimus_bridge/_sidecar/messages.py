"""Every message of the sidecar as a pydantic model. The models check incoming and outgoing messages, and `openrpc` describes
them. Names are spelled in snake_case here and in camelCase on the pipe.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError, core_schema

from .._values.events import Phase
from .._values.secret import Secret


class Message(BaseModel):
    """Refuses unknown members and values of a similar type. Its errors repeat no value."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, alias_generator=to_camel)


_BEARER = GetPydanticSchema(
    lambda _source, _handler: core_schema.no_info_after_validator_function(
        # The characters that an HTTP header can carry. The interface promises no other shape of a token.
        Secret,
        core_schema.str_schema(min_length=1, max_length=65536, pattern="^[!-~]+$"),
    )
)
BearerSecret = Annotated[Secret, _BEARER]
BearerSecretOrNone = Annotated[Secret | None, _BEARER]
"""None if it is left out. A message that holds null is refused, like one with any other value that is not a string."""

Absent = SkipJsonSchema[None]
"""The type of a member that is left out. It is absent from the message, not null."""

RequestId = Annotated[str | int | float | None, Field(description="The id of a request.")]


class InitializeResult(Message):
    """The versions and the methods of this sidecar."""

    protocol_version: Annotated[Literal[1], Field(description="Changes only if launchers must change.")]
    bridge_version: Annotated[str, Field(description="The version of sudomimus-bridge.")]
    methods: Annotated[list[str], Field(description="The names of the methods.")]


class LoginParams(Message):
    """How to sign in. An access key comes from the sidecar's environment."""

    method: Annotated[
        Literal["steam", "access-key", "browser", "device"], Field(description="How the player is signed in.")
    ]
    open_browser: Annotated[bool, Field(description="Open the player's page; false if the launcher opens it.")] = True
    quietly: Annotated[
        bool, Field(description="Open no page and wait for none. If one is needed, the login ends with `PageNeeded`.")
    ] = False
    patient: Annotated[
        bool, Field(description="Keep trying while the service, the network or Steam cannot be used.")
    ] = False
    exposure_key: Annotated[
        BearerSecretOrNone,
        Field(description="With `browser`: the key of the inquiry that the game's backend established."),
    ] = None
    hidden_key: Annotated[
        BearerSecretOrNone, Field(description="A secret. Required with `exposureKey`, and only then.")
    ] = None

    @model_validator(mode="after")
    def _has_a_whole_inquiry_or_none(self) -> Self:
        """Refuse one key without the other. A key from the environment may belong to another inquiry."""
        keys = {"exposureKey": self.exposure_key, "hiddenKey": self.hidden_key}
        given = [name for name, key in keys.items() if key is not None]
        if given and self.method != "browser":
            raise PydanticCustomError("not_for_method", "not with this method", {"field": given[0]})
        if len(given) == 1:
            (absent,) = keys.keys() - given
            raise PydanticCustomError("missing", "half an inquiry", {"field": absent})
        return self


class LoginTokens(Message):
    """A signed-in player, as `login --json` prints it."""

    application_anchor: Annotated[str, Field(description="The application that issued the tokens.")]
    access_token: Annotated[str, Field(description="A secret.")]
    refresh_token: Annotated[str, Field(description="A secret that can be used once.")]
    claims: Annotated[dict[str, Any], Field(description="As the service sent them.")]


class RefreshParams(Message):
    """The session to renew or to end."""

    refresh_token: Annotated[BearerSecret, Field(description="A secret that can be used once. The request uses it.")]


class LogoutOutcome(Message):
    """Whether the request ended a session."""

    revoked: Annotated[bool, Field(description="False if the session had ended before.")]


class ErrandParams(Message):
    """The player who shares more."""

    access_token: Annotated[BearerSecret, Field(description="A secret: the player's valid access token.")]
    open_browser: Annotated[bool, Field(description="Open the errand's page; false if the launcher opens it.")] = True


class ErrandOutcome(Message):
    """How an errand ended, as `errand --json` prints it."""

    completed: Annotated[bool, Field(description="False only if nothing was left to decide.")]
    claims: Annotated[dict[str, Any], Field(description="As the service sent them.")]


class PlayerParams(Message):
    """The player to return."""

    access_token: Annotated[BearerSecret, Field(description="A secret: the player's access token.")]


class PlayerProfile(Message):
    """A player, as `whoami --json` prints them. A member is null if it is not shared or not known."""

    subject: Annotated[str | None, Field(description="Identifies the player for this game.")]
    name: Annotated[str | None, Field(description="The whole name.")]
    given_name: Annotated[str | None, Field(description="The first name.")]
    family_name: Annotated[str | None, Field(description="The last name.")]
    email: Annotated[str | None, Field(description="The email address, or the service's placeholder for it.")]
    email_verified: Annotated[
        bool | None, Field(description="Whether the player has shown that the address is theirs.")
    ]
    picture: Annotated[str | None, Field(description="The URL of a picture, on a host whose pages may be opened.")]
    animated_picture: Annotated[str | None, Field(description="As `picture`, of a moving picture.")]


class RequestParams(Message):
    """A running request of the same stream."""

    id: RequestId


class DoneResult(Message):
    """Whether the request was waiting for the player."""

    accepted: Annotated[bool, Field(description="False if the request was not waiting for the player.")]


class CancelResult(Message):
    """Whether the request was running. If so, it ends with an error of kind `cancelled`."""

    cancelled: Annotated[bool, Field(description="False if the request had ended, or was cancelled before.")]


class ErrandPage(Message):
    """The page for the player's own browser."""

    url: Annotated[str, Field(description="A secret, for this player's browser only.")]
    expires_at: Annotated[str | None, Field(description="RFC 3339; for display only.")]


class DeviceCode(Message):
    """The code that a player confirms on any device (RFC 8628, 3.2)."""

    user_code: Annotated[str, Field(description="For the player. Show it large.")]
    verification_uri: Annotated[str, Field(description="The page where the player types the code.")]
    verification_uri_complete: Annotated[
        str | Absent, Field(description="The same page with the code in it, for a link or a QR code.")
    ] = None


class Progress(Message):
    """One step of a running request."""

    id: RequestId
    phase: Phase
    errand: ErrandPage | Absent = None
    device: DeviceCode | Absent = None
    claims: Annotated[dict[str, Any] | Absent, Field(description="As the service sent them.")] = None
    attempt: Annotated[int | Absent, Field(description="The number of the request to the service, from 1.")] = None
    retry_in_seconds: Annotated[
        float | Absent, Field(description="With `retrying`: the seconds until the next attempt.")
    ] = None
    others_waiting: Annotated[
        bool | Absent, Field(description="With `retrying`: whether too many players are signing in at once.")
    ] = None
    sentence: Annotated[str | Absent, Field(description="With `retrying`: the sentence to show the player.")] = None


class ErrorData(Message):
    """The `data` of a failed request's error (-32000, and -32603 for a bug of the bridge)."""

    kind: Annotated[
        Literal[
            "configuration",
            "steam-unavailable",
            "denied",
            "errand-not-completed",
            "service-unavailable",
            "cancelled",
            "internal",
        ],
        Field(description="The class of the error. Decide by it."),
    ]
    reason: Annotated[str | Absent, Field(description="The service's or the bridge's own name for the cause.")] = None
    retryable: Annotated[bool, Field(description="Whether the same request may succeed later.")]


class RefusalData(Message):
    """The `data` of a refused message's error (-32700, -32600, -32601, -32602)."""

    field: Annotated[str | Absent, Field(description="The wrong member. A param's name follows `params.`.")] = None
    problem: Annotated[
        str,
        Field(description="What is wrong with the member. The bridge leaves out the value, because it may be secret."),
    ]
