"""Identifies this computer and its user, so that a session that was copied elsewhere is not used there.

The bridge uses the system's own identifier. If there is none, it uses the identity of a file: the file's number on the disk,
and the time when the file was made or changed. A random identifier in a file would be copied together with the session, but
these two cannot be copied: every copy of a file is a new file, and no program can set its change time. After a restored backup,
or `chmod -R`, the player has to sign in again.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from .._values.system import registry_value, sysctl_text

_ID_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")  # machine-id(5)
_SAYS_NOTHING = re.compile(r"[0{}-]*|uninitialized")
"""Placeholders that some systems give for an identifier: images before their first start, jails, cheap firmware."""


def machine_id() -> str | None:
    """The identifier that the system gives this computer; None if it gives none."""
    return next((found for found in _system_ids() if not _SAYS_NOTHING.fullmatch(found)), None)


if sys.platform == "win32":

    def user_id() -> str:
        """Identifies this user on this computer (winbase.h, GetUserNameW). No environment variable changes it."""
        import ctypes

        size = ctypes.c_uint32(257)  # UNLEN + 1
        name = ctypes.create_unicode_buffer(size.value)
        return name.value if ctypes.WinDLL("advapi32").GetUserNameW(name, ctypes.byref(size)) else ""

else:

    def user_id() -> str:
        """Identifies this user on this computer."""
        return str(os.getuid())


def file_identity(path: Path) -> str:
    """The identity of a file: every copy of the file has another one. Raises `OSError`."""
    about = path.stat(follow_symlinks=False)
    return f"{about.st_ino} {about.st_ctime_ns}"


def _system_ids() -> Iterator[str]:
    yield registry_value(r"SOFTWARE\Microsoft\Cryptography", "MachineGuid") or ""
    for place in _ID_FILES:
        with suppress(OSError, ValueError):
            yield Path(place).read_text(encoding="ascii").strip()
    if sys.platform == "darwin":
        yield _host_uuid()
    elif sys.platform not in ("win32", "linux", "android"):
        for name in ("kern.hostuuid", "machdep.dmi.system-uuid"):  # FreeBSD's, NetBSD's
            with suppress(OSError, AttributeError):
                yield sysctl_text(name).strip()


def _host_uuid() -> str:
    """`IOPlatformUUID` of the computer's hardware, by gethostuuid(2); empty if macOS does not give it."""
    import ctypes

    uuid, one_second = (ctypes.c_ubyte * 16)(), (ctypes.c_long * 2)(1, 0)
    try:
        given = ctypes.CDLL(None).gethostuuid(uuid, one_second) == 0
    except (OSError, AttributeError):
        return ""
    return bytes(uuid).hex() if given else ""
