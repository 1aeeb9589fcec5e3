"""`sysctlbyname`, as macOS and the BSDs have it (sysctl(3)): by ctypes, for Python has no module of its own for it."""

from __future__ import annotations


def sysctl_text(name: str) -> str:
    """A variable that holds a text; empty if there is none. Raises `OSError` or `AttributeError` on other systems."""
    import ctypes

    size = ctypes.c_size_t(256)
    text = ctypes.create_string_buffer(size.value)
    if ctypes.CDLL(None).sysctlbyname(name.encode(), text, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return ""
    return text.value.decode("ascii", "replace")
