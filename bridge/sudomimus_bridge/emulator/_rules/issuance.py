"""The checks that every way to sign in shares (application, layer 2, account), and the answer with the tokens.

A check that fails raises `Refusal`, which the routes send. The rules of each API call the checks in their own order.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from .._config.config import Player
from .._memory.admission import Admission
from .._memory.sessions import Pair
from .._memory.state import State
from .._players import claims


class Refusal(Exception):
    """An answer other than 200. Without a reason, or with one that begins with PRIVATE, its body is empty."""

    def __init__(self, status: int, reason: str | None = None, **more: Any) -> None:
        super().__init__(f"{status} {reason or ''}".strip())
        self.status = status
        self.reason = reason
        self.more = more
        self.retry_after: int | None = None


class DeviceTokenRefusal(Exception):
    """The answer of POST /device-token instead of tokens, with OAuth's errors (RFC 8628, 3.5), not the service's reasons."""

    def __init__(self, error: str, *, status: int = 400, interval: int | None = None) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.interval = interval


class InvalidToken(Exception):
    """The only 401 of `/userinfo` and `/claim-state`."""


def error_body(reason: str | None) -> dict[str, Any] | None:
    """The body of a refusal; None if it is empty."""
    return None if reason is None or reason.startswith("PRIVATE") else {"reason": reason}


def application(state: State, anchor: str, *, absent: int = 404) -> None:
    """Check the anchor of the only application, and whether it is switched off. `absent` is the status for an unknown anchor."""
    if anchor != state.config.application.anchor:
        raise Refusal(absent, "ApplicationNotFound")
    if state.config.application.disabled:
        raise Refusal(403, state.dialect.application_disabled)


def budget(state: State, admission: Admission) -> None:
    """Check the attempt budgets and the circuit of a route."""
    budgets = state.config.budgets
    admitted = admission.admit(state.config.application.anchor, budgets)
    if admitted != "admitted":
        refusal = Refusal(503 if admitted == "unavailable" else 429)
        refusal.retry_after = budgets.retry_after
        raise refusal


def account(player: Player) -> None:
    """Check the account: it may be deleted or disabled."""
    if player.deleted:
        raise Refusal(403, "AccountDeleted")
    if player.disabled:
        raise Refusal(403, "AccountDisabled")


def email_domain(player: Player) -> None:
    """Check the account's verified email domains, which may refuse it."""
    if player.refused:
        raise Refusal(403, player.refused)


def binding(state: State, player: Player, authorized_subject: str | None = None) -> None:
    """Check that the player's subject is still the authorized one. A setting can make the next few stale."""
    config = state.config
    if authorized_subject is not None and player.subject != authorized_subject:
        raise Refusal(409, "AuthorizationArtifactStale")
    if config.authorization_artifact_stale:
        config.authorization_artifact_stale -= 1
        raise Refusal(409, "AuthorizationArtifactStale")


def admits(
    player: Player,
    *,
    steam_ids: Iterable[str] = (),
    emails: Iterable[str] = (),
    aliases: Iterable[str] = (),
    subjects: Iterable[str] = (),
) -> bool:
    """Layer 2: one match in any of the lists admits a player. "*" matches every SteamID."""
    ids = set(steam_ids)
    return (
        "*" in ids
        or str(player.steam_id) in ids
        or player.subject in subjects
        or (player.account_alias is not None and player.account_alias in aliases)
        or any(player.email and fnmatchcase(player.email, pattern) for pattern in emails)
    )


def layer_2(state: State, player: Player) -> bool:
    """Whether the application's own rules admit the player."""
    rules = state.config.application
    return admits(
        player,
        steam_ids=rules.allowed_steam_ids,
        emails=rules.allowed_emails,
        aliases=rules.allowed_account_aliases,
        subjects=rules.allowed_sector_subjects,
    )


def tokens_body(state: State, player: Player, pair: Pair) -> dict[str, Any]:
    """The 200 of direct-issue, `/redeem` and `/device-token`."""
    return {
        "applicationAnchor": state.config.application.anchor,
        "accessToken": pair.access_token,
        "refreshToken": pair.refresh_token,
        "claims": claims.view(player, state.config),
    }
