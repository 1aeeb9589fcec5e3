"""Virtual time: minutes of waiting pass in milliseconds, on asyncio and trio.

If every task waits and nothing is due from a socket or thread, time jumps to the next timer. The code under test needs no
change: anyio's sleeps and timeouts use the clock of the event loop, and that clock is virtual.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import selectors
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
from anyio import to_thread

from .._values.clock import SystemClock, Uptime
from ._busy import BUSY_SECONDS, other_threads_run

T = TypeVar("T")

_STEP_SECONDS = 0.005
"""The seconds between looks of a loop that waits for a socket or a thread: the end of a thread may not wake it."""


class VirtualClock(SystemClock):
    """The clock port in virtual time: pass it to the code under test, and run that code with `run`."""

    def __init__(
        self,
        *,
        wall: float = 1_800_000_000.0,
        grace: float = 0.0,
        on_advance: Callable[[float], object] = lambda _seconds: None,
    ) -> None:
        """Begin at 0 virtual seconds.

        Args:
            wall: The start of the calendar, in seconds since 1970.
            grace: The real seconds without an event before time jumps. 0 suffices for sockets and for the threads of
                `anyio.to_thread`, which the event loop knows; use a few hundredths if other threads wake the loop. trio cannot
                distinguish a socket that waits for an answer from one that listens, so there any socket delays the jump for a
                moment.
            on_advance: Called after each jump, with its seconds, on the thread of the event loop.
        """
        self.elapsed: float = 0.0
        """The virtual seconds that have passed on the most advanced event loop. The next loop starts at this time."""
        self._wall = wall
        self._grace = grace
        self._asleep = 0.0
        self._boot = 0
        self._on_advance = on_advance
        self._lock = threading.Lock()
        self._later: list[tuple[float, int, Callable[[], object]]] = []
        self._calls = itertools.count()

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call a function later, on the thread of the event loop that passes the time.

        This needs an event loop that waits: without one, time stands still.

        Args:
            seconds: How much later, in virtual seconds.
            function: What to call.
        """
        with self._lock:
            heapq.heappush(self._later, (self.elapsed + seconds, next(self._calls), function))

    def wall(self) -> float:
        """Return the seconds since 1970, which move with virtual time."""
        return self._wall + self._asleep + anyio.current_time()

    def uptime(self) -> Uptime:
        """Return a moment of virtual time, which counts the time that the machine was asleep."""
        return Uptime(f"virtual-{self._boot}", self._asleep + anyio.current_time())

    def pass_by(self, seconds: float) -> None:
        """Let time pass while the game does nothing. After `pass_by(3600)` a token has expired.

        Args:
            seconds: How many virtual seconds pass.
        """
        self.run(anyio.sleep, seconds)

    def suspend(self, seconds: float) -> None:
        """Let the machine sleep: the calendar and the uptime go on, and timers stand still.

        Args:
            seconds: How long it sleeps, in virtual seconds.
        """
        self._asleep += seconds

    def set_calendar(self, seconds: float) -> None:
        """Move the calendar, as a player may do.

        Args:
            seconds: How far, in seconds; a negative number moves it back.
        """
        self._wall += seconds

    def restart(self) -> None:
        """Restart the machine: earlier moments cannot be compared with later ones."""
        self._boot += 1

    def run(
        self,
        function: Callable[..., Awaitable[T]],
        *args: Any,
        backend: str = "asyncio",
        backend_options: dict[str, Any] | None = None,
    ) -> T:
        """Do the same as `anyio.run` in virtual time, which starts at 0 or at the end of this clock's last run.

        Args:
            function: An asynchronous function.
            *args: Its arguments.
            backend: The event loop: "asyncio", or "trio" if trio is installed.
            backend_options: As for `anyio.run`.

        Returns:
            What the function returns.
        """
        options = dict(backend_options or {})
        if backend == "trio":
            from ._virtual_trio import trio_options

            options |= trio_options(self._grace, self.elapsed, self._advanced_to)
            return anyio.run(function, *args, backend="trio", backend_options=options)
        selector = _JumpingSelector(self._grace, self.elapsed, self._advanced_to)
        options["loop_factory"] = lambda: _VirtualLoop(selector)

        async def knowing_its_threads() -> T:
            selector.threads = to_thread.current_default_thread_limiter()
            return await function(*args)

        return anyio.run(knowing_its_threads, backend="asyncio", backend_options=options)

    def _advanced_to(self, now: float) -> None:
        with self._lock:
            seconds = now - self.elapsed
            self.elapsed = max(now, self.elapsed)
        if seconds > 0:
            self._on_advance(seconds)
        while (function := self._next_due()) is not None:
            function()

    def _next_due(self) -> Callable[[], object] | None:
        with self._lock:
            due = self._later and self._later[0][0] <= self.elapsed
            return heapq.heappop(self._later)[2] if due else None


class _VirtualLoop(asyncio.SelectorEventLoop):
    """asyncio's loop on a clock that moves only in jumps, which its selector makes."""

    def __init__(self, selector: _JumpingSelector) -> None:
        self._selector_in_virtual_time = selector
        super().__init__(selector)
        selector.own = set(selector.watched())  # at this moment only the socket by which other threads wake the loop

    def time(self) -> float:
        return self._selector_in_virtual_time.now

    async def create_connection(self, *args: Any, **keywords: Any) -> Any:
        transport, protocol = await super().create_connection(*args, **keywords)
        self._selector_in_virtual_time.keep_quiet(transport)
        return transport, protocol


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type, unused-ignore]
    """A selector that does not wait: if nothing is ready, the requested virtual time passes at once.

    While a task waits for a socket or a thread, the selector waits in real time.
    """

    def __init__(self, grace: float, now: float, on_advance: Callable[[float], object]) -> None:
        super().__init__()
        self.now = now
        self.threads: anyio.CapacityLimiter | None = None
        self.own: set[int] = set()
        """The event loop's own sockets. No task waits for them."""
        self._quiet: dict[int, asyncio.Transport] = {}
        self._grace = grace
        self._on_advance = on_advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        waits_outside = any(map(self._is_due, self.watched())) or self._waits_for_threads()
        began = time.monotonic()
        ready = super().select(min(_STEP_SECONDS if waits_outside else self._grace, timeout))
        while not ready and not waits_outside and self._grace and time.monotonic() - began < BUSY_SECONDS:
            if not other_threads_run():
                break
            ready = super().select(min(self._grace, timeout))
        if waits_outside:
            self._pass(min(timeout, time.monotonic() - began))
        elif not ready:
            self._pass(timeout)
        return ready

    def keep_quiet(self, transport: asyncio.Transport) -> None:
        """Ignore a new connection until data is written to it: it may have been opened ahead of any request.

        After that, the loop watches it only while a task waits for an answer, because of anyio's streams.
        """
        socket, write = transport.get_extra_info("socket").fileno(), transport.write
        self._quiet[socket] = transport

        def noting(data: bytes) -> None:
            self._quiet.pop(socket, None)
            write(data)

        transport.write = noting  # type: ignore[assignment, method-assign]

    def watched(self) -> list[int]:
        """Return the sockets that the loop waits for."""
        return [key.fd for key in self.get_map().values()]

    def _is_due(self, socket: int) -> bool:
        quiet = self._quiet.get(socket)  # after a close, another socket may have the same number
        return socket not in self.own and (quiet is None or quiet.is_closing())

    def _waits_for_threads(self) -> bool:
        return self.threads is not None and self.threads.borrowed_tokens > 0

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self._on_advance(self.now)
