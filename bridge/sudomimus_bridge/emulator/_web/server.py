"""Runs uvicorn in a thread: it starts on a given socket, reports when it listens, and ends at once.

This file knows nothing of the service except its clock, whose time is in the header `Date`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from email.utils import formatdate

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .._clock import Clock
from .faults import BreakableProtocol

_START_SECONDS = 60
_STOP_SECONDS = 5


class ThreadedServer(uvicorn.Server):
    """uvicorn in a thread of its own."""

    def __init__(self, application: ASGIApp, clock: Clock) -> None:
        super().__init__(
            uvicorn.Config(
                _Dated(application, clock),
                http=BreakableProtocol,
                ws="none",
                lifespan="off",
                loop="asyncio",
                # uvicorn's access log would print errand keys. The journal records the requests without them.
                access_log=False,
                log_config=None,
                log_level="critical",
                server_header=False,
                date_header=False,
            )
        )
        self._thread: threading.Thread | None = None
        self._settled = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()

    def start(self, listener: socket.socket) -> None:
        """Serve the socket on a new thread. Returns when it listens, or raises the error that prevented it."""
        thread = threading.Thread(target=self._run, args=(listener,), name="sudomimus-emulator", daemon=True)
        thread.start()
        self._thread = thread
        if not self._settled.wait(_START_SECONDS):
            raise RuntimeError(f"the emulator did not listen within {_START_SECONDS} seconds")
        if self._failure is not None:
            raise RuntimeError("the emulator's server failed to start") from self._failure

    def stop(self) -> None:
        """End the server's thread, and wait for its end. Call this on another thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the thread has ended
                self._loop.call_soon_threadsafe(self._ended.set)
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def _run(self, listener: socket.socket) -> None:
        try:
            with listener:
                asyncio.run(self.serve(sockets=[listener]))
        except BaseException as error:
            if self._settled.is_set():
                raise
            self._failure = error
        finally:
            self._settled.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Set no signal handlers: signals belong to the program that runs this thread."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell the thread that waits for the start."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        self._settled.set()

    async def main_loop(self) -> None:
        """Wait for the end with an event. uvicorn's own loop polls ten times a second."""
        if not self.should_exit:
            await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Break every connection. uvicorn's own shutdown waits for them, so a delayed answer would delay the end."""
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


class _Dated:
    """Puts the header `Date` (RFC 9110, 6.6.1) on every answer: the time of the emulator's clock, not the machine's."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if not any(name.lower() == b"date" for name, _ in headers):
                    date = formatdate(self._clock.now(), usegmt=True)
                    message = {**message, "headers": [*headers, (b"date", date.encode("ascii"))]}
            await send(message)

        await self._app(scope, receive, dated)
