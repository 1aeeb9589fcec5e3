"""The two sides of the soak: the sidecar and the game, each with its local service, its faults and its random requests."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from contextlib import suppress
from pathlib import Path

from sudomimus_bridge.emulator import Emulator, visit
from sudomimus_bridge.testing import compiled_stub

from ..conftest import command
from .peer import Message, Peer, Use

FAULTS = (
    *(
        "reset",
        "garbage",
        "truncate",
        "401",
        "403 reason=Layer2Denied",
        "409",
        "429 retry-after=1",
        "500",
        "502",
        "503",
    ),
    *("drip=0.01", "delay=0.3", "redirect=https://portal.example/", "reset when=after"),
)
STEAM_FAULTS: tuple[dict[str, str | None], ...] = (
    {"STEAM_STUB_TICKET_HANDLE": "0"},
    {"STEAM_STUB_TICKET_RESULT": "2"},
    {"STEAM_STUB_RUNNING": "0"},
    {"STEAM_STUB_SHUTDOWN_AFTER_MS": "20"},
    {"STEAM_STUB_TICKET_DELAY_MS": "300"},
)

_UNLIMITED = dict.fromkeys(
    ("attempts_per_application", "attempts_global", "failures_per_application", "failures_global"), 10**9
)


class Tickets:
    """The tickets that are open, read from the growing log of the stub."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._offset = 0
        self._open: dict[str, str] = {}
        self.given = 0
        self.misuse = 0

    def left_open(self) -> int:
        """How many tickets are open now."""
        if not self._log.exists():
            return 0
        with self._log.open("rb") as file:
            file.seek(self._offset)
            lines = file.readlines()
        for line in lines:
            if not line.endswith(b"\n"):
                break
            self._offset += len(line)
            self._take(json.loads(line))
        return len(self._open)

    def _take(self, call: Message) -> None:
        name, nonce = call["call"], call.get("nonce")
        if name.endswith("GetAuthTicketForWebApi") and nonce:
            self.given += 1
            self._open[nonce] = name
        elif name.endswith("CancelAuthTicket") and nonce:
            self._open.pop(nonce, None)
        elif name == "misuse":
            self.misuse += 1


class Side(ABC):
    """One of the two processes, with a local service of its own whose faults do not meet the other."""

    def __init__(self, name: str, folder: Path, program: list[str], dice: random.Random) -> None:
        self.name = name
        self.dice = dice
        self.service = Emulator({"budgets": _UNLIMITED}).start()
        self.tickets = Tickets(folder / f"{name}.jsonl")
        self.outcomes: Counter[str] = Counter()
        self.uses: list[Use] = []
        urls = self.service.urls
        environ = {
            "STEAM_STUB_LOG": str(folder / f"{name}.jsonl"),
            "STEAM_STUB_CHATTER": "0",
            "STEAM_STUB_LENIENT": "1",
            "STEAM_STUB_TICKET_DELAY_MS": "10",
            "SUDOMIMUS_STEAM_LIBRARY": str(compiled_stub()),
            "SUDOMIMUS_APPLICATION": urls["application"],
            "SUDOMIMUS_STEAM_APP_ID": "480",
            "SUDOMIMUS_SESSION_FOLDER": str(folder / name),
            "SUDOMIMUS_NO_BROWSER": "1",
            "SUDOMIMUS_TIMEOUT": "8",
            **{f"SUDOMIMUS_{api.upper()}_URL": urls[api] for api in ("native", "connect", "device", "session", "via")},
        }
        self.peer = Peer(name, program, {**os.environ, **environ})

    def act(self) -> None:
        """One random request, perhaps with a fault."""
        fault = self.dice.random() < 0.4
        if fault:
            self.service.fault(f"POST * {self.dice.choice(FAULTS)} times={self.dice.choice((1, 1, 2))}")
        if errand := self.dice.random() < 0.2:
            self.service.update({"claims.email": "REQUIRED"})
            self.service.put_player(steam_id=self.service.config.default_player, grants={"email": "UNKNOWN"})
        leaves = self.dice.random() < 0.15

        def listen(number: int, told: Message) -> None:
            if leaves:
                self.peer.tell("cancel", {"id": number})
            elif told["phase"] == "waiting-for-browser" and (told.get("errand") or {}).get("url"):
                threading.Thread(target=_do_the_page, args=(told["errand"]["url"],), daemon=True).start()

        method, params = self.request()
        answer = self.peer.ask(method, params, listen)
        self.note(method, answer)
        if errand:
            self.service.update({"claims.email": "OPTIONAL"})

    @abstractmethod
    def request(self) -> tuple[str, Message]:
        """Return the method and the parameters of the next request."""

    def note(self, method: str, answer: Message) -> None:
        """Count how a request ended."""
        error = answer.get("error")
        kind = "done" if error is None else error.get("data", {}).get("kind") or str(error.get("code"))
        self.outcomes[f"{method}: {kind}"] += 1

    def calm(self) -> None:
        """End all faults."""
        self.service.clear_faults()
        self.service.update({"claims.email": "OPTIONAL"})

    def access_key(self) -> Message:
        """The credentials of a login by access key, as a program gives them."""
        urls = self.service.urls
        return {"access_key_id": urls["accessKeyId"], "access_key_secret": urls["accessKeySecret"]}


class SidecarSide(Side):
    """The sidecar, with a launcher's requests."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        super().__init__("sidecar", folder, command("sidecar"), dice)
        self._tokens: Message = {}

    def request(self) -> tuple[str, Message]:
        """A login, or a request with the tokens of an earlier login."""
        method = self.dice.choice(("login", "login", "refresh", "errand", "player", "logout"))
        if method == "login" or not self._tokens:
            return "login", {"method": "steam", "openBrowser": False}
        if method in ("refresh", "logout"):
            return method, {"refreshToken": self._tokens["refreshToken"]}
        more = {"openBrowser": False} if method == "errand" else {}
        return method, {"accessToken": self._tokens["accessToken"], **more}

    def note(self, method: str, answer: Message) -> None:
        """Keep the tokens, too."""
        super().note(method, answer)
        if method in ("login", "refresh") and "result" in answer:
            self._tokens = answer["result"]


class GameSide(Side):
    """The game with its `Bridge`."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        super().__init__("game", folder, [sys.executable, "-m", "tests.soak.game"], dice)

    def request(self) -> tuple[str, Message]:
        """A login or something about the session, sometimes with a Steam that fails."""
        changes: dict[str, str | None] = {name: None for fault in STEAM_FAULTS for name in fault}
        changes["STEAM_STUB_TICKET_DELAY_MS"] = "10"
        if self.dice.random() < 0.2:
            changes |= self.dice.choice(STEAM_FAULTS)
        self.peer.ask("environ", changes)
        method = self.dice.choice(("login", "login", "renew", "renew", "share", "player", "logout"))
        if method == "login" and self.dice.random() < 0.3:
            return method, {"method": "access-key", "credentials": self.access_key()}
        return method, {"validFor": self.dice.choice((60, 3599.9))} if method == "renew" else {}

    def calm(self) -> None:
        """Also end the faults of Steam."""
        super().calm()
        changes: dict[str, str | None] = {name: None for fault in STEAM_FAULTS for name in fault}
        self.peer.ask("environ", {**changes, "STEAM_STUB_TICKET_DELAY_MS": "10"})
        self.peer.ask("collect")


def _do_the_page(url: str) -> None:
    """Be the player, who tries again if a fault meets the page."""
    for _ in range(5):
        with suppress(Exception):
            visit(url)
            return
        time.sleep(0.2)
