"""A game with one `Bridge`. It is told what to do as a sidecar is: one JSON message a line."""

from __future__ import annotations

import gc
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from sudomimus_bridge import Bridge, BridgeError
from sudomimus_bridge._runs.running import Running
from sudomimus_bridge._service import policy

FRAME_SECONDS = 1 / 60


class Game:
    """Runs each request on a thread of its own, which polls as a frame loop does."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._running: dict[Any, Any] = {}
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        threading.Thread(target=self._write, daemon=True).start()

    def take(self, message: dict[str, Any]) -> None:
        """Begin what the message asks for."""
        method, params = message["method"], message.get("params") or {}
        if method == "cancel":
            if running := self._running.get(params["id"]):
                running.cancel()
        elif method == "environ":
            for name, value in params.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})
            self._say(id=message["id"], result={})
        elif method == "collect":
            gc.collect()
            self._say(id=message["id"], result={"blocks": sys.getallocatedblocks()})
        else:
            threading.Thread(target=self._play, args=(message["id"], method, params), daemon=True).start()

    def _play(self, name: Any, method: str, params: dict[str, Any]) -> None:
        bridge, session, listen = self._bridge, self._bridge.session(), partial(self._tell, name)
        starts: dict[str, Callable[[], Running[Any]]] = {
            "login": lambda: bridge.start_login(params.get("method", "steam"), listen, **params.get("credentials", {})),
            "share": lambda: bridge.start_share(on_progress=listen),
            "renew": lambda: session.start_access_token(params["validFor"], listen),
            "player": session.start_player,
            "logout": session.start_logout,
        }
        try:
            running = self._running[name] = starts[method]()
            while running.poll() is None and not running.ended:
                time.sleep(FRAME_SECONDS)
            self._say(id=name, result={})
        except BridgeError as error:
            self._say(id=name, error={"message": error.sentence, "data": {"kind": error.kind}})
        except BaseException as error:
            self._say(id=name, error={"message": repr(error), "data": {"kind": "bug"}})
        finally:
            self._running.pop(name, None)

    def _tell(self, name: Any, event: Any) -> None:
        errand = {"url": event.errand.url} if event.errand is not None else None
        self._say(method="progress", params={"id": name, "phase": event.phase.value, "errand": errand})

    def _say(self, **message: Any) -> None:
        self._lines.put(json.dumps(message))

    def _write(self) -> None:
        while True:
            print(self._lines.get(), flush=True)


def main() -> None:
    """Read messages until standard input ends."""
    policy.ERRAND_POLL = policy.Spacing(0.05, 1.0, least=0.05, regular=True)
    with Bridge() as bridge:
        bridge.session()
        game = Game(bridge)
        for line in sys.stdin:
            game.take(json.loads(line))


if __name__ == "__main__":
    main()
