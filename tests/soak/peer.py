"""A process that is spoken to in JSON, one message a line: the sidecar, or the game. And what it uses."""

from __future__ import annotations

import itertools
import json
import queue
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..helpers.patience import PATIENCE

Message = dict[str, Any]


@dataclass(frozen=True)
class Use:
    """What a process uses when it is idle."""

    megabytes: float
    threads: int
    descriptors: int


class Peer:
    """One process. Several threads may ask it at once."""

    def __init__(self, name: str, command: list[str], environ: dict[str, str]) -> None:
        self.name = name
        self._process = subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self._ids = itertools.count(1)
        self._answers: dict[int, queue.SimpleQueue[Message]] = {}
        self._listeners: dict[int, Callable[[Message], None]] = {}
        self._writing = threading.Lock()
        self.errors: list[str] = []
        for target in (self._read, self._read_errors):
            threading.Thread(target=target, daemon=True).start()

    def ask(
        self, method: str, params: Message | None = None, listen: Callable[[int, Message], None] | None = None
    ) -> Message:
        """Send a request and wait for its response. `listen` gets the request's id and each of its notifications."""
        number = next(self._ids)
        answers = self._answers[number] = queue.SimpleQueue()
        if listen is not None:
            self._listeners[number] = lambda message: listen(number, message)
        self._send({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})
        try:
            return answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise TimeoutError(f"the {self.name} gives no answer to {method}") from None
        finally:
            self._answers.pop(number)
            self._listeners.pop(number, None)

    def tell(self, method: str, params: Message) -> None:
        """Send a notification."""
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def use(self) -> Use:
        """Return what the process uses now."""
        folder = Path("/proc", str(self._process.pid))
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        return Use(int(status["VmRSS"].split()[0]) / 1024, int(status["Threads"]), len(list((folder / "fd").iterdir())))

    def end(self) -> int:
        """Close its standard input, and return its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(PATIENCE)

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait(PATIENCE)

    def _send(self, message: Message) -> None:
        assert self._process.stdin is not None
        with self._writing:
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if message.get("method") == "progress":
                if listener := self._listeners.get(message["params"]["id"]):
                    listener(message["params"])
            elif answers := self._answers.get(message.get("id")):
                answers.put(message)

    def _read_errors(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.errors.append(line)
            del self.errors[:-200]
