"""The platform and processor that a shared library was built for, read from its first bytes.

Used for one error: `dlopen` says "wrong ELF class", or nothing, about a library that does not load.
"""

from __future__ import annotations

import struct
from pathlib import Path

_ELF = {3: "x86 (32 bit)", 40: "arm (32 bit)", 62: "x86-64", 183: "arm64"}
_PE = {0x14C: "x86 (32 bit)", 0x8664: "x86-64", 0xAA64: "arm64"}
_MACH = {0x01000007: "x86-64", 0x0100000C: "arm64", 7: "x86 (32 bit)"}


def built_for(path: Path) -> str:
    """Return the platform and processor, such as "Linux on arm64", or "no program library" for another kind of file."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return "unreadable"
    try:
        if head.startswith(b"\x7fELF"):
            order = "<" if head[5] == 1 else ">"
            return f"Linux on {_ELF.get(struct.unpack_from(order + 'H', head, 18)[0], 'another processor')}"
        if head.startswith(b"MZ"):
            (offset,) = struct.unpack_from("<I", head, 0x3C)
            if head[offset : offset + 4] == b"PE\0\0":
                return f"Windows on {_PE.get(struct.unpack_from('<H', head, offset + 4)[0], 'another processor')}"
        if head[:4] in (b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe"):
            return f"macOS on {_MACH.get(struct.unpack_from('<I', head, 4)[0], 'another processor')}"
        if head[:4] == b"\xca\xfe\xba\xbe":
            return "macOS on several processors"
    except (struct.error, IndexError):
        pass
    return "no program library"
