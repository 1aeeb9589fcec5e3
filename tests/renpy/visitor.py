"""The program that BROWSER names in the tests of Ren'Py. It completes the page as a person would, when the test allows it.

The n-th process waits for the file `visit-n`, at most until the game ends, and writes `visited-n` afterwards. The first visit
shares only the required claims, and each later one everything that is offered.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from sudomimus_bridge.emulator._players.visitor import visit_errand


def main(url: str, folder: Path, patience: float = 120) -> None:
    game = os.getppid()
    number = len(list(folder.glob("opened-*"))) + 1
    (folder / f"opened-{number}").touch()
    until = time.monotonic() + patience
    while not (folder / f"visit-{number}").exists():
        if (folder / f"opened-{number + 1}").exists() or time.monotonic() > until or os.getppid() != game:
            return
        time.sleep(0.05)
    first = not list(folder.glob("visited-*"))
    visit_errand(url, share=() if first else None)
    (folder / f"visited-{number}").touch()


if __name__ == "__main__":
    main(sys.argv[1], Path(os.environ["SUDOMIMUS_TEST_FOLDER"]))
