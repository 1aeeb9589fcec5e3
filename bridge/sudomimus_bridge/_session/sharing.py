"""Files that several processes use at a time, on Windows: there, who has a file open keeps others from replacing it.

Another window of the game reads the session in a moment, a virus scanner takes a little longer. POSIX lets everybody be.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4) if sys.platform == "win32" else ()
"""Seconds between the tries: about one second in all, since a file that the player may not use looks the same."""


def in_turn(use: Callable[[], T]) -> T:
    """What `use` gives, once nobody else is in its way. Blocks for a second at most; then raises what `use` raised last."""
    for pause in PAUSES:
        try:
            return use()
        except (
            PermissionError
        ):  # ERROR_SHARING_VIOLATION, and ERROR_ACCESS_DENIED while it is being replaced (winerror.h)
            time.sleep(pause)
    return use()
