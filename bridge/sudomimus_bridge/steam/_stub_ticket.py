"""The tickets that the two stubs of Steam give, and how the local service reads them.

Valve's tickets are opaque and only Valve can verify them. A stub's ticket says in the clear whose it is, so that the
local service can do what Valve would: `native/steam_api_stub.c` writes the same layout, in C.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"STUBTKT1"
_HEAD = struct.Struct("<8sQI16sB")


@dataclass(frozen=True)
class StubTicket:
    """What a stub ticket says: SteamID64, app id, the 16 bytes that make it unique, and the identity it was asked for."""

    steam_id: int
    app_id: int
    nonce: bytes
    identity: str

    def to_bytes(self, size: int = 240) -> bytes:
        """The ticket as it crosses the wire, padded with bytes derived from the nonce or cut to `size` bytes."""
        identity = self.identity.encode()[:255]
        head = _HEAD.pack(MAGIC, self.steam_id, self.app_id, self.nonce, len(identity)) + identity
        padding = bytes((self.nonce[index % 16] + index) & 0xFF for index in range(max(0, size - len(head))))
        return (head + padding)[:size]


def read_stub_ticket(ticket: bytes) -> StubTicket | None:
    """The ticket's contents, or None where no stub made it or a part of its head is missing."""
    if len(ticket) < _HEAD.size or not ticket.startswith(MAGIC):
        return None
    _, steam_id, app_id, nonce, length = _HEAD.unpack_from(ticket)
    identity = ticket[_HEAD.size : _HEAD.size + length]
    if len(identity) < length:
        return None
    return StubTicket(steam_id, app_id, nonce, identity.decode(errors="replace"))
