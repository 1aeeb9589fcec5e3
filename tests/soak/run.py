"""Plays with the sidecar and the game at random, measures both while they are idle, and judges whether anything has grown."""

from __future__ import annotations

import random
import statistics
import threading
import time
from pathlib import Path

from .sides import GameSide, Side, SidecarSide

WORKERS = 3
"""How many requests each process has to do at once."""

SAMPLES = 24
"""How often both are measured. The first third warms up: caches fill."""

IDLE_SECONDS = 20.0
"""How long the threads and the connections of the last request may need to end."""

MOST_GROWTH_MB = 3.0
"""How much more memory a process may use in the last third than in the second. A leak of 2 KB a request would be more."""


class Soak:
    """One run."""

    def __init__(self, folder: Path, seconds: float, seed: int) -> None:
        self._seconds = seconds
        self._sides: list[Side] = [SidecarSide(folder, random.Random(seed)), GameSide(folder, random.Random(seed + 1))]
        self.flaws: list[str] = []

    def played(self) -> list[str]:
        """Play, print, and return what does not hold."""
        try:
            began = time.monotonic()
            for number in range(SAMPLES):
                self._play_until(began + self._seconds * (number + 1) / SAMPLES)
                self._at_once([threading.Thread(target=self._measure, args=(side,)) for side in self._sides])
                if number % 6 == 5:
                    for side in self._sides:
                        side.service.reset()  # its journal; the sessions that it forgets are one fault more
            for side in self._sides:
                self._judge(side)
        finally:
            for side in self._sides:
                side.peer.kill()
                side.service.stop()
        return self.flaws

    def _play_until(self, until: float) -> None:
        self._at_once(
            [threading.Thread(target=self._work, args=(side, until)) for side in self._sides for _ in range(WORKERS)]
        )

    def _at_once(self, threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _work(self, side: Side, until: float) -> None:
        try:
            side.act()  # at least once, even if the measuring took the time
            while time.monotonic() < until:
                side.act()
        except Exception as error:
            self.flaws.append(f"the {side.name}: {error!r}; {''.join(side.peer.errors[-20:])}")

    def _measure(self, side: Side) -> None:
        """Let a player sign in without a fault, then measure the idle process."""
        side.calm()
        answer = side.peer.ask("login", {"method": "steam"})
        if "result" not in answer:
            self.flaws.append(f"the {side.name} cannot sign in without a fault: {answer}")
        give_up = time.monotonic() + IDLE_SECONDS
        use, unchanged = side.peer.use(), 0
        while (unchanged < 5 or side.tickets.left_open()) and time.monotonic() < give_up:
            time.sleep(0.05)
            before, use = use, side.peer.use()
            same = (before.threads, before.descriptors) == (use.threads, use.descriptors)
            unchanged = unchanged + 1 if same else 0
        side.uses.append(use)

    def _judge(self, side: Side) -> None:
        third = SAMPLES // 3
        before, after = side.uses[third : 2 * third], side.uses[2 * third :]
        growth = statistics.median(use.megabytes for use in after) - statistics.median(use.megabytes for use in before)
        requests = sum(side.outcomes.values())
        print(f"{side.name}: {requests} requests, {side.tickets.given} tickets")
        print(f"  memory       {before[0].megabytes:.1f} MB after the warm-up, {after[-1].megabytes:.1f} MB at the end")
        print(f"  threads      {_range(use.threads for use in side.uses[third:])}")
        print(f"  descriptors  {_range(use.descriptors for use in side.uses[third:])}")
        print(f"  open tickets {side.tickets.left_open()}")
        print("  " + ", ".join(f"{name} {count}" for name, count in sorted(side.outcomes.items())))
        if growth > MOST_GROWTH_MB:
            self.flaws.append(f"the {side.name} uses {growth:.1f} MB more in the last third than in the second")
        for name in ("threads", "descriptors"):
            if max(getattr(use, name) for use in after) > max(getattr(use, name) for use in before):
                self.flaws.append(f"the {side.name} has more {name} than before")
        if side.tickets.left_open() or side.tickets.misuse:
            self.flaws.append(
                f"the {side.name}: {side.tickets.left_open()} tickets are open, {side.tickets.misuse} misuses"
            )
        if bugs := [name for name in side.outcomes if name.endswith(("bug", "-32603"))]:
            self.flaws.append(f"the {side.name}: {bugs}; {''.join(side.peer.errors)}")
        if status := side.peer.end():
            self.flaws.append(f"the {side.name} ends with {status}: {''.join(side.peer.errors)}")


def _range(numbers: object) -> str:
    """The least and the most of them."""
    found = sorted(numbers)  # type: ignore[call-overload]
    return f"{found[0]}" if found[0] == found[-1] else f"{found[0]} to {found[-1]}"
