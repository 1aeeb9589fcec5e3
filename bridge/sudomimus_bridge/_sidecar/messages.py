"""Every message of the sidecar as a pydantic model: these check what comes in and what goes out, and `openrpc` describes
them. Names are INTERFACES', in Python's spelling; the wire's is camelCase.

Imported when the first message needs it, and by no other door of the bridge.
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
    """No member too many, no value of a similar type, and no value repeated in an error."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, alias_generator=to_camel)


_BEARER = GetPydanticSchema(
    lambda _source, _handler: core_schema.no_info_after_validator_function(
        # What an HTTP header can carry; no token has a shape beyond that.
        Secret,
        core_schema.str_schema(min_length=1, max_length=65536, pattern="^[!-~]+$"),
    )
)
BearerSecret = Annotated[Secret, _BEARER]
BearerSecretOrNone = Annotated[Secret | None, _BEARER]
"""One that may be left out, and is None then. In a message null is refused, like anything that is not a string."""

Absent = SkipJsonSchema[None]
"""What a member that may be left out is then. On the wire it is not there, rather than null."""

RequestId = Annotated[str | int | float | None, Field(description="The id of a request.")]


class InitializeResult(Message):
    """Who answers, and what it can do."""

    protocol_version: Literal[1]
    bridge_version: str
    methods: list[str]


class LoginParams(Message):
    """How to sign in. An access key comes from the sidecar's environment."""

    method: Annotated[
        Literal["steam", "access-key", "browser", "device"], Field(description="What the player is signed in with.")
    ]
    open_browser: Annotated[bool, Field(description="Open the player's page; false where the launcher does.")] = True
    quietly: Annotated[
        bool, Field(description="Neither open a page nor wait for one: if one is needed, end with `PageNeeded`.")
    ] = False
    exposure_key: Annotated[
        BearerSecretOrNone, Field(description="With `browser`: of the inquiry that the game's backend established.")
    ] = None
    hidden_key: Annotated[BearerSecretOrNone, Field(description="A secret, and with `exposureKey` only.")] = None

    @model_validator(mode="after")
    def _has_a_whole_inquiry_or_none(self) -> Self:
        """Half an inquiry is not made whole from elsewhere: keys of two inquiries would be sent together."""
        keys = {"exposureKey": self.exposure_key, "hiddenKey": self.hidden_key}
        given = [name for name, key in keys.items() if key is not None]
        if given and self.method != "browser":
            raise PydanticCustomError("not_for_method", "not with this method", {"field": given[0]})
        if len(given) == 1:
            (lacking,) = keys.keys() - given
            raise PydanticCustomError("missing", "half an inquiry", {"field": lacking})
        return self


class LoginTokens(Message):
    """A signed-in player, as `login --json` prints it."""

    application_anchor: str
    access_token: Annotated[str, Field(description="A secret.")]
    refresh_token: Annotated[str, Field(description="A secret, and single-use.")]
    claims: Annotated[dict[str, Any], Field(description="As the service sent them.")]


class RefreshParams(Message):
    """Whose session it is."""

    refresh_token: Annotated[BearerSecret, Field(description="A secret, and single-use: it is spent by this.")]


class LogoutOutcome(Message):
    """Whether the service ended a session by this."""

    revoked: bool


class ErrandParams(Message):
    """Whose errand it is."""

    access_token: Annotated[BearerSecret, Field(description="A secret: the player's valid access token.")]
    open_browser: Annotated[bool, Field(description="Open the errand's page; false where the launcher does.")] = True


class ErrandOutcome(Message):
    """How an errand ended, as `errand --json` prints it."""

    completed: Annotated[bool, Field(description="False only where nothing was owed.")]
    claims: Annotated[dict[str, Any], Field(description="As the service sent them.")]


class RequestParams(Message):
    """A request that runs, on the same stream."""

    id: RequestId


class DoneResult(Message):
    """Whether the request was waiting for the player."""

    accepted: bool


class CancelResult(Message):
    """Whether the request was running. It then ends with an error of kind `cancelled`, and with nothing else."""

    cancelled: bool


class ErrandPage(Message):
    """The page for the player's own browser."""

    url: Annotated[str, Field(description="A secret: for this player's browser and nobody else.")]
    expires_at: Annotated[str | None, Field(description="RFC 3339; for display only.")]


class DeviceCode(Message):
    """What a player confirms on any device (RFC 8628, 3.2)."""

    user_code: Annotated[str, Field(description="For the player to see, large.")]
    verification_uri: Annotated[str, Field(description="Where the player types the code.")]
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
    retry_in_seconds: float | Absent = None


class ErrorData(Message):
    """The `data` of an error that a request ended with (-32000, and -32603 for an error of the bridge itself)."""

    kind: Literal[
        "configuration",
        "steam-unavailable",
        "denied",
        "errand-not-completed",
        "service-unavailable",
        "cancelled",
        "internal",
    ]
    reason: Annotated[str | Absent, Field(description="The service's or the bridge's own word for it.")] = None
    retryable: Annotated[bool, Field(description="Whether the same request may succeed later.")]


class RefusalData(Message):
    """The `data` of an error for a message that was refused (-32700, -32600, -32601, -32602)."""

    field: Annotated[str | Absent, Field(description="The member that is wrong; `params.` stands before a param.")] = (
        None
    )
    problem: str
