"""The player behind an access token: from the token if it has the profile, otherwise from one `GET /userinfo`.

No login waits for this. It sends at most one request, renews no token, and raises no error: if there is no profile, the
player's names are None.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from .._runs.threads import exhaustion_as_bridge_error
from .._values.errors import BridgeError
from .._values.events import Claims
from .._values.player import Player, player_from
from .._values.secret import Secret
from .._values.token import read_token
from .ports import Ports


async def find_player(access_token: Secret, ports: Ports, claims: Claims | None = None) -> Player:
    """The player, with the members that are known. `claims` is the block that came with the token."""
    facts = read_token(access_token)
    player = facts.player or await _asked(access_token, ports, facts.subject) or Player(facts.subject)
    return replace(
        player,
        picture=_admitted(player.picture, ports),
        animated_picture=_admitted(player.animated_picture, ports),
        claims=dict(claims or {}),
    )


async def _asked(access_token: Secret, ports: Ports, subject: str | None) -> Player | None:
    with suppress(BridgeError, OSError), exhaustion_as_bridge_error():
        async with ports.service() as service:
            profile = await service.session.userinfo(access_token)
        return None if profile is None else player_from(profile, subject)
    return None


def _admitted(url: str | None, ports: Ports) -> str | None:
    """A picture's URL; None if this game may not open it."""
    if url is None:
        return None
    try:
        ports.gate.admit(Secret(url), service_url=ports.settings.session_url)
    except BridgeError:
        return None
    return url
