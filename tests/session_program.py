"""A game's process, as `test_session_crowd` starts many of: it asks for tokens, and may be killed while it does.

python session_program.py ask VALID_FOR THREADS    one token a line, from that many threads at once
python session_program.py killed TIMES SEED        as many processes in a row, each killed at a random moment
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import threading
import time
from pathlib import Path

from sudomimus_bridge import Bridge, LoginDenied, ServiceUnavailable


def ask(valid_for: float, threads: int) -> None:
    session = Bridge().session()
    print("ready", flush=True)
    sys.stdin.readline()
    tokens: list[str] = []
    asking = [threading.Thread(target=lambda: tokens.append(session.access_token(valid_for))) for _ in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    print("\n".join(tokens))


def killed(times: int, seed: int) -> None:
    dice = random.Random(seed)
    with contextlib.suppress(LoginDenied):
        Bridge().session().access_token(0)  # what is imported here, the children need not import
    folder = Path(os.environ["XDG_STATE_HOME"]) / "sudomimus-bridge"
    for _ in range(times):
        child = os.fork()
        if child == 0:
            renew_until_killed()
        time.sleep(dice.uniform(0.0, 0.12))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        session = Bridge().session()
        session.claims()
        if session.problem is not None or len(list(folder.glob("*.part"))) > 1:
            sys.exit(f"the store is damaged: {session.problem}")
    print("signed in", session.claims() is not None)


def renew_until_killed() -> None:
    bridge = Bridge()
    session = bridge.session()
    while True:
        try:
            session.access_token(0.9)
            time.sleep(0.005)
        except LoginDenied:  # the process before was killed in mid-renewal
            bridge.login("access-key")
        except ServiceUnavailable:  # too slow for a token that lives for a second
            bridge = Bridge()
            session = bridge.session()


if __name__ == "__main__":
    if sys.argv[1] == "ask":
        ask(float(sys.argv[2]), int(sys.argv[3]))
    else:
        killed(int(sys.argv[2]), int(sys.argv[3]))
