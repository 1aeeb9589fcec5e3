"""A launcher's sign-in in Python, with the standard library only. It does not import the bridge.

python launcher.py [--show-page] sudomimus-bridge sidecar --application my-game --steam-app-id 480

Ctrl-C cancels the login. Enter says "I am done in the browser". docs/sidecar.md describes the protocol.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial
from shutil import which
from subprocess import PIPE
from typing import Any

say = partial(print, flush=True)  # a real launcher shows this in a window


class RequestFailed(Exception):
    """The sidecar's error, or its unexpected end. The arguments are a sentence for the player, and the kind."""


class Sidecar:
    """A sidecar, which is started again for each attempt. Any thread or signal handler may send requests; one thread reads."""

    def __init__(self, command: list[str], *, show_page: bool) -> None:
        self._command = command
        self._show_page = show_page
        self.cancelled = False

    def ask(self, request_id: str, method: str, params: dict[str, Any]) -> None:
        """Send a request with one unbuffered write, because a signal handler may interrupt another request."""
        message = {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}
        with suppress(AttributeError, OSError, ValueError):  # the sidecar does not run; the reading thread notices
            os.write(self._process.stdin.fileno(), json.dumps(message).encode() + b"\n")  # type: ignore[union-attr]

    def answer(self, request_id: str) -> Any:
        """Read until the response to that request, and show its progress. An incomplete line is not a message."""
        while (line := self._process.stdout.readline()).endswith(b"\n"):  # type: ignore[union-attr]
            message = json.loads(line)
            if message.get("method") == "progress":
                self._show(message["params"])
            elif message["id"] == request_id:
                if "error" in message:
                    raise RequestFailed(message["error"]["message"], message["error"]["data"].get("kind"))
                return message["result"]
        raise RequestFailed("The sidecar died.", "died")

    def _show(self, progress: dict[str, Any]) -> None:
        say(progress.get("sentence", f"progress: {progress['phase']}"))
        if progress["phase"] == "waiting-for-browser":
            # The address always, because the sidecar does not say whether a browser has opened. It is a secret of this player.
            say(f"finish in your browser: {progress['errand']['url']}")

    def sign_in(self) -> Any:
        """Start a sidecar and get a player's tokens. The sidecar logs to this program's standard error."""
        no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows, no console window flashes up
        self._process = subprocess.Popen(self._command, stdin=PIPE, stdout=PIPE, creationflags=no_window)
        self.ask("hello", "initialize", {})
        if (version := self.answer("hello")["protocolVersion"]) != 1:
            raise RequestFailed(f"This launcher does not speak version {version}.", None)
        say(f"sidecar {self._process.pid}")
        self.ask("login", "login", {"method": "steam", "openBrowser": not self._show_page, "patient": True})
        if self.cancelled:  # Ctrl-C was pressed before the request
            self.cancel()
        return self.answer("login")

    def name(self, access_token: str) -> str:
        """The player's name for a greeting. It proves nothing: the game's server must verify the token."""
        self.ask("player", "player", {"accessToken": access_token})
        return str((player := self.answer("player"))["name"] or player["subject"])

    def cancel(self, *_: object) -> None:
        """Cancel the login. It ends with an error of kind `cancelled`, and its ticket is cancelled."""
        self.cancelled = True
        self.ask("cancel", "cancel", {"id": "login"})

    def say_done(self) -> None:
        """On each Enter, have the bridge ask the service at once whether the page is finished."""
        for _ in sys.stdin:
            self.ask("done", "done", {"id": "login"})

    def close(self) -> None:
        """End the sidecar. It cancels the login, closes Steam, and ends within a second."""
        self._process.communicate()


def main(show_page: bool, command: list[str]) -> int:
    """Sign one player in, with a second sidecar if the first one dies. Returns the exit status."""
    sidecar = Sidecar(command, show_page=show_page)
    signal.signal(signal.SIGINT, sidecar.cancel)
    threading.Thread(target=sidecar.say_done, daemon=True).start()
    for again in (True, False):
        try:
            tokens = sidecar.sign_in()
            name = sidecar.name(tokens["accessToken"])
            say(f"signed in to {tokens['applicationAnchor']} as {name}")  # the game gets the tokens
            return 0
        except RequestFailed as error:
            say(error.args[0])
            # Cancelled without a request of ours: the sidecar is being ended.
            if sidecar.cancelled or error.args[1] not in ("died", "cancelled"):
                return 130 if sidecar.cancelled else 1
            say("Starting it again." if again else "Playing offline.")
        finally:
            sidecar.close()
    return 1


if __name__ == "__main__":
    wants_page = sys.argv[1:2] == ["--show-page"]
    command = sys.argv[2 if wants_page else 1 :] or ["sudomimus-bridge", "sidecar"]
    sys.exit(main(wants_page, command) if which(command[0]) else f"There is no program {command[0]} to start.")
