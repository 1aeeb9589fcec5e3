"""The errands: short-lived pages that a player has to visit. Each can be used once, and may be returned again until then.

docs/contracts/service.md, "Errands".
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Literal

from .._clock import Clock, timestamp
from .._config.config import Player
from .._config.limits import Errands
from .._players.claims import Task

Status = Literal["PENDING", "COMPLETED", "EXPIRED"]


@dataclass
class Errand:
    """One errand. Its key is a bearer secret and stays out of the repr."""

    key: str = field(repr=False)
    steam_id: int
    tasks: tuple[Task, ...]
    proactive: bool
    created_at: float
    expires_at: float
    outcome: Literal["open", "completed", "declined", "consumed"] = "open"

    @property
    def forces_sign_in(self) -> bool:
        """Entering data needs a sign-in. So does a proactive errand, because its access token may have leaked."""
        return self.proactive or any(task.writes_data for task in self.tasks)

    def handoff(self, via_url: str) -> dict[str, str]:
        """The errand as the answers 403 and `POST /errand` contain it."""
        return {
            "errandKey": self.key,
            "url": f"{via_url}/errand?key={self.key}",
            "expiresAt": timestamp(self.expires_at),
        }


class ErrandStore:
    """All errands."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._errands: dict[str, Errand] = {}

    def hand_out(self, player: Player, tasks: tuple[Task, ...], *, proactive: bool, settings: Errands) -> Errand:
        """The player's live errand if it has 15 minutes left and the same tasks, else a new one."""
        now = self._clock.now()
        for errand in reversed(self._errands.values()):
            if (
                errand.outcome == "open"
                and errand.steam_id == player.steam_id
                and errand.proactive == proactive
                and errand.tasks == tasks
                and errand.expires_at - now >= settings.reuse_seconds
            ):
                return errand
        self._errands = {key: errand for key, errand in self._errands.items() if errand.expires_at > now}
        errand = Errand(
            f"ernd_{secrets.token_urlsafe(24)}", player.steam_id, tasks, proactive, now, now + settings.lifetime_seconds
        )
        self._errands[errand.key] = errand
        return errand

    def live(self, key: str) -> Errand | None:
        """The errand of that key, unless it is unknown, expired or consumed. A client cannot tell these three apart."""
        errand = self._errands.get(key)
        if errand is None or errand.outcome == "consumed" or errand.expires_at <= self._clock.now():
            return None
        return errand

    def status(self, key: str) -> Status:
        """The answer of the status poll. The service reports a declined errand as EXPIRED, too."""
        errand = self.live(key)
        if errand is None or errand.outcome == "declined":
            return "EXPIRED"
        return "COMPLETED" if errand.outcome == "completed" else "PENDING"

    def consume(self, player: Player) -> None:
        """Use up the player's completed errands, because a direct issue has succeeded."""
        for errand in self._errands.values():
            if errand.steam_id == player.steam_id and errand.outcome == "completed":
                errand.outcome = "consumed"

    def forget(self, steam_id: int) -> None:
        """Remove the errands of a removed account, so that none of their pages creates it again."""
        self._errands = {key: errand for key, errand in self._errands.items() if errand.steam_id != steam_id}

    def count(self) -> dict[str, int]:
        """The number of errands of each status, for the control API, without keys."""
        counts = {"PENDING": 0, "COMPLETED": 0, "EXPIRED": 0}
        for key in self._errands:
            counts[self.status(key)] += 1
        return counts
