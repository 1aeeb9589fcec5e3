"""The world of one cell: its network, its disk, its clocks, its player, and the games that it starts."""

from __future__ import annotations

import fcntl
import http.client
import os
import ssl
import struct
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sudomimus_bridge.emulator import visit
from sudomimus_bridge.testing._compiled_stub import StubCall, open_tickets, read_stub_log

from ..helpers.patience import PATIENCE
from .network import PORTAL, Front
from .rig import Game, Rig

TIMEOUT = float(os.environ.get("FAULTS_TIMEOUT", "4"))
"""The setting `timeout` of the games, in seconds."""

SETTLE_SECONDS = 10.0
"""How long a Steam that hung may take to cancel the last ticket."""

_FIRST_STEAM_ID = 76561198000000000


class World:
    """Everything around the games of one cell. Nothing is wrong with it until the cell breaks it."""

    def __init__(self, rig: Rig, number: int, *, gated: bool) -> None:
        """`gated`: each player owes an errand."""
        self._rig = rig
        self._name = f"c{number}"
        self._steam_id = _FIRST_STEAM_ID + number
        self._service = rig.gated if gated else rig.plain
        self._folder = rig.folder / self._name
        self._folder.mkdir()
        self.log = self._folder / "steam.jsonl"
        self.page = self._folder / "page"
        self.clocks = self._folder / "clocks"
        self.clocks.write_bytes(bytes(16))
        self.disk = self._folder / "disk"
        self.disk.mkdir()
        self.sessions = self.disk / "sessions"
        self.environ: dict[str, str] = {}
        self.answered = threading.Event()
        """The service has answered the request with the ticket."""
        self.player_may_go = threading.Event()
        self.player_may_go.set()
        self.killed: list[int] = []
        """The games that SIGKILL has ended."""
        self._lock: int | None = None

    # --- the network and the disk ----------------------------------------------------------------------------------------

    @contextmanager
    def network(self) -> Iterator[None]:
        """Ports of this cell's own, and a name that leads to them."""
        here = self._rig.fronts(self._service)
        self.front = Front(*here, on_answer=self.on_answer)
        self.via = Front(*here)
        portal = Front(here[0], here[2], here[2], host=PORTAL, port=self.front.port)
        host, urls = f"https://{self._name}.faults.example", self._service.urls
        self._api_url = f"{host}:{self.front.port}"
        self._via_url = f"{host}:{self.via.port}{urls['via'].removeprefix(urls['native'])}"
        self.front.rewrites = {urls["via"]: self._via_url}
        self._rig.names.cells[self._name] = self.resolve
        try:
            yield
        finally:
            del self._rig.names.cells[self._name]
            for front in (self.front, self.via, portal):
                front.close()

    def resolve(self) -> str:
        """How the name server answers: "found", or a fault."""
        return "found"

    def on_answer(self, path: str, body: bytes) -> None:
        """The service has answered a request."""
        if "/direct-issue" in path:
            self.answered.set()

    @contextmanager
    def small_disk(self) -> Iterator[None]:
        """The sessions lie on a disk of their own, which is small."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "faults", str(self.disk)], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "-l", str(self.disk)], check=False)

    def fill_the_disk(self) -> None:
        """Leave no room on the small disk."""
        with suppress(OSError), (self.disk / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(os.urandom(512))

    def free_the_disk(self) -> None:
        """Make room again."""
        (self.disk / "filler").unlink(missing_ok=True)

    @contextmanager
    def lock_of_the_store(self) -> Iterator[None]:
        """Hold the store's lock, as another game does that renews the session."""
        game = self.game()
        assert game.does("steam")["status"] == 0
        game.end()
        self.answered.clear()
        (path,) = self.sessions.glob("*.lock")
        self._lock = os.open(path, os.O_RDWR)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            self.let_go_of_the_store()

    def let_go_of_the_store(self) -> None:
        """Release the lock, if it is held."""
        lock, self._lock = self._lock, None
        if lock is not None:
            os.close(lock)

    def set_clocks(self, calendar: int, through_sleep: int) -> None:
        """Set by how many seconds the games' calendar and their clock through sleep are ahead."""
        with self.clocks.open("r+b") as file:
            file.write(struct.pack("<qq", calendar, through_sleep))

    # --- the games and the player ----------------------------------------------------------------------------------------

    def game(self) -> Game:
        """Start a game."""
        browser = self._folder / "browser"
        if not browser.exists():
            browser.write_text(f"#!/bin/sh\nprintf '%s' \"$1\" > {self.page}.new && mv {self.page}.new {self.page}\n")
            browser.chmod(0o755)
        environ = {
            "STEAM_STUB_LOG": str(self.log),
            "STEAM_STUB_LENIENT": "1",
            "STEAM_STUB_CHATTER": "0",
            "STEAM_STUB_TICKET_DELAY_MS": "20",
            "STEAM_STUB_STEAM_ID": str(self._steam_id),
            "SSL_CERT_FILE": str(self._rig.authority),
            "BROWSER": f"{browser} %s",
            **self.environ,
        }
        settings = {
            "application": self._service.urls["application"],
            "steam_app_id": 480,
            "steam_library": str(self._rig.library),
            "native_url": self._api_url,
            **{f"{api}_url": f"{self._api_url}/{api}" for api in ("connect", "device", "session")},
            "via_url": self._via_url,
            "session_folder": str(self.sessions),
            "timeout": TIMEOUT,
        }
        given = {"environ": environ, "settings": settings, "clocks": str(self.clocks), "folder": str(self._folder)}
        return self._rig.games.start(self._name, given)

    @contextmanager
    def player(self) -> Iterator[None]:
        """While the block runs, a player opens the page that a game hands to the browser, and does it if it loads."""
        self.page.unlink(missing_ok=True)
        over = threading.Event()
        threading.Thread(target=self._be_the_player, args=(over,), daemon=True).start()
        try:
            yield
        finally:
            over.set()

    def _be_the_player(self, over: threading.Event) -> None:
        while not over.wait(0.02):
            if self.page.exists():
                self._do_the_page()

    def _do_the_page(self) -> None:
        self.player_may_go.wait(PATIENCE)
        tls = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(self._rig.authority)))
        browser = urllib.request.build_opener(tls, urllib.request.ProxyHandler({}))
        with suppress(OSError, ValueError, http.client.HTTPException):
            address = self.page.read_text()
            self.page.unlink()
            with browser.open(address, timeout=TIMEOUT) as answer:
                if b"data-page" in answer.read():
                    visit(address.replace(self._via_url, self._service.urls["via"]))

    def credentials(self) -> dict[str, str]:
        """The variables of the other ways to sign in."""
        urls = self._service.urls
        return {
            "SUDOMIMUS_ACCESS_KEY_ID": urls["accessKeyId"],
            "SUDOMIMUS_ACCESS_KEY_SECRET": urls["accessKeySecret"],
            "SUDOMIMUS_CLIENT_KEY": Path(urls["clientKeyFile"]).read_text(),
        }

    def forget_the_errand(self) -> None:
        """Let the player owe an errand again."""
        self._service.put_player(steam_id=self._steam_id, grants={"email": "UNKNOWN"})

    # --- Steam's log -----------------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[StubCall]:
        """What the games have asked of Steam."""
        return read_stub_log(self.log)

    def begin_another_log(self) -> None:
        """Keep the log so far beside the next one."""
        self.log.rename(self._folder / "steam-before.jsonl")

    def left_open(self) -> list[StubCall]:
        """Tickets that nobody has cancelled, and misuse of Steam. Waits for a Steam that hung."""
        give_up = time.monotonic() + SETTLE_SECONDS
        while (left := self._left_open()) and time.monotonic() < give_up:
            time.sleep(0.02)
        return left

    def _left_open(self) -> list[StubCall]:
        calls = [*read_stub_log(self._folder / "steam-before.jsonl"), *self.calls]
        left = [call for call in open_tickets(calls) if call.pid not in self.killed]
        return left + [call for call in calls if call.call == "misuse"]
