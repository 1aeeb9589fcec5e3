"""Virtual time: minutes of waiting pass in milliseconds, on asyncio and trio.

Whenever every task waits and nothing is due from a socket or thread, time jumps to the next timer. So nothing in the code
under test changes: anyio's sleeps and timeouts run on the event loop's clock, and that clock is what is virtual.
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

from .._values.clock import SystemClock
from .._values.uptime import Uptime

T = TypeVar("T")

_STEP_SECONDS = 0.005
"""How long a loop that waits for a socket or thread waits before it looks again: a thread's end need not wake it."""


class VirtualClock(SystemClock):
    """The clock port in virtual time: hand it to the code under test, and run that with `run`."""

    def __init__(
        self,
        *,
        wall: float = 1_800_000_000.0,
        grace: float = 0.0,
        on_advance: Callable[[float], object] = lambda _seconds: None,
    ) -> None:
        """`wall` is the calendar's start, in seconds since 1970.

        `grace` is how many real seconds nothing must happen before time jumps: 0, for the event loop knows which sockets
        and which of `anyio.to_thread`'s threads it waits for; a few hundredths where other threads wake it. trio cannot
        tell who waits for an answer from who merely listens, so there any socket holds time up for a moment.
        `on_advance` is told of each jump, on the event loop's thread.
        """
        self.elapsed: float = 0.0
        """Virtual seconds that have passed on whichever event loop is furthest; the next one begins there."""
        self._wall = wall
        self._grace = grace
        self._asleep = 0.0
        self._boot = 0
        self._on_advance = on_advance
        self._lock = threading.Lock()
        self._later: list[tuple[float, int, Callable[[], object]]] = []
        self._calls = itertools.count()

    def call_later(self, seconds: float, function: Callable[[], object]) -> None:
        """Call `function` once that many virtual seconds have passed, on the thread of the event loop that passes them.

        It is not waited for: where no event loop waits any longer, time stands still.
        """
        with self._lock:
            heapq.heappush(self._later, (self.elapsed + seconds, next(self._calls), function))

    def wall(self) -> float:
        """Seconds since 1970, moving with virtual time."""
        return self._wall + self._asleep + anyio.current_time()

    def uptime(self) -> Uptime:
        """A moment of virtual time, with the time that the machine was asleep."""
        return Uptime(f"virtual-{self._boot}", self._asleep + anyio.current_time())

    def pass_by(self, seconds: float) -> None:
        """Let that much time pass in which nothing of the game runs: `pass_by(3600)`, and a token has run out."""
        self.run(anyio.sleep, seconds)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: the calendar and the uptime go on, timers stand still."""
        self._asleep += seconds

    def set_calendar(self, seconds: float) -> None:
        """The calendar jumps by that many seconds, forwards or backwards, as when a player sets it."""
        self._wall += seconds

    def restart(self) -> None:
        """The machine is started anew: no earlier moment can be compared with one from here on."""
        self._boot += 1

    def run(
        self,
        function: Callable[..., Awaitable[T]],
        *args: Any,
        backend: str = "asyncio",
        backend_options: dict[str, Any] | None = None,
    ) -> T:
        """`anyio.run` in virtual time, which starts at 0, or where the last run of this clock ended.

        trio has to be installed for `backend="trio"`.
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
    """asyncio's loop on a clock that moves only by jumps, made by its selector."""

    def __init__(self, selector: _JumpingSelector) -> None:
        self._selector_in_virtual_time = selector
        super().__init__(selector)
        selector.own = set(selector.watched())  # so far there is only the one by which other threads wake the loop

    def time(self) -> float:
        return self._selector_in_virtual_time.now

    async def create_connection(self, *args: Any, **keywords: Any) -> Any:
        transport, protocol = await super().create_connection(*args, **keywords)
        self._selector_in_virtual_time.keep_quiet(transport)
        return transport, protocol


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[misc, valid-type, unused-ignore]
    """A selector that does not wait: where nothing is ready, the time asked for is over.

    It does wait, and time passes as it really does, while a socket or a thread is waited for.
    """

    def __init__(self, grace: float, now: float, on_advance: Callable[[float], object]) -> None:
        super().__init__()
        self.now = now
        self.threads: anyio.CapacityLimiter | None = None
        self.own: set[int] = set()
        """The event loop's own sockets, from which nothing is due."""
        self._quiet: dict[int, asyncio.Transport] = {}
        self._grace = grace
        self._on_advance = on_advance

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        waits_outside = any(map(self._is_due, self.watched())) or self._waits_for_threads()
        began = time.monotonic()
        ready = super().select(min(_STEP_SECONDS if waits_outside else self._grace, timeout))
        if waits_outside:
            self._pass(min(timeout, time.monotonic() - began))
        elif not ready:
            self._pass(timeout)
        return ready

    def keep_quiet(self, transport: asyncio.Transport) -> None:
        """Nothing is due on a new connection until it is written to; it may have been opened ahead of any request.

        From then on it is watched only while somebody waits for an answer, for anyio's streams see to that.
        """
        socket, write = transport.get_extra_info("socket").fileno(), transport.write
        self._quiet[socket] = transport

        def noting(data: bytes) -> None:
            self._quiet.pop(socket, None)
            write(data)

        transport.write = noting  # type: ignore[assignment, method-assign]

    def watched(self) -> list[int]:
        """The sockets that something waits for."""
        return [key.fd for key in self.get_map().values()]

    def _is_due(self, socket: int) -> bool:
        quiet = self._quiet.get(socket)  # once it is closed, its number is another's
        return socket not in self.own and (quiet is None or quiet.is_closing())

    def _waits_for_threads(self) -> bool:
        return self.threads is not None and self.threads.borrowed_tokens > 0

    def _pass(self, seconds: float) -> None:
        self.now += seconds
        self._on_advance(self.now)
