"""The name server of the hostile network."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

from .network import PORTAL


class NameServer:
    """Answers each name by the function that a cell has registered for it."""

    def __init__(self) -> None:
        self.cells: dict[str, Callable[[], str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                query, sender = self._socket.recvfrom(4096)
                threading.Thread(target=self._answer, args=(query, sender), daemon=True).start()

    def _answer(self, query: bytes, sender: tuple[str, int]) -> None:
        length = query[12]
        how = self.cells.get(query[13 : 13 + length].decode().lower(), lambda: "refused")()
        end = query.index(b"\0", 12) + 5
        wants_ipv4 = query[end - 4 : end - 2] == b"\0\1"
        refused, found = how == "refused", wants_ipv4 and how != "refused"
        flags = b"\x81\x85" if refused else b"\x81\x80"
        reply = query[:2] + flags + struct.pack(">4H", 1, int(found), 0, 0) + query[12:end]
        if found:
            address = PORTAL if how == "captive portal" else "127.0.0.1"
            reply += b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4" + socket.inet_aton(address)
        if how != "black hole":
            with suppress(OSError):
                self._socket.sendto(reply[: len(reply) // 2] if how == "half" else reply, sender)

    def close(self) -> None:
        """Stop answering."""
        self._socket.close()
