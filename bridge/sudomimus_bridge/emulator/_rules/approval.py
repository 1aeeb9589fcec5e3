"""A sign-in in the browser: whether the player may sign in, the claims to ask for, and the effect of yes and no.

The rules are the same for inquiries and device authorizations, and for a person on the pages and the scripted player. No HTML
here.

The scripted player needs no browser. It does errands and sign-ins as the settings say, when a client next polls them. It makes
the same entries and decisions as a visitor of the pages. This player cannot do anything that the pages refuse.
"""

from __future__ import annotations

import secrets

from ..._service.establish_request import (
    AliasConstraint,
    AuthenticationConstraint,
    CallbackMethod,
    EmailConstraint,
    EstablishRequest,
    RealizeConstraint,
    SteamIdConstraint,
    SubjectConstraint,
)
from .._config.config import Player
from .._memory.errands import Errand
from .._memory.sessions import Pair
from .._memory.sign_ins import Inquiry, SignIn
from .._memory.state import State
from .._players import consent
from .._players.claims import Task, asked_at_sign_in
from .issuance import Refusal, account, admits, application, email_domain, layer_2


def may_sign_in(state: State, sign_in: SignIn, player: Player) -> bool:
    """Whether the player may sign in: layers 1 and 2 of the application and of the inquiry, and the account."""
    try:
        application(state, sign_in.anchor)
        account(player)
        email_domain(player)
    except Refusal:
        return False
    body = sign_in.body if isinstance(sign_in, Inquiry) else None
    return bool(_methods(state, player, body)) and layer_2(state, player) and bool(_realizing(player, body))


def approve(state: State, sign_in: SignIn, player: Player) -> None:
    """Approve the sign-in: the player has signed in and agreed."""
    sign_in.standing = "approved"
    sign_in.steam_id, sign_in.subject = player.steam_id, player.subject
    if isinstance(sign_in, Inquiry):
        _realize(state, sign_in, player)


def decline(sign_in: SignIn) -> None:
    """Decline the sign-in for the player."""
    sign_in.standing = "declined"


def returns(state: State, inquiry: Inquiry, kind: str) -> bool:
    """Layer 3: whether the application allows this return method and the inquiry asks for it."""
    allowed = {
        "STATUS_POLL": state.config.application.status_poll,
        "CALLBACK": state.config.application.callback,
        "REVEAL": state.config.application.reveal,
    }
    methods = inquiry.body.returnMethods if inquiry.body else None
    # An inquiry without return methods has no callback URL and no REVEAL.
    declared = kind == "STATUS_POLL" if methods is None else any(method.type == kind for method in methods)
    return allowed[kind] and declared


def callback_location(state: State, inquiry: Inquiry) -> str | None:
    """The address to which the browser goes when the inquiry is realized, if its return methods have one."""
    if inquiry.standing != "approved" or inquiry.confirmation_key is None or not returns(state, inquiry, "CALLBACK"):
        return None
    methods = (inquiry.body.returnMethods if inquiry.body else None) or []
    callback = next(method for method in methods if isinstance(method, CallbackMethod))
    return callback.location(inquiry.exposure_key, inquiry.confirmation_key)


def open_session(state: State, inquiry: Inquiry, player: Player) -> Pair:
    """The tokens of a realized inquiry, with the lifetimes that its constraints set."""
    return state.sessions.open(
        player,
        access_token_ttl_seconds=inquiry.access_token_ttl_seconds,
        refresh_token_ttl_seconds=inquiry.refresh_token_ttl_seconds,
    )


def _realize(state: State, inquiry: Inquiry, player: Player) -> None:
    inquiry.confirmation_key = f"cnf_{secrets.token_hex(32)}"
    matched = [*_methods(state, player, inquiry.body), *_realizing(player, inquiry.body)]
    # Constraints may set lifetimes. If several match, the shortest lifetime applies.
    access = [one.accessTokenTtlSeconds for one in matched if one and one.accessTokenTtlSeconds]
    refresh = [one.refreshTokenTtlSeconds for one in matched if one and one.refreshTokenTtlSeconds]
    inquiry.access_token_ttl_seconds = min(access, default=None)
    inquiry.refresh_token_ttl_seconds = min(refresh, default=None)
    if returns(state, inquiry, "REVEAL"):
        # The page shows the tokens at once, so the inquiry counts as redeemed.
        inquiry.revealed = open_session(state, inquiry, player)
        inquiry.standing = "spent"


def _methods(
    state: State, player: Player, body: EstablishRequest | None
) -> list[AuthenticationConstraint] | list[None]:
    """The inquiry's constraints by which this player can sign in in the browser; [None] if it has no constraints."""
    available: set[str] = set(state.config.application.browser_methods)
    if not player.email:
        available.discard("EMAIL_VERIFICATION")
    if body is None or body.authenticationConstraints is None:
        return [None] if available else []
    return [constraint for constraint in body.authenticationConstraints if constraint.method in available]


def _realizing(player: Player, body: EstablishRequest | None) -> list[RealizeConstraint] | list[None]:
    """The inquiry's constraints that admit this player; [None] if it has no constraints."""
    if body is None or body.realizeConstraints is None:
        return [None]
    return [constraint for constraint in body.realizeConstraints if _admitted(player, constraint)]


def _admitted(player: Player, constraint: RealizeConstraint) -> bool:
    match constraint:
        case EmailConstraint():
            return admits(player, emails=constraint.payload.allowedEmails)
        case SteamIdConstraint():
            return admits(player, steam_ids=constraint.payload.allowedSteamIds)
        case AliasConstraint():
            return admits(player, aliases=constraint.payload.allowedAccountAliases)
        case SubjectConstraint():
            return admits(player, subjects=constraint.payload.allowedSectorSubjects)
        case _:
            return True


def follow_sign_in(state: State, sign_in: SignIn) -> None:
    """Do a waiting inquiry or device authorization, when it is time."""
    script = state.config.scripted_player
    if sign_in.standing != "pending" or state.sign_ins.expired(sign_in) or not _is_time(state, sign_in.created_at):
        return
    if script.does == "declines":
        decline(sign_in)
        return
    player = state.player(script.steam_id if script.steam_id is not None else state.config.default_player)
    tasks = asked_at_sign_in(player, state.config, state.via_url)
    if may_sign_in(state, sign_in, player) and _agrees(state, player, tasks):
        approve(state, sign_in, player)


def follow_errand(state: State, errand: Errand | None) -> None:
    """Do an errand, as the player whose errand it is."""
    if errand is None or errand.outcome != "open" or not _is_time(state, errand.created_at):
        return
    player = state.player(errand.steam_id)
    if state.config.scripted_player.does == "declines":
        errand.outcome = "completed" if consent.decline(player, errand.tasks) else "declined"
    elif _agrees(state, player, errand.tasks):
        errand.outcome = "completed"


def _is_time(state: State, since: float) -> bool:
    script = state.config.scripted_player
    return script.does != "nothing" and state.clock.now() >= since + script.after_seconds


def _agrees(state: State, player: Player, tasks: tuple[Task, ...]) -> bool:
    script = state.config.scripted_player
    form = {f"share-{task.claim}": "yes" for task in tasks}
    form |= {"email": script.email, "firstName": script.first_name, "lastName": script.last_name}
    return not consent.agree(player, tasks, state.via_url, form)
