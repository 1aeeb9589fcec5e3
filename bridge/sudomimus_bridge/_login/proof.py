"""What a direct-issue login proves itself with: a Steam ticket, fresh for every POST, or an access key.

A proof presents itself once per attempt and owns everything that lives only that long.
"""

from __future__ import annotations

import re
from typing import Protocol

from .._service.port import Answer, Operation
from .._values.errors import ConfigurationError
from .._values.events import Phase
from .._values.sealed import sealed
from .._values.secret import Secret
from ..steam._port import Steam
from ..steam._results import other_app
from ..steam._ticket import web_api_ticket
from .concurrency import alongside
from .ports import Ports
from .progress import Progress


class Attempt(Protocol):
    """Where a login is: what a proof reports to while it presents itself."""

    number: int
    waiting_for: str


class Proof(Protocol):
    """Something that the service issues tokens for."""

    @property
    def operation(self) -> Operation:
        """Which row of the rules holds for a 401."""
        ...

    async def present(self, ports: Ports, progress: Progress, attempt: Attempt) -> Answer:
        """Make one attempt."""
        ...


class SteamTicketProof:
    """POST /direct-issue/steam-ticket, with a new ticket each time."""

    operation = Operation.STEAM_TICKET

    def __init__(self, steam: Steam) -> None:
        self._steam = steam

    async def present(self, ports: Ports, progress: Progress, attempt: Attempt) -> Answer:
        """Ask Steam for a ticket while the connection is opened, send it, and cancel it once the service has answered."""
        attempt.waiting_for = "steam"
        progress.tell(Phase.REQUESTING_TICKET, attempt=attempt.number)
        async with alongside(ports.service.native.warm):
            app_id = await self._steam.open()
            if ports.settings.steam_app_id not in (None, app_id):
                raise other_app(app_id, ports.settings.steam_app_id)
            async with web_api_ticket(self._steam, ports.clock) as ticket_hex:
                attempt.waiting_for = "service"
                progress.tell(Phase.ISSUING, attempt=attempt.number)
                return await ports.service.native.direct_issue_steam_ticket(
                    ports.settings.require_application(), ticket_hex, app_id
                )


class AccessKeyProof:
    """POST /direct-issue/access-key. The key is reusable, so every attempt sends the same."""

    operation = Operation.ACCESS_KEY

    def __init__(self, identifier: str, secret: Secret) -> None:
        self._identifier = identifier
        self._secret = secret

    async def present(self, ports: Ports, progress: Progress, attempt: Attempt) -> Answer:
        """Send the key."""
        attempt.waiting_for = "service"
        progress.tell(Phase.ISSUING, attempt=attempt.number)
        return await ports.service.native.direct_issue_access_key(
            ports.settings.require_application(), self._identifier, self._secret
        )


_IDENTIFIER = re.compile(r"acs_k_[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_SECRET = re.compile(r"acs_t_[0-9a-f]{64}")


@sealed
def access_key_proof(identifier: str | None, secret: Secret | None) -> AccessKeyProof:
    """The proof for an access key, checked before anything is sent (native-flows, AccessKey direct-issue).

    Raises `ConfigurationError` that says which half is missing or malformed, and repeats neither.
    """
    if not identifier:
        raise ConfigurationError(
            "No access key is set: pass --access-key-id or set SUDOMIMUS_ACCESS_KEY_ID to its identifier (acs_k_…)."
        )
    if not _IDENTIFIER.fullmatch(identifier):
        swapped = " What was given is the secret half: the two are swapped." if identifier.startswith("acs_t_") else ""
        raise ConfigurationError(
            f"The access key identifier is malformed: it is acs_k_ followed by a UUID, version 4.{swapped}"
        )
    if not secret:
        raise ConfigurationError(
            "No access key secret is set: set SUDOMIMUS_ACCESS_KEY_SECRET to it (acs_t_…), or pass --secret-file PATH."
        )
    if not _SECRET.fullmatch(secret.reveal()):
        raise ConfigurationError(
            "The access key secret is malformed: it is acs_t_ followed by 64 lowercase hexadecimal characters."
        )
    return AccessKeyProof(identifier, secret)
