"""Whether other threads of this process compute: virtual time waits for them on a busy machine."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

BUSY_SECONDS = 5.0
"""The longest real time, in seconds, that a jump waits for threads of the bridge that a busy machine delays."""


def other_threads_run() -> bool:
    """Whether a thread of this process computes or waits for a processor: its result may still come. Only Linux tells."""
    own = str(threading.get_native_id())
    for thread in Path("/proc/self/task").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile
            if thread.name != own and (thread / "stat").read_text().rpartition(")")[2].split()[0] == "R":
                return True
    return False
