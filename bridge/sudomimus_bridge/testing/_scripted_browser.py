"""Browsers that need no person: for tests, for `demo --auto`, and for processes that a test starts.

In this process the scripted player is the browser port. For other processes, `BROWSER` names a small program, `_hand_over.py`.
The bridge starts it like any browser, and it passes the page to this process.
"""

from __future__ import annotations

import secrets
import shlex
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .._program.stand_ins import current
from .._runs.threads import in_thread
from .._values.secret import Secret
from ._virtual_time import VirtualClock


class AutoBrowser:
    """The browser port: completes the local service's pages as a player would."""

    def __init__(self, *, agree: bool = True, email: str = "robin@example.com") -> None:
        self._agree = agree
        self._email = email

    async def open(self, page: Secret) -> bool:
        from ..emulator._players.visitor import VisitFailed, visit

        try:
            await in_thread(lambda: visit(page.reveal(), agree=self._agree, email=self._email))
        except VisitFailed:
            return False
        return True


class RecordingBrowser:
    """The browser port: shows nothing, records the pages, and fails on request."""

    def __init__(self, *, opens: bool = True, on_open: Callable[[Secret], None] | None = None) -> None:
        self.pages: list[Secret] = []
        self._opens = opens
        self._on_open = on_open

    async def open(self, page: Secret) -> bool:
        self.pages.append(page)
        if self._on_open is not None:
            self._on_open(page)
        return self._opens


_HAND_OVER = Path(__file__).with_name("_hand_over.py")


@dataclass(frozen=True)
class _Plan:
    opens: bool = True
    agree: bool | None = True
    after: float = 0.0
    email: str = "robin@example.com"
    share: tuple[str, ...] | None = None
    steam_id: int | None = None


class ScriptedBrowser:
    """Does each page as the script says. By default the player completes it at once."""

    def __init__(self) -> None:
        self.pages: list[str] = []
        """The address of every page that was opened, in order."""
        self.ends: list[str] = []
        """The last page of each visit: "done", "revealed" (with the keys for a backend), "declined" or "expired"."""
        self.failures: list[BaseException] = []
        """The errors of pages that the player could not complete."""
        self._plan = _Plan()
        self._timers: list[threading.Timer] = []

    # --- what the player does from now on --------------------------------------------------------------------------------

    def completes(
        self,
        *,
        after: float = 0.0,
        email: str = "robin@example.com",
        share: Iterable[str] | None = None,
        steam_id: int | None = None,
    ) -> None:
        """Let the player agree to each page.

        Args:
            after: How many seconds the player takes; virtual ones in virtual time.
            email: What the player enters if a page asks for an address.
            share: The names of the optional claims to tick; None ticks all.
            steam_id: The account to choose if a page asks who signs in; None chooses the first.
        """
        ticked = None if share is None else tuple(share)
        self._plan = _Plan(after=after, email=email, share=ticked, steam_id=steam_id)

    def declines(self, *, after: float = 0.0) -> None:
        """Let the player decline each page.

        Args:
            after: How many seconds the player takes; virtual ones in virtual time.
        """
        self._plan = _Plan(agree=False, after=after)

    def never_comes(self) -> None:
        """Let the player ignore or close each page. The service sees no difference."""
        self._plan = _Plan(agree=None)

    def does_not_open(self) -> None:
        """Start no browser, so that the game must show the page's address."""
        self._plan = _Plan(opens=False)

    def visit(self, url: str, *, user_code: str | None = None) -> str:
        """Complete a page that the game has shown, at once, as the script says.

        Args:
            url: The page's address.
            user_code: The code to type if the page asks for one, as on a phone.

        Returns:
            The end of the visit: "done", "revealed", "declined" or "expired".
        """
        return self._visit(url, self._plan, user_code)

    # --- opening a page --------------------------------------------------------------------------------------------------

    async def open(self, page: Secret) -> bool:
        """Open a page for a bridge of this process; False if no browser starts."""
        from .._runs.threads import in_thread

        clock = current().clock
        later = clock.call_later if isinstance(clock, VirtualClock) else self._real_seconds_later
        return await in_thread(lambda: self.show(page.reveal(), later))

    def show(self, url: str, later: Callable[[float, Callable[[], object]], object] | None = None) -> bool:
        """Open a page.

        Args:
            url: The page's address.
            later: Runs a function after some seconds; by default these are real seconds.

        Returns:
            Whether a browser starts.
        """
        plan = self._plan
        if not plan.opens:
            return False
        self.pages.append(url)
        if plan.agree is not None:
            if plan.after:
                (later or self._real_seconds_later)(plan.after, lambda: self._try(url, plan))
            else:
                self._try(url, plan)
        return True

    def close(self) -> None:
        """Cancel the visits that are still to come."""
        for timer in self._timers:
            timer.cancel()
        for timer in self._timers:
            timer.join(5)

    def _real_seconds_later(self, seconds: float, function: Callable[[], object]) -> None:
        timer = threading.Timer(seconds, function)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _try(self, url: str, plan: _Plan) -> None:
        try:
            self._visit(url, plan)
        except Exception as error:  # noqa: BLE001 - nobody above could do anything about it; the test's end tells it
            self.failures.append(error)

    def _visit(self, url: str, plan: _Plan, user_code: str | None = None) -> str:
        from ..emulator import visit

        end = visit(
            url,
            agree=plan.agree is not False,
            email=plan.email,
            share=plan.share,
            user_code=user_code,
            steam_id=plan.steam_id,
        )
        self.ends.append(end)
        return end


class HandOver:
    """Receives pages from `_hand_over.py` on a loopback port while the block runs."""

    def __init__(self, browser: ScriptedBrowser) -> None:
        self._browser = browser
        self._token = secrets.token_hex(16)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = False
        self._thread = threading.Thread(target=self._serve, name="sudomimus-bridge browser", daemon=True)

    @property
    def command(self) -> str:
        """The value for `BROWSER`."""
        program = [Path(sys.executable).as_posix(), "-I", "-S", _HAND_OVER.as_posix()]
        return f"{shlex.join([*program, str(self._port), self._token])} %s"

    def __enter__(self) -> HandOver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        socket.create_connection(("127.0.0.1", self._port), timeout=5).close()  # wakes the thread
        self._thread.join(5)
        self._listener.close()

    @property
    def _port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._over:
                    return
                connection.settimeout(10)
                # A client that has gone or sends something else gets no answer. This does not affect the next page.
                with suppress(OSError, ValueError), connection.makefile("rw", encoding="utf-8") as lines:
                    self._answer(lines.readline().strip(), lines.write)

    def _answer(self, line: str, write: Callable[[str], object]) -> None:
        token, _, url = line.partition(" ")
        if secrets.compare_digest(token.encode(), self._token.encode()):
            write("opened\n" if self._browser.show(url) else "not opened\n")
