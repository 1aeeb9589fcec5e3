"""uvicorn in a thread of its own: starts on a socket it is given, says when it listens, and ends at once.

Nothing of the service is known here.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from .faults import BreakableProtocol


class ThreadedServer(uvicorn.Server):
    """uvicorn in a thread: says when it listens, and ends at once."""

    def __init__(self, application: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=BreakableProtocol,
                ws="none",
                lifespan="off",
                loop="asyncio",
                # The access log would print errand keys; what is worth telling stands in the journal.
                access_log=False,
                log_config=None,
                log_level="critical",
                server_header=False,
            )
        )
        self.listening = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    def run_on(self, listener: socket.socket) -> None:
        """Serve until `end`; the thread's whole life."""
        with listener:
            asyncio.run(self.serve(sockets=[listener]))

    def end(self) -> None:
        """Ask the thread to end, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: it has ended
                self._loop.call_soon_threadsafe(self._ended.set)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the command's: a program that has an emulator in a thread keeps its own."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """uvicorn looks every 0.1 seconds whether to end; here the end is an event, the Date header the clock."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 10
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._ended.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Nobody is waited for, as uvicorn would: a delayed answer or a slow drip would hold the end up."""
        for server in self.servers:
            server.close()
        for listener in sockets or []:
            listener.close()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        for server in self.servers:
            await server.wait_closed()
