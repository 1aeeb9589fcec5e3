"""The game: one process for each cell, forked from one that has imported everything. It does what the cell tells it to.

python -m tests.faults.game SOCKET    one specification a line on standard input; each child connects to SOCKET
"""

from __future__ import annotations

import ctypes
import json
import os
import queue
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from sudomimus_bridge import Bridge, BridgeError
from sudomimus_bridge._service import policy

STATUSES = {
    "configuration": 2,
    "steam-unavailable": 3,
    "denied": 4,
    "errand-not-completed": 5,
    "service-unavailable": 6,
    "cancelled": 130,
}
"""The kind of each error as the command line's exit status."""

AWAY_SECONDS = 3000.0
"""How long an access token has to be valid when the session is renewed. The clock has moved on by more than the rest."""


def serve(address: str) -> None:
    """Fork a game for each line of standard input."""
    import_all()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended children are not waited for
    for line in sys.stdin:
        if os.fork() == 0:
            try:
                play(json.loads(line), address)
            finally:
                os._exit(0)


def import_all() -> None:
    """Import what a login would import, and poll more often than a game does."""
    import sudomimus_bridge._service.client_auth
    import sudomimus_bridge._service.constraints
    import sudomimus_bridge._service.remote
    import sudomimus_bridge._service.transport
    import sudomimus_bridge._session.player_session  # noqa: F401
    from sudomimus_bridge.steam import _connection, _ticket  # noqa: F401

    spacing = policy.ERRAND_POLL = policy.Spacing(0.1, 1.0, least=0.05, regular=True)
    policy.poll_spacing = lambda interval: spacing


def play(given: dict[str, Any], address: str) -> None:
    """One game, until its harness tells it to end or closes the connection."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    ctypes.CDLL(None).faults_clocks(given["clocks"].encode())
    os.environ.update(given["environ"])
    os.chdir(given["folder"])
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(address)
        words = wire.makefile("rw")
        _say(words, name=given["name"], pid=os.getpid())
        tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=_listen, args=(words, tasks), daemon=True).start()
        with Bridge(**given["settings"]) as bridge:
            bridge.session()
            while (task := tasks.get()) != "end":
                _say(words, **_done(bridge, task))
        _say(words, ended=True)


def _listen(words: TextIO, tasks: queue.SimpleQueue[str]) -> None:
    for line in words:
        message = json.loads(line)
        for name, value in message.get("environ", {}).items():
            os.environ.pop(name, None) if value is None else os.environ.update({name: value})
        if "task" in message:
            tasks.put(message["task"])
    tasks.put("end")


def _done(bridge: Bridge, task: str) -> dict[str, Any]:
    began, attempts = time.monotonic(), 0

    def count(event: Any) -> None:
        nonlocal attempts
        attempts = event.attempt or attempts

    told: dict[str, Any] = {"status": 0, "detail": ""}
    try:
        if task == "renew":
            bridge.session().access_token(AWAY_SECONDS, on_progress=count)
        elif task == "share":
            bridge.share(on_progress=count)
        elif task == "logout":
            bridge.session().logout()
        else:
            bridge.login(task, on_progress=count)  # type: ignore[call-overload]
    except BridgeError as error:
        told = {"status": STATUSES[error.kind], "reason": error.reason, "detail": str(error.detail)}
    except KeyboardInterrupt:
        told = {"status": 130, "detail": "KeyboardInterrupt"}
    except BaseException as error:
        told = {"status": 70, "detail": repr(error)}
    seconds = time.monotonic() - began
    return {**told, "seconds": seconds, "attempts": attempts, "problem": bridge.session().problem}


def _say(words: TextIO, **message: Any) -> None:
    words.write(json.dumps(message) + "\n")
    words.flush()


if __name__ == "__main__":
    Path(sys.argv[1]).resolve(strict=True)
    serve(sys.argv[1])
