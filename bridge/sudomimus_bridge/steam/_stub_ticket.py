"""The tickets that both stubs of Steam create and the local service reads.

Valve's tickets are opaque, and only Valve can verify them. A stub's ticket names its player in plain bytes, so the local
service can verify it. `native/steam_api_stub.c` writes the same layout in C.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"STUBTKT1"
_HEAD = struct.Struct("<8sQI16sB")


@dataclass(frozen=True)
class StubTicket:
    """The contents of a stub ticket: SteamID64, app id, 16 bytes that make it unique, and the requested identity."""

    steam_id: int
    app_id: int
    nonce: bytes
    identity: str

    def to_bytes(self, size: int = 240) -> bytes:
        """Return the ticket's bytes, cut to `size` or padded with bytes derived from the nonce."""
        identity = self.identity.encode()[:255]
        head = _HEAD.pack(MAGIC, self.steam_id, self.app_id, self.nonce, len(identity)) + identity
        padding = bytes((self.nonce[index % 16] + index) & 0xFF for index in range(size))
        return (head + padding)[:size]


def read_stub_ticket(ticket: bytes) -> StubTicket | None:
    """Return the ticket's contents, or None if no stub made it or its head is incomplete."""
    if len(ticket) < _HEAD.size or not ticket.startswith(MAGIC):
        return None
    _, steam_id, app_id, nonce, length = _HEAD.unpack_from(ticket)
    identity = ticket[_HEAD.size : _HEAD.size + length]
    if len(identity) < length:
        return None
    return StubTicket(steam_id, app_id, nonce, identity.decode(errors="replace"))
