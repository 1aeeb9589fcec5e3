"""The page for the player, as a Ren'Py game shows it: its address and QR code, which no save's thumbnail may show.

The pictures are PNG. They are made without Ren'Py and PIL.
"""

from __future__ import annotations

import io
import logging
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

from .._values.events import ErrandHandoff
from .._values.secret import Secret

PAGE_SECONDS = 30 * 60
"""The lifetime of an errand in seconds (docs/contracts/service.md), counted from the moment when the game first sees it."""

QUIET_ZONE = 4
"""The light modules that scanners need around a QR code (ISO/IEC 18004, 9.1)."""

LEAST_SCALE = 2

_log = logging.getLogger("sudomimus_bridge")


class Page:
    """One page. A thread draws its QR code, because that takes longer than a frame."""

    def __init__(self, errand: ErrandHandoff, qr_pixels: int) -> None:
        self.errand = errand
        self.until = time.monotonic() + PAGE_SECONDS
        self.opened = False
        """Whether the player's browser opened it."""
        self.copied = False
        """Whether the player copied its address."""
        self.qr_code: bytes | None = None
        self._qr_pixels = qr_pixels
        threading.Thread(target=self._draw, name="sudomimus-bridge QR code", daemon=True).start()

    def _draw(self) -> None:
        try:
            self.qr_code = qr_code_png(self.errand.page, self._qr_pixels)
        except Exception as error:  # noqa: BLE001 - the screen shows the page's address as well
            _log.warning("the QR code could not be drawn: %s", type(error).__name__)


class Thumbnails:
    """Replaces the next save's thumbnail by an empty picture while a page's QR code may be on the screen.

    A person who sees a thumbnail could scan the code. Ren'Py takes a thumbnail when the game menu or the quit dialogue opens,
    and when it saves without one.
    """

    def __init__(self, errand_url: Callable[[], str | None]) -> None:
        self._errand_url = errand_url
        self._empty: bytes | None = None

    def look(self) -> None:
        """Call this about 20 times a second, on the main thread."""
        waits = self._errand_url() is not None
        if not waits and self._empty is None:
            return
        renpy: Any = sys.modules["renpy"]
        interface = renpy.game.interface
        if waits:
            self._empty = self._empty or plain_png(renpy.config.thumbnail_width, renpy.config.thumbnail_height)
            interface.screenshot = self._empty
            return
        if interface.screenshot == self._empty:
            interface.lose_screenshot()
        self._empty = None


def qr_code_png(page: Secret, pixels: int) -> bytes:
    """The QR code of a page, at most that wide and high. Each module is a whole number of pixels, so its edges are sharp."""
    import segno

    code = segno.make(page.reveal(), error="l", micro=False)
    scale = max(LEAST_SCALE, pixels // (code.symbol_size(border=QUIET_ZONE)[0]))
    out = io.BytesIO()
    code.save(out, kind="png", scale=scale, border=QUIET_ZONE)
    return out.getvalue()


def plain_png(width: int, height: int, grey: int = 24) -> bytes:
    """A picture in a single dark grey (PNG specification, colour type 0)."""
    rows = (b"\0" + bytes([grey]) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
