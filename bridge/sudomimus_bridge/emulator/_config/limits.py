"""The settings that are numbers: budgets, lifetimes, intervals and windows. Each default is the service's number.

`Settings` is the base of all settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from .model import Model

# A string in JSON: 64 bits do not fit into JavaScript's numbers.
SteamID = Annotated[int, Field(gt=0, lt=2**64), PlainSerializer(lambda value: str(value), when_used="json")]


class Settings(Model):
    """The base of all settings. It refuses unknown names and wrong values, in assignments, too."""

    model_config: ClassVar[Mapping[str, object]] = ConfigDict(
        extra="forbid",
        validate_assignment=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )


class Budgets(Settings):
    """The attempt budgets in fixed windows, and the circuit, which failures open (docs/contracts/service.md, "Limits")."""

    # The sign-ins of one application that the service admits in a window. More get a 429.
    attempts_per_application: int = Field(default=150, ge=0)
    # The same for all applications together.
    attempts_global: int = Field(default=200, ge=0)
    # The length of a window.
    window_seconds: float = Field(default=10, ge=0.001)
    # After this many failures of an application within `circuitSeconds`, its circuit opens: each attempt gets a 429.
    failures_per_application: int = Field(default=20, ge=1)
    # The same for all applications together.
    failures_global: int = Field(default=60, ge=1)
    # How long failures count, and how long the circuit stays open.
    circuit_seconds: float = Field(default=60, gt=0)
    # `false`: the counter fails, and every attempt gets a 503 with an empty body.
    available: bool = True
    # The Retry-After, in seconds, of the 429 and the 503. `null`: none, as the service documents none.
    retry_after: int | None = Field(default=None, ge=0)


class Errands(Settings):
    """The lifetime of errands."""

    # How long an errand can be completed.
    lifetime_seconds: float = Field(default=1800, gt=0, le=31536000)
    # A blocked sign-in gets the errand of the one before, if this much of its lifetime is left.
    reuse_seconds: float = Field(default=900, ge=0)


class Tokens(Settings):
    """The lifetimes of tokens."""

    # The lifetime of an access token.
    access_token_ttl_seconds: int = Field(default=3600, ge=1, le=604800)
    # The lifetime of a refresh token.
    refresh_token_ttl_seconds: int = Field(default=30 * 86400, ge=1, le=31536000)


class Connect(Settings):
    """Signing in in the browser. The service documents neither number."""

    # How long an inquiry can be realized and redeemed.
    inquiry_lifetime_seconds: float = Field(default=900, gt=0, le=31536000)
    # The number of polls after which a pending inquiry has expired.
    polling_attempts: int = Field(default=1000, ge=1)


class Device(Settings):
    """Signing in with a code (RFC 8628)."""

    # How long a code can be confirmed.
    lifetime_seconds: int = Field(default=600, ge=1, le=31536000)
    # The seconds that a client has to wait between two polls.
    interval: int = Field(default=5, ge=1)
    # `false`: a client may poll faster than the interval, for instance a client in virtual time.
    slow_down: bool = True
    # `true`: after the approval the sign-in fails with 500 `server_error`.
    issuance_fails: bool = False


class Sessions(Settings):
    """Refresh-token rotation. The service does not document the length of its grace window."""

    # The seconds after its first use in which a refresh token may be used again. `0`: a second use ends the session.
    grace_seconds: float = Field(default=10, ge=0)
    # `false`: a second use in the window ends the session, with an empty 401.
    adopts: bool = True
    # The number that `POST /introspect` recommends to backends.
    recommended_recheck_seconds: int = Field(default=60, ge=0)
