"""Progress, pages and errors on standard error: with a moving status line on a terminal, as plain lines elsewhere.

Every command has a `Terminal`, even one without a login, so this imports the login's modules only when a login runs.
"""

from __future__ import annotations

import io
import math
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

import anyio

from .._values.errors import BridgeError
from .._values.secret import printable

if TYPE_CHECKING:
    from .._values.events import Claims, DeviceHandoff, ErrandHandoff, LoginResult, ProgressEvent

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_SPINNER = "|/-\\"

MARK = "sudomimus-bridge:"
"""The beginning of each line that reports the end of the program."""

_MOST = 2000
"""The most characters of an error's detail or reason: a service may send anything."""

_BELOW_QR_CODE = 4
"""The lines below a QR code that must stay visible: an empty line, the address, an empty line, the status."""


class Terminal:
    """Writes progress, pages and errors. `alive`: the stream is a terminal. `colour`: it is one, and NO_COLOR is not set."""

    def __init__(self, stream: TextIO | None = None) -> None:
        # A window manager may start a program without standard error. The login runs nevertheless.
        self.stream: TextIO = stream or sys.stderr or io.StringIO()
        self.alive = _is_terminal(self.stream) and os.environ.get("TERM") != "dumb" and _takes_escapes()
        self.colour = self.alive and not os.environ.get("NO_COLOR")
        self.still = False
        """Whether each status is a line of its own. A moving line would mix with a log or with Steam's output."""
        self.overlay = False
        """Whether pages open in Steam's overlay."""
        self._status: str | None = None
        self._until: float | None = None
        self._ends: float | None = None
        self._frame = 0

    def progress(self, event: ProgressEvent) -> None:
        """Show one event of a login."""
        from .._service.policy import MAX_ATTEMPTS
        from .._values.events import Phase

        match event.phase:
            case Phase.REQUESTING_TICKET:
                self._now("Asking Steam for a ticket (usually under a second, at most 20 seconds)")
            case Phase.ISSUING:
                self._now("Asking the sign-in service (usually under a second, at most 30 seconds)")
            case Phase.RETRYING:
                bound = "" if event.attempts_left is None else f" of {MAX_ATTEMPTS}"
                again = f"That attempt failed. Trying again ({(event.attempt or 0) + 1}{bound})"
                if event.others_waiting:
                    again = again.replace("That attempt failed.", "Many players are signing in right now.")
                seconds = event.retry_in_seconds or 0.0
                if seconds < 1:
                    self._now(again)
                else:
                    self._now(f"{again} in", seconds)
            case Phase.ERRAND_REQUIRED:
                self.line(f"The game asks for {_wanted(event.claims or {})}.")
            case Phase.WAITING_FOR_BROWSER if event.errand is not None:
                self._errand(event.errand, opened=bool(event.browser_opened))
            case Phase.WAITING_FOR_BROWSER if event.device is not None:
                self._device(event.device, opened=bool(event.browser_opened))
            case Phase.ERRAND_COMPLETED:
                self.line("Done in the browser. Thank you.")
            case Phase.SUCCEEDED:
                self._clear()

    def page(self, url: str) -> None:
        """Show a page that the player has to open: its address, and a QR code if a phone could open it."""
        if _only_here(url):
            self.line("Open this page in a browser on this computer:")
        else:
            self.line("Open this page in a browser, here or on your phone:")
            self._qr_code(url, _BELOW_QR_CODE)
        self.line(f"\n  {url}\n")

    def _errand(self, errand: ErrandHandoff, *, opened: bool) -> None:
        lifetime = self._left_of(errand.lifetime)
        until = "" if lifetime is None else f" within {_time(lifetime)}"
        if opened:
            self.line(f"A page has opened in {self._where()}. Finish there{until}.")
            self.line("If it has not, start again with --no-browser, which shows its address.")
        else:
            self.page(errand.url)
        waiting = "Waiting for you in the browser (Ctrl-C gives up)"
        self._now(waiting if lifetime is None else f"{waiting}, time left:", lifetime)

    def _device(self, device: DeviceHandoff, *, opened: bool) -> None:
        url = device.verification_uri_complete or device.verification_uri
        here = _only_here(url)
        if opened:
            self.line(
                f"A page has opened in {self._where()}. Check that it shows the code below, and confirm it there."
            )
            self.line("If it has not opened, open it yourself:" if here else "Or confirm it on any other device:")
        else:
            where = "on this computer" if here else "here or on any other device"
            self.line(f"Open this page in a browser, {where}, and confirm the code:")
        if not here:
            self._qr_code(url, _BELOW_QR_CODE)
        code = printable(device.user_code)
        shown = f"\033[1m{code}\033[0m" if self.colour else code
        self.line(f"\n  {device.verification_uri}    code: {shown}\n")
        self._now("Waiting for the code (Ctrl-C gives up), time left:", self._left_of(device.lifetime))

    def _where(self) -> str:
        return "Steam's overlay" if self.overlay else "your browser"

    def _qr_code(self, url: str, below: int) -> None:
        size = self._size()
        room = os.terminal_size((size.columns, size.lines - below))
        if self.alive and (code := qr_code(url, room, colour=self.colour, encoding=self.stream.encoding)):
            self.line(code)

    def line(self, text: str) -> None:
        """Write a line that stays."""
        self._clear()
        self._write(text + "\n")

    def error(self, error: BridgeError) -> None:
        """Show an error: its sentence for the player, then for the developer its detail and the service's reason."""
        text = self.wrapped(f"{MARK} {printable(error.sentence)}")
        self.line(f"\033[31m{MARK}\033[0m{text.removeprefix(MARK)}" if self.colour else text)
        for name, value in (("detail", error.detail), ("reason", error.reason)):
            if value:
                self.line(self.wrapped(f"  {name}: {printable(value[:_MOST], keep=chr(10))}", 4))

    def wrapped(self, text: str, indent: int = 0) -> str:
        """A line, broken between words to fit the terminal."""
        if not self.alive:
            return text
        from textwrap import fill

        width = max(40, self._size().columns - 1)
        return fill(text, width, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False)

    async def animate(self, seconds: float = math.inf) -> None:
        """Keep the status line moving. Runs beside a flow that may take up to `seconds`."""
        self._ends = anyio.current_time() + seconds
        while self.alive and not self.still:
            await anyio.sleep(0.12)
            if self._status is not None:
                self._draw()

    def _left_of(self, lifetime: float | None) -> float | None:
        """The seconds that are left for a page: the page's own, or the flow's if that ends sooner."""
        if lifetime is None or self._ends is None:
            return lifetime
        return max(0.0, min(lifetime, self._ends - anyio.current_time()))

    def _now(self, status: str, seconds: float | None = None) -> None:
        """Show the current step and how long it may take. On a terminal this replaces the previous status."""
        if not self.alive or self.still:
            self._write(f"{status}{'' if seconds is None else f' {_time(seconds)}'}.\n")
            return
        self._status = status
        self._until = None if seconds is None else anyio.current_time() + seconds
        self._draw()

    def _draw(self) -> None:
        spinner = _SPINNER if _can_encode(_SPINNER, self.stream.encoding) else _PLAIN_SPINNER
        self._frame += 1
        text = f"{spinner[self._frame % len(spinner)]} {self._status}"
        time = "" if self._until is None else f" {_time(max(0.0, self._until - anyio.current_time()))}"
        room = max(0, self._size().columns - 1 - len(time))
        if len(text) > room:  # shorten the words, not the time
            text = text[: room + 1].rpartition(" ")[0]
        self._write("\r\033[K" + text + time)

    def _size(self) -> os.terminal_size:
        try:
            return os.get_terminal_size(self.stream.fileno())
        except (OSError, ValueError):
            return os.terminal_size((80, 24))

    def _clear(self) -> None:
        if self._status is not None and self.alive:
            self._write("\r\033[K")
        self._status = None

    def _write(self, text: str) -> None:
        encoding = self.stream.encoding or "utf-8"
        try:
            self.stream.write(text.encode(encoding, "replace").decode(encoding))
            self.stream.flush()
        except (OSError, ValueError):  # the end of the terminal must not end the login
            self.alive = False


def login_summary(result: LoginResult, *, hint: str = " (--json prints it)") -> str:
    """The summary of a login, which shows no token. `hint` says how to see the tokens."""
    lines = [f"Signed in to {result.application_anchor}."]
    for name, secret in (("access token", result.access), ("refresh token", result.refresh)):
        lines.append(f"  {name:<15} {len(secret)} characters, not shown here{hint}")
    return "\n".join([*lines, *claims_summary(result.claims)])


def claims_summary(claims: Claims) -> Iterable[str]:
    """One line for each claim, in words."""
    from .._values.player import claim_meanings

    for name, meaning in claim_meanings(claims):
        yield f"  {printable(name[:40]):<15} {printable(meaning)}"


def qr_code(text: str, room: os.terminal_size, *, colour: bool, encoding: str | None) -> str | None:
    """A QR code of half-height blocks; None if the encoding has no such blocks or the terminal has no room."""
    import segno

    if not _can_encode("█▀▄", encoding):
        return None
    rows = [bytes(row) for row in segno.make(text, error="l", micro=False).matrix_iter(border=2)]
    if len(rows) % 2:
        rows.append(bytes(len(rows[0])))
    if len(rows[0]) >= room.columns or len(rows) // 2 > room.lines:
        return None
    # Scanners expect dark on light. Without colours, the terminal is assumed to be dark.
    blocks = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
    lines = [
        "".join(blocks[top, low] for top, low in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return "\n".join(f"\033[97;40m{line}\033[0m" if colour else line for line in lines)


def _only_here(url: str) -> bool:
    """Whether only this computer can open the page: a phone cannot reach a loopback address."""
    from .._values.urls import host_of, is_loopback

    return is_loopback(host_of(url))


def _wanted(claims: Claims) -> str:
    from .._values.player import required_claims

    required = required_claims(claims)
    return f"your {printable(' and '.join(required)[:80])}" if required else "your consent"


def _time(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02} minutes" if whole >= 60 else f"{whole} s"


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _takes_escapes() -> bool:
    """Whether the terminal understands escape sequences. On Windows, switch them on (SetConsoleMode)."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        virtual_terminal_processing = 4
        kernel, mode = ctypes.windll.kernel32, ctypes.c_uint32()
        try:
            console = ctypes.c_void_p(msvcrt.get_osfhandle(2))
        except OSError:
            return False
        return bool(
            kernel.GetConsoleMode(console, ctypes.byref(mode))
            and kernel.SetConsoleMode(console, mode.value | virtual_terminal_processing)
        )
    return True


def _can_encode(text: str, encoding: str | None) -> bool:
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
