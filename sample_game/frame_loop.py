"""The smallest game with a login: it draws sixty frames a second in a terminal while the player signs in.

    python sample_game/frame_loop.py             # the stub of Steam and the local service (extra `emulator`)
    SUDOMIMUS_APPLICATION=my-game SUDOMIMUS_STEAM_APP_ID=480 python sample_game/frame_loop.py     # Steam and Sudomimus

Only the settings choose between them: if SUDOMIMUS_APPLICATION is set, all settings come from the environment.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from typing import Any

from sudomimus_bridge import Bridge, BridgeError, Phase, ProgressEvent, Running

FRAME = 1 / 60


def settings(stack: ExitStack) -> dict[str, Any]:
    """Return no settings if the environment has some; otherwise those of the stub and the local service."""
    if os.environ.get("SUDOMIMUS_APPLICATION"):
        return {}
    from sudomimus_bridge.emulator import Emulator
    from sudomimus_bridge.testing._compiled_stub import stubbed_steam

    service = stack.enter_context(Emulator({"steam_seconds": 1.0}))
    return {**service.settings, **stubbed_steam()}


def main() -> int:
    """Draw frames until the player is signed in, then greet."""
    said = ["starting"]

    def show(event: ProgressEvent) -> None:
        said[0] = event.phase.value.replace("-", " ")
        if event.phase is Phase.WAITING_FOR_BROWSER and event.errand and not event.browser_opened:
            print(f"\nFinish in your browser: {event.errand.url}")

    with ExitStack() as stack:
        bridge = stack.enter_context(Bridge(**settings(stack)))
        print("Loading…", flush=True)
        bridge.prepare()  # so that no later frame waits for imports
        stay = "--stay-signed-in" in sys.argv[1:]  # a stored session may have a token without a login
        start = bridge.session().start_access_token if stay else bridge.start_login
        login: Running[Any] = start(on_progress=show)
        began, frames, slowest = time.perf_counter(), 0, 0.0
        try:
            while login.poll() is None:
                frames += 1
                ball = abs(frames % 78 - 39)
                print(f"\r{' ' * ball}o{' ' * (40 - ball)}{said[0]:<24}", end="", flush=True)
                spent = time.perf_counter() - began - (frames - 1) * FRAME
                slowest = max(slowest, spent)
                time.sleep(max(0.0, frames * FRAME - (time.perf_counter() - began)))
        except BridgeError as error:
            print(f"\n{error.sentence}\nPlaying offline.")
            return error.exit_status
    print(f"\nSigned in. {frames} frames, none later than {slowest * 1000:.1f} ms.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # leaving the block above closed the bridge, which cancelled the login
        print("\nNever mind.")
        sys.exit(130)
