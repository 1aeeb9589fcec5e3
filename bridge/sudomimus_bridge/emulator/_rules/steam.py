"""Steam's part, played by the emulator: whether a ticket is valid, and which player it belongs to.

Only Valve can verify a real ticket. A ticket of the stub contains its facts in plain text. The log of the stub library shows
which tickets were cancelled, and the emulator refuses those as Steam would.
"""

from __future__ import annotations

from typing import Literal

from ...steam._stub_ticket import read_stub_ticket
from .._config.config import EmulatorConfig
from .._memory.steam_log import CancelledTickets

# The service takes exactly this identity string, in this case.
IDENTITY = "sudomimus"

Verdict = int | Literal["rejected", "unreachable"]


def authenticate_user_ticket(
    steam_ticket_hex: str, steam_app_id: int, config: EmulatorConfig, cancelled: CancelledTickets
) -> Verdict:
    """What ISteamUserAuth/AuthenticateUserTicket would say: the SteamID64, a refusal, or that it cannot be reached."""
    if config.steam == "unreachable":
        return "unreachable"
    if config.steam == "rejects":
        return "rejected"
    ticket = read_stub_ticket(bytes.fromhex(steam_ticket_hex))
    if ticket is None:
        return config.default_player if config.accept_foreign_tickets else "rejected"
    # A ticket is bound to the app that asked for it.
    if ticket.identity != IDENTITY or ticket.app_id != steam_app_id:
        return "rejected"
    if cancelled.contains(ticket, config.steam_log):
        return "rejected"
    return ticket.steam_id
