"""What the service must not accept twice: Steam tickets for a day, and the `jti` of a client's JWT for good."""

from __future__ import annotations

import hashlib

from .._clock import Clock

# docs/contracts/service.md, "A Steam ticket".
RESERVATION_SECONDS = 60.0
REPLAY_WINDOW_SECONDS = 24 * 3600.0


class ReplayWindow:
    """The tickets that the service has seen, by `sha256(steamTicketHex.toLowerCase())`, and when it forgets each."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def reserve(self, steam_ticket_hex: str) -> bool:
        """Reserve the ticket for its verification; False if it is reserved or was verified already."""
        now, key = self._clock.now(), self._key(steam_ticket_hex)
        if self._until.get(key, 0) > now:
            return False
        if len(self._until) > 10_000:
            self._until = {seen: until for seen, until in self._until.items() if until > now}
        self._until[key] = now + RESERVATION_SECONDS
        return True

    def promote(self, steam_ticket_hex: str) -> bool:
        """Remember a verified ticket for a day; False if its reservation ran out during the verification."""
        now, key = self._clock.now(), self._key(steam_ticket_hex)
        if self._until.get(key, 0) <= now:
            return False
        self._until[key] = now + REPLAY_WINDOW_SECONDS
        return True

    @staticmethod
    def _key(steam_ticket_hex: str) -> str:
        return hashlib.sha256(steam_ticket_hex.lower().encode()).hexdigest()


class SeenIds:
    """Every `jti` that was accepted. Each is accepted once."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()

    def first_time(self, issuer: str, jti: str) -> bool:
        """Remember the `jti`; False if it was there already."""
        known = (issuer, jti) in self._seen
        self._seen.add((issuer, jti))
        return not known
