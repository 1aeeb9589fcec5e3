"""A game that gets Ctrl-C at random moments of a login. Prints the places where a crash reporter would see a secret, and the
errors raised.

Arguments: the local service's URLs as JSON, the login method, how the login is called, the number of logins, a seed.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parents[2]))

import pytest
import trio

from sudomimus_bridge import Bridge
from tests.project.frames import Secrets

urls = json.loads(sys.argv[1])
way, how, count, seed = sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
key: Any = (
    {} if way == "steam" else {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}
)
bridge = Bridge(application=urls["application"], native_url=urls["native"], via_url=urls["via"], steam_app_id=480)


def login_of_this_way(face: Any) -> Any:
    return face(way, **key)


async def login_async() -> None:
    await login_of_this_way(bridge.login_async)


def login() -> None:
    if how == "trio":
        trio.run(login_async)
    elif how == "asyncio":
        asyncio.run(login_async())
    else:
        login_of_this_way(bridge.login)


def interrupted(seconds: float, secrets: Secrets) -> BaseException | None:
    """The error of a login that gets Ctrl-C that many seconds after its start; None if it has ended before."""
    ready, over = threading.Event(), threading.Event()

    def interrupt() -> None:
        ready.wait()
        over.wait(seconds)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    raised: BaseException | None = None
    try:
        try:
            ready.set()
            login()
        except BaseException as error:
            raised = error
        # The signal may come after the login, or in a finaliser, whose errors Python ignores.
        thread.join()
        time.sleep(0.001)  # the kernel delivers the signal before this returns
    except KeyboardInterrupt:
        pass
    thread.join()
    return raised


def on_interrupt(_signal: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    if how == "own handler":  # asyncio leaves such a handler in place, so it raises in whichever frame runs
        signal.signal(signal.SIGINT, on_interrupt)
    secrets, dice = Secrets(pytest.MonkeyPatch()), random.Random(seed)
    login()
    began = time.perf_counter()
    login()
    usual = time.perf_counter() - began
    found: set[str] = set()
    kinds: Counter[str] = Counter()
    for _ in range(count):
        secrets.forget()
        secrets.add(urls["accessKeySecret"])
        error = interrupted(dice.uniform(0, usual), secrets)
        if error is not None:
            kinds[type(error).__name__] += 1
            found |= set(secrets.in_frames_of(error))
    print(json.dumps({"found": sorted(found), "kinds": kinds}))


main()
