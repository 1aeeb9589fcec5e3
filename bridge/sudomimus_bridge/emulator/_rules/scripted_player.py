"""The scripted player, who needs no browser: does errands and sign-ins as the settings say, when a client next polls them.

This player enters and presses what a visitor of the pages would. What the pages refuse, this player cannot do either.
"""

from __future__ import annotations

from .._config.config import Player
from .._memory.errands import Errand
from .._memory.sign_ins import SignIn
from .._memory.state import State
from .._players import consent
from .._players.claims import Task, asked_at_sign_in
from .approval import approve, decline, may_sign_in


def follow_sign_in(state: State, sign_in: SignIn) -> None:
    """Do an inquiry or a device authorization that waits, once its time has come."""
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
