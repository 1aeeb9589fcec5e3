"""The settings that are numbers: budgets, lifetimes, intervals and windows. Each default is the service's own number.

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
    """The base of all settings: unknown names and wrong values are refused, in assignments too."""

    model_config: ClassVar[Mapping[str, object]] = ConfigDict(
        extra="forbid",
        validate_assignment=True,
        alias_generator=to_camel,
        populate_by_name=True,
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )


class Budgets(Settings):
    """Attempt budgets in fixed windows, and the circuit that failures open (docs/contracts/service.md, "Limits")."""

    attempts_per_application: int = Field(default=150, ge=0)
    attempts_global: int = Field(default=200, ge=0)
    window_seconds: float = Field(default=10, ge=0.001)
    failures_per_application: int = Field(default=20, ge=1)
    failures_global: int = Field(default=60, ge=1)
    circuit_seconds: float = Field(default=60, gt=0)
    # False: the counter is down, and every attempt is a 503 with an empty body.
    available: bool = True
    # The Retry-After of the 429 and the 503. The service publishes none.
    retry_after: int | None = Field(default=None, ge=0)


class Errands(Settings):
    """How long an errand lives, and how long before its end a blocked call no longer hands it out again."""

    lifetime_seconds: float = Field(default=1800, gt=0, le=31536000)
    reuse_seconds: float = Field(default=900, ge=0)


class Tokens(Settings):
    """The lifetimes of tokens."""

    access_token_ttl_seconds: int = Field(default=3600, ge=1, le=604800)
    refresh_token_ttl_seconds: int = Field(default=30 * 86400, ge=1, le=31536000)


class Connect(Settings):
    """How long an inquiry lives, and how many PENDING polls it takes. The service publishes neither."""

    inquiry_lifetime_seconds: float = Field(default=900, gt=0, le=31536000)
    polling_attempts: int = Field(default=1000, ge=1)


class Device(Settings):
    """Device authorization."""

    lifetime_seconds: int = Field(default=600, ge=1, le=31536000)
    interval: int = Field(default=5, ge=1)
    # False: a client may poll faster than the interval, because its time is not the emulator's.
    slow_down: bool = True
    # True: the sign-in fails after the approval, as 500 `server_error`.
    issuance_fails: bool = False


class Sessions(Settings):
    """Refresh-token rotation. The service does not publish how long its grace window is."""

    # How long after its first use a refresh token may be sent once more. 0: every second use ends the session.
    grace_seconds: float = Field(default=10, ge=0)
    # False: a retry inside the window ends the session, with an empty 401.
    adopts: bool = True
    recommended_recheck_seconds: int = Field(default=60, ge=0)
