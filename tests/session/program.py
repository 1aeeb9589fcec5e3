"""A game's process for tests/session/test_crowd.py. It asks for tokens, and may be killed meanwhile.

python program.py crowd VALID_FOR PROCESSES THREADS    all processes ask at once, the first one in THREADS threads; prints
                                                       one token a line
python program.py killed TIMES SEED                    TIMES processes in a row, each killed at a random moment
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

from sudomimus_bridge import Bridge, LoginDenied, ServiceUnavailable


def crowd(valid_for: float, processes: int, threads: int) -> None:
    import_all()
    begun, begin = os.pipe()
    children = []
    for number in range(processes):
        child = os.fork()
        if child == 0:
            os.close(begin)
            ask(valid_for, threads if number == 0 else 1, begun)
            sys.stdout.flush()
            os._exit(0)
        children.append(child)
    os.close(begin)  # all children wait for this
    ended = [os.waitpid(child, 0)[1] for child in children]
    if any(ended):
        sys.exit("a process failed")


def import_all() -> None:
    """Import everything once, so that fifty children need not. No thread may remain, because a fork would lose it."""
    import sudomimus_bridge._service.remote  # noqa: F401

    kept = os.environ["XDG_STATE_HOME"]
    with tempfile.TemporaryDirectory() as os.environ["XDG_STATE_HOME"], Bridge() as bridge:
        with contextlib.suppress(LoginDenied):
            bridge.session().access_token(0)
    os.environ["XDG_STATE_HOME"] = kept
    until_alone()


def until_alone() -> None:
    """Wait for threads that have ended only for Python: they may hold a lock of OpenSSL, which a child would inherit."""
    while len(list(Path("/proc/self/task").glob("*"))) > 1:
        time.sleep(0.001)


def ask(valid_for: float, threads: int, begun: int) -> None:
    session = Bridge().session()
    os.read(begun, 1)
    tokens: list[str] = []
    asking = [threading.Thread(target=lambda: tokens.append(session.access_token(valid_for))) for _ in range(threads)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    os.write(1, "".join(f"{token}\n" for token in tokens).encode())  # one write, so that lines are not mixed


def killed(times: int, seed: int) -> None:
    dice = random.Random(seed)
    with contextlib.suppress(LoginDenied, ServiceUnavailable):  # on a slow machine the token has expired already
        Bridge().session().access_token(0)  # so that the children need not import it
    until_alone()
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
        except LoginDenied:  # the previous process was killed during a renewal
            bridge.login("access-key")
        except ServiceUnavailable:  # the machine is too slow for a token with a lifetime of a second
            bridge = Bridge()
            session = bridge.session()


if __name__ == "__main__":
    if sys.argv[1] == "crowd":
        crowd(float(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
    else:
        killed(int(sys.argv[2]), int(sys.argv[3]))
