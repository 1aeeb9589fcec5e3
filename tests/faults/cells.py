"""Runs one cell: a game signs in while its step meets its fault, and once more after the fault is over."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from ..helpers.patience import PATIENCE, kept, until
from .network import Front, Plan
from .rig import Game, Rig
from .table import CALLS, HAPPENS, NETWORK, STEAM, Cell
from .world import TIMEOUT, World

CLEAN_UP_SECONDS = 1.0
"""How much longer a login may take: the time in which it ends its requests and cancels its ticket."""

HOLD_SECONDS = 0.4
"""How long a step lasts in which something happens to the game."""

HOUR, DAY = 3600, 86400
AGED = 1000
"""How old the access token is when the session is renewed, in seconds."""

_OTHERWISE = {
    "refused": ("connect", "refused"),
    "reset": ("headers", "reset"),
    "black hole": ("headers", "black hole"),
    "one byte/s": ("body", "one byte/s"),
    "half": ("body", "half"),
    "wrong certificate": ("TLS", "wrong certificate"),
    "captive portal": ("body", "captive portal"),
    "proxy 407": ("headers", "proxy 407"),
}
"""For the steps page, poll and renew: at which level of the network the fault happens."""

_CALLS = {
    "access key": ("access-key", b""),
    "establish": ("browser", b""),
    "inquiry poll": ("browser", b"exposureKey"),
    "redeem": ("browser", b"confirmationKey"),
    "device code": ("device", b""),
    "device poll": ("device", b"deviceCode"),
    "share": ("share", b""),
    "log out": ("logout", b""),
}
"""For each call of the other flows: what the game does, and what the answer before the call holds."""

_HANGS_MS = f"{TIMEOUT * 1000 + 1500:.0f}"
_STUB = {
    Cell("Steam's request", "refused"): {"STEAM_STUB_TICKET_HANDLE": "0"},
    Cell("Steam's request", "reset"): {"STEAM_STUB_DISCONNECT_AFTER_MS": "0"},
    Cell("Steam's request", "black hole"): {"STEAM_STUB_HANG": f"request:{_HANGS_MS}"},
    Cell("callback", "refused"): {"STEAM_STUB_TICKET_RESULT": "2"},
    Cell("callback", "reset"): {"STEAM_STUB_DISCONNECT_AFTER_MS": "50", "STEAM_STUB_TICKET_DELAY_MS": "400"},
    Cell("callback", "black hole"): {"STEAM_STUB_TICKET_CALLBACK": "never"},
    Cell("callback", "half"): {"STEAM_STUB_PARAM_SIZE": "120"},
    Cell("cancel", "black hole"): {"STEAM_STUB_HANG": f"cancel:{_HANGS_MS}"},
}
"""How the stub of Steam plays the faults of Steam's steps."""

_HELD_MS = f"{HOLD_SECONDS * 1000:.0f}"
_SLOW_STEAM = {
    "Steam's request": {"STEAM_STUB_HANG": f"request:{_HELD_MS}"},
    "callback": {"STEAM_STUB_TICKET_DELAY_MS": _HELD_MS},
    "cancel": {"STEAM_STUB_HANG": f"cancel:{_HELD_MS}"},
}

_RESTARTS_AFTER_MS = {"Steam's request": "0", "callback": "50"}


@dataclass
class Result:
    """What came of a cell."""

    cell: Cell
    status: int
    """How the login ended, as the command line's exit status."""
    seconds: float
    attempts: int
    detail: str
    in_time: bool
    open_tickets: int
    """Tickets that nobody has cancelled. The ticket of a game that SIGKILL ended does not count."""
    saved: bool
    """Whether the session was saved on disk."""
    then: int
    """How the same call ended after the fault was over."""
    recovers: bool
    """Whether the player could sign in after the fault was over, if need be by a new login."""

    @property
    def holds(self) -> bool:
        """Whether the cell is as it must be."""
        return self.in_time and not self.open_tickets and self.recovers and self.status != 70


class Run(World):
    """One cell in a world of its own."""

    def __init__(self, rig: Rig, cell: Cell, number: int) -> None:
        super().__init__(rig, number, gated=cell.step in ("page", "poll"))
        self._cell = cell
        self._task, self._answer_before = _CALLS.get(cell.step, ("renew" if cell.step == "renew" else "steam", b""))
        if cell.step == "poll":
            self._answer_before = b'"errand"'
        self._armed = False
        self._reached, self._released = threading.Event(), threading.Event()

    def result(self) -> Result:
        """Run it."""
        small = self.small_disk() if self._cell.fault == "full disk" else nullcontext()
        with self.network(), small:
            return self._played()

    def _played(self) -> Result:
        step, fault = self._cell
        self._prepare_environment()
        game = self._prepared(self.game())
        first = self._meet(game)
        if fault == "kill":
            game = self._killed_outright(game)
        self._heal(game)
        if step in STEAM and fault == "reset":  # the stub has no servers until Steam is initialised again
            game.end()
            self.environ = {}
            game = self.game()
        then, recovers = self._once_more(game)
        game.end()
        return Result(
            cell=self._cell,
            status=first["status"],
            seconds=first["seconds"],
            attempts=first["attempts"],
            detail=first["detail"],
            in_time=kept(first["seconds"], TIMEOUT + CLEAN_UP_SECONDS),
            open_tickets=len(self.left_open()),
            saved=first["problem"] is None,
            then=then["status"],
            recovers=recovers,
        )

    # --- before the fault ------------------------------------------------------------------------------------------------

    def _prepare_environment(self) -> None:
        step, fault = self._cell
        self.environ = dict(_STUB.get(self._cell, {}))
        if fault in HAPPENS:
            self.environ |= _SLOW_STEAM.get(step, {})
        if fault == "Steam restart" and step != "renew":
            self.environ["STEAM_STUB_SHUTDOWN_AFTER_MS"] = _RESTARTS_AFTER_MS.get(step, "100")
        if (step, fault) == ("connect", "proxy 407"):
            self.environ["HTTPS_PROXY"] = self._rig.proxy
        if step in CALLS:
            self.environ |= self.credentials()

    def _prepared(self, game: Game) -> Game:
        """Bring the game to where the fault may come: for a renewal it has signed in a while ago, and Steam has quit since."""
        step, fault = self._cell
        if self._task in ("share", "logout"):
            assert game.does("steam")["status"] == 0
        if step == "renew":
            assert game.does("steam")["status"] == 0
            self.set_clocks(0, AGED)
            if fault == "Steam restart":
                game.environ(STEAM_STUB_SHUTDOWN_AFTER_MS="0")
            else:
                game.environ(STEAM_STUB_RUNNING="0")
        if (step, fault) == ("store", "half"):
            assert game.does("steam")["status"] == 0
            game.end()
            (record,) = self.sessions.glob("*.session")
            record.write_bytes(record.read_bytes()[: record.stat().st_size // 2])
            game = self.game()
        return game

    def _meet(self, game: Game) -> dict[str, Any]:
        """Let the game do its task while the step meets the fault."""
        with self._held_store(), self.player():
            self._arm()
            game.asks(self._task)
            if self._cell.fault in HAPPENS:
                self._wait_for_the_step(game)
                self._happen(game)
                self._release()
            return game.answer()

    def _held_store(self) -> AbstractContextManager[None]:
        step, fault = self._cell
        return self.lock_of_the_store() if step == "store" and fault in ("black hole", *HAPPENS) else nullcontext()

    # --- faults of the network and of the disk ---------------------------------------------------------------------------

    def _arm(self) -> None:
        step, fault = self._cell
        self._armed = True
        if fault == "full disk":
            self.fill_the_disk()
        elif fault in HAPPENS:
            level = "request" if step == "renew" else step
            if step == "page":
                self.player_may_go.clear()
            if step in (*NETWORK, "poll", "renew"):
                self.front.plan = Plan(gate=lambda at: self._hold() if at == level else None)
        elif step in NETWORK:
            self._break(self.front, step, fault)
        elif step == "page":
            self._break(self.via, *_OTHERWISE[fault])
        elif step in ("renew", *CALLS) and not self._answer_before:
            self._break(self.front, *_OTHERWISE[fault])
        elif (step, fault) == ("store", "refused"):
            self.sessions.write_text("a file in the place of the folder")

    def _break(self, front: Front, level: str, fault: str) -> None:
        """Let the fault begin. Connections that are open end with their next answer."""
        if (level, fault) == ("connect", "black hole"):
            front.go_deaf()
        elif (level, fault) != ("connect", "proxy 407"):
            front.plan = Plan(level, fault)
            if (level, fault) == ("connect", "refused"):
                front.refuse()

    def on_answer(self, path: str, body: bytes) -> None:
        """The answer before the call arrives whole, and what follows meets the fault."""
        super().on_answer(path, body)
        fault, before = self._cell.fault, self._answer_before
        if self._armed and before and fault in _OTHERWISE and before in body and self.front.plan.fault != fault:
            self._break(self.front, *_OTHERWISE[fault])

    def resolve(self) -> str:
        """How the name server answers."""
        if self._armed and self._cell.step == "resolve":
            if self._cell.fault not in HAPPENS:
                return self._cell.fault
            self._hold()
        return "found"

    def _heal(self, game: Game) -> None:
        """End the fault."""
        step, fault = self._cell
        self._armed = False
        self._release()
        self.front.heal()
        self.via.heal()
        self.free_the_disk()
        if (step, fault) == ("store", "refused"):
            self.sessions.unlink()
        if (step, fault) == ("TLS", "clock jump"):
            self.set_clocks(0, 0)
        if step == "renew":  # some time later: a renewal that failed is not tried again at once
            self.set_clocks(0, AGED + HOUR + 60)
        ended = {**_STUB.get(self._cell, {}), **_SLOW_STEAM.get(step, {})}
        ended |= dict.fromkeys(("STEAM_STUB_SHUTDOWN_AFTER_MS", "HTTPS_PROXY"), "")
        game.environ(**dict.fromkeys(ended) | {"STEAM_STUB_TICKET_DELAY_MS": "20"})

    def _once_more(self, game: Game) -> tuple[dict[str, Any], bool]:
        """Let the game do the task after the fault is over, and sign in anew if the player has to."""
        with self.player():
            then = game.does(self._task)
            for _ in range(3):  # without a fault, only a busy machine makes a login so slow
                if then.get("reason") != "TimedOut":
                    break
                then = game.does(self._task)
            if then["status"] == 0:
                return then, True
            game.environ(STEAM_STUB_RUNNING=None)
            return then, game.does("steam")["status"] == 0

    # --- faults that happen in the middle of a step ----------------------------------------------------------------------

    def _hold(self) -> None:
        if self._armed:
            self._reached.set()
            self._released.wait(PATIENCE)

    def _release(self) -> None:
        self._released.set()
        self.player_may_go.set()
        self.let_go_of_the_store()

    def _wait_for_the_step(self, game: Game) -> None:
        step = self._cell.step
        reached: Callable[[], object] = self.answered.is_set
        if self._cell in (Cell("renew", "Steam restart"), Cell("renew", "full disk")):
            return
        if step in (*NETWORK, "poll", "renew"):
            reached = self._reached.is_set
        elif step in ("Steam's request", "callback"):
            reached = self._ticket_was_asked_for
        elif step == "page":
            reached = self.page.exists
        until(lambda: reached() or game.has_answered)
        time.sleep(0.1 if step in ("cancel", "store") else 0.0)

    def _ticket_was_asked_for(self) -> bool:
        return any(call.call.endswith("GetAuthTicketForWebApi") for call in self.calls)

    def _happen(self, game: Game) -> None:
        step, fault = self._cell
        aged = AGED if step == "renew" else 0
        if fault == "clock jump":
            self.set_clocks(-10 * 365 * DAY if step == "TLS" else DAY, aged)
        elif fault == "suspend":
            os.kill(game.pid, signal.SIGSTOP)
            self.set_clocks(HOUR, HOUR + aged)
            time.sleep(HOLD_SECONDS / 2)
            self.front.drop()
            os.kill(game.pid, signal.SIGCONT)
        elif fault == "kill":
            os.kill(game.pid, signal.SIGINT)
        else:  # Steam quits by itself, and the disk is full already
            time.sleep(HOLD_SECONDS / 2)

    def _killed_outright(self, game: Game) -> Game:
        """A second game meets SIGKILL in the same step. Return a third."""
        self._heal(game)
        game.end()
        self.left_open()
        self.begin_another_log()
        for event in (self._reached, self._released, self.answered):
            event.clear()
        if self._cell.step in ("page", "poll"):
            self.forget_the_errand()
        self.set_clocks(0, 0)
        second = self._prepared(self.game())
        with self._held_store(), self.player():
            self._arm()
            second.asks(self._task)
            self._wait_for_the_step(second)
            self.killed.append(second.pid)
            os.kill(second.pid, signal.SIGKILL)
            second.gone()
        third = self.game()
        if self._cell.step == "renew":
            third.environ(STEAM_STUB_RUNNING="0")
        return third
