"""The sidecar: reads requests from standard input, dispatches them, and writes the responses to standard output."""

from __future__ import annotations

import logging
import time

import anyio
from anyio import lowlevel

from .._runs.finishing import alongside
from .._runs.signals import INTERRUPTED, Waker
from .._settings import Settings
from .._values.clock import SystemClock
from . import parent
from .dispatcher import Dispatcher
from .handlers import REQUESTS_END_SECONDS, Handlers, explain
from .logs import log_to_standard_error
from .methods import methods
from .shared import SharedCalls
from .shutdown import Shutdown
from .streams import LineSplitter, Overlong, PipeReader, PipeWriter, private_pipes

HUNG_UP_SECONDS = 0.3
"""How long a launcher that has closed standard input may take to read the responses. Then it counts as gone."""

TURN_SECONDS = 0.005
"""How long the server processes lines before it yields to the logins."""

_FLUSH_SECONDS = 0.2
_BUG = 70

_log = logging.getLogger("sudomimus_bridge")


def run(settings: Settings) -> int:
    """Serve the standard pipes to their end. The exit status: 0, or 130 after a signal."""
    launchers = parent.launchers()  # this comes first, because the end of a launcher before this call is not noticed
    if launchers is None:
        _log.warning("The program that started this sidecar has ended, so the sidecar ends, too.")
        return 0
    stdin, stdout = private_pipes()
    logs = log_to_standard_error()
    shutdown = Shutdown()
    with shutdown.on_signals():
        try:
            writer = PipeWriter(stdout, shutdown.begin)
            anyio.run(_Server(settings, stdin, launchers, writer, shutdown).serve)
            writer.close(_FLUSH_SECONDS)
        except BaseException as error:
            shutdown.begin(_BUG)
            while isinstance(error, BaseExceptionGroup):  # only the exception inside names the failure
                error = error.exceptions[0]
            raise error from None
        finally:
            logs.close(_FLUSH_SECONDS)
    return INTERRUPTED if shutdown.status is None else shutdown.status


class _Server:
    """Serves one stream, from its first line to its end."""

    def __init__(
        self, settings: Settings, stdin: int, launchers: list[int], writer: PipeWriter, shutdown: Shutdown
    ) -> None:
        self._settings = settings
        self._stdin = stdin
        self._launchers = launchers
        self._writer = writer
        self._shutdown = shutdown
        self._turn_began = 0.0
        self._hung_up: anyio.Event
        self._dispatcher: Dispatcher

    async def serve(self) -> None:
        """Answer lines until the shutdown begins. Then cancel and answer the running requests, and close Steam."""
        self._hung_up = anyio.Event()
        parent.watch(self._launchers, self._stdin, self._shutdown.begin, Waker(self._hung_up))
        handlers = Handlers(self._settings, SystemClock(), self._shutdown)
        async with anyio.create_task_group() as tasks:
            handlers.calls = SharedCalls(tasks)
            handlers.dispatcher = self._dispatcher = Dispatcher(methods(handlers), self._writer.put, tasks, explain)
            tasks.start_soon(handlers.steam.close_when_idle)
            tasks.start_soon(self._read)
            await self._shutdown.begun()
            await self._dispatcher.cancel_all(REQUESTS_END_SECONDS)
            tasks.cancel_scope.cancel()
        await handlers.close_steam()

    async def _read(self) -> None:
        reader, lines = PipeReader(self._stdin), LineSplitter()
        while data := await reader.receive():
            for line in lines.feed(data):
                await self._take(line)
        for line in lines.rest():
            await self._take(line)
        self._shutdown.begin()

    async def _take(self, line: bytes | Overlong) -> None:
        if self._writer.full:
            async with alongside(self._end_if_hung_up):
                await self._writer.room()
        if time.monotonic() - self._turn_began > TURN_SECONDS:
            await lowlevel.checkpoint()
            self._turn_began = time.monotonic()
        self._dispatcher.receive(line)

    async def _end_if_hung_up(self) -> None:
        """End if the launcher has closed standard input. While responses are unread nothing is read, so no end is found."""
        await self._hung_up.wait()
        await anyio.sleep(HUNG_UP_SECONDS)
        self._shutdown.begin()
