"""The three states of the service that a game may meet, and all their differences.

docs/contracts/service.md describes them. No other module compares a dialect's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

DialectName = Literal["documents", "openapi", "v4"]
ClaimName = Literal["email", "firstName", "lastName", "staticAvatar", "animatedAvatar"]
TokenShape = Literal["envelope in the body", "envelope in the header", "typed"]


@dataclass(frozen=True)
class Dialect:
    """One state of the service."""

    name: DialectName
    claims: tuple[ClaimName, ...] = get_args(ClaimName)
    """The claims that a player can share."""
    requirement_names: Mapping[str, str] = field(default_factory=dict)
    """The service's word for a requirement, if that is not the setting's name."""
    tokens: TokenShape = "typed"
    """The place of a token's issuer, lifetime and player. Only typed tokens have no profile."""
    profile_calls: bool = True
    """Whether `/userinfo`, `/claim-state` and the application's JWK Set exist."""
    info_has_public_key: bool = False
    application_disabled: str = "ApplicationNotActive"
    """The 403 of an application that is switched off."""
    redeem_names_missing_data: bool = True
    """Whether `/redeem` has a reason for missing data. Otherwise it reports missing consent."""
    closed_bodies: bool = True
    """Whether a request with an unknown member is refused. The Device API always refuses it."""
    lifetimes_from_one_second: bool = False
    """Whether a constraint may ask for any lifetime from one second, and for any text as callback URL."""
    longest_ticket_hex: int | None = 5120
    session_ends_errands: bool = True
    """Whether `POST /errand` refuses the access token of a session that is over."""
    revoke_all_counts: bool = False
    """Whether `/revoke-all` returns the number of ended sessions."""
    sid: bool = True
    """Whether `/introspect` finds the session by the token's `sid`."""
    more_no_store: bool = True
    """Whether the claim gate's 403, `POST /errand`, `/establish` and `/status-poll` forbid caching too."""


DIALECTS: Mapping[DialectName, Dialect] = {
    "documents": Dialect(
        "documents",
        claims=("email", "firstName", "lastName"),
        requirement_names={"SYNTHETIC_ONLY": "SYNTHETIC", "SYNTHETIC_FALLBACK": "SYNTHETIC"},
        tokens="envelope in the body",
        profile_calls=False,
        info_has_public_key=True,
        application_disabled="ApplicationDisabled",
        redeem_names_missing_data=False,
        closed_bodies=False,
        lifetimes_from_one_second=True,
        longest_ticket_hex=None,
        session_ends_errands=False,
        revoke_all_counts=True,
        sid=False,
        more_no_store=False,
    ),
    "openapi": Dialect(
        "openapi",
        requirement_names={"SYNTHETIC": "SYNTHETIC_FALLBACK"},
        tokens="envelope in the header",
        profile_calls=False,
        info_has_public_key=True,
        application_disabled="ApplicationDisabled",
        redeem_names_missing_data=False,
        closed_bodies=False,
        longest_ticket_hex=None,
        session_ends_errands=False,
        revoke_all_counts=True,
        sid=False,
        more_no_store=False,
    ),
    "v4": Dialect("v4", requirement_names={"SYNTHETIC": "SYNTHETIC_FALLBACK"}),
}
