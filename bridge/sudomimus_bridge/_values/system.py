"""Values that the system keeps for every program: Windows' registry, and sysctl(3) of macOS and the BSDs.

Both are read with ctypes: some games' Pythons lack `winreg`, and Python has no module for sysctl.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":

    def registry_value(key: str, name: str) -> str | None:
        """A value below HKEY_LOCAL_MACHINE, a number as decimal text; None if there is none (winreg.h, RegGetValueW)."""
        import ctypes

        local_machine, text_or_number = ctypes.c_void_p(0x80000002), 0x2 | 0x10
        kind, size = ctypes.c_uint32(), ctypes.c_uint32(1024)
        buffer = ctypes.create_unicode_buffer(size.value // 2)
        read = ctypes.WinDLL("advapi32").RegGetValueW
        if read(local_machine, key, name, text_or_number, ctypes.byref(kind), buffer, ctypes.byref(size)) != 0:
            return None
        number_kind = 4  # REG_DWORD
        return str(ctypes.c_uint32.from_buffer(buffer).value) if kind.value == number_kind else buffer.value

else:

    def registry_value(key: str, name: str) -> str | None:  # noqa: ARG001
        """None: this system has no registry."""
        return None


def sysctl_text(name: str) -> str:
    """The text of a variable; empty if it does not exist. Raises `OSError` or `AttributeError` on other systems."""
    import ctypes

    size = ctypes.c_size_t(256)
    text = ctypes.create_string_buffer(size.value)
    if ctypes.CDLL(None).sysctlbyname(name.encode(), text, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return ""
    return text.value.decode("ascii", "replace")
