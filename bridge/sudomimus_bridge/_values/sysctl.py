"""`sysctlbyname` of macOS and the BSDs (sysctl(3)), with ctypes, because Python has no module for it."""

from __future__ import annotations


def sysctl_text(name: str) -> str:
    """The text of a variable; empty if it does not exist. Raises `OSError` or `AttributeError` on other systems."""
    import ctypes

    size = ctypes.c_size_t(256)
    text = ctypes.create_string_buffer(size.value)
    if ctypes.CDLL(None).sysctlbyname(name.encode(), text, ctypes.byref(size), None, ctypes.c_size_t(0)) != 0:
        return ""
    return text.value.decode("ascii", "replace")
