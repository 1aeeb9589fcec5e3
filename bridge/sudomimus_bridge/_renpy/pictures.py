"""Pictures that are made, not loaded: a page's QR code and an empty thumbnail, both as PNG. No Ren'Py, no PIL."""

from __future__ import annotations

import io
import struct
import zlib

from .._values.secret import Secret

QUIET = 4
"""Light modules around a QR code, which scanners need (ISO/IEC 18004, 9.1)."""


LEAST_SCALE = 2


def qr_code_png(page: Secret, pixels: int) -> bytes:
    """The QR code of a page, about that wide and high. Each module is a whole number of pixels: scanners want clean edges."""
    import segno

    code = segno.make(page.reveal(), error="l", micro=False)
    scale = max(LEAST_SCALE, pixels // (code.symbol_size(border=QUIET)[0]))
    out = io.BytesIO()
    code.save(out, kind="png", scale=scale, border=QUIET)
    return out.getvalue()


def plain_png(width: int, height: int, grey: int = 24) -> bytes:
    """A picture of one dark grey (PNG specification, colour type 0)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes([grey]) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
