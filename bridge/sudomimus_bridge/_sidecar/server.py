"""The sidecar, put together: pipes on one side, the bridge's engine on the other, and between them the protocol."""

from __future__ import annotations

import logging
import time

import anyio
from anyio import lowlevel

from .._login.concurrency import alongside
from .._runs.signals import INTERRUPTED
from .._runs.threads import waker
from .._settings import Settings
from .._values.clock import SystemClock
from . import parent
from .dispatcher import Dispatcher
from .flows import SHUTDOWN_SECONDS, Flows, explain
from .inlet import Inlet
from .life import Life
from .lines import LineSplitter, Overlong
from .logs import log_to_standard_error
from .methods import methods
from .outbox import Outbox
from .pipes import private_pipes
from .shared import SharedCalls

HUNG_UP_SECONDS = 0.3
"""How long a launcher that has closed its end may leave answers unread before it counts as gone."""

TURN_SECONDS = 0.005
"""How long lines are taken one after another, before the logins have their turn."""

_FLUSH_SECONDS = 0.2
_FAILED_ITSELF = 70

_log = logging.getLogger("sudomimus_bridge")


def run(settings: Settings) -> int:
    """Serve the standard pipes to the end. The exit status: 0, or 130 after a signal."""
    if (launchers := parent.launchers()) is None:  # first of all: whoever ends from here on is missed
        _log.warning("The program that started this sidecar has ended, so there is nobody to serve.")
        return 0
    stdin, stdout = private_pipes()
    logs = log_to_standard_error()
    life = Life()
    with life.on_signals():
        try:
            outbox = Outbox(stdout, life.end)
            anyio.run(_Server(settings, stdin, launchers, outbox, life).serve)
            outbox.close(_FLUSH_SECONDS)
        except BaseException as error:
            life.end(_FAILED_ITSELF)
            while isinstance(error, BaseExceptionGroup):  # what it says of itself is not what went wrong
                error = error.exceptions[0]
            raise error from None
        finally:
            logs.close(_FLUSH_SECONDS)
    return INTERRUPTED if life.status is None else life.status


class _Server:
    """One stream, from its first line to its end."""

    def __init__(self, settings: Settings, stdin: int, launchers: list[int], outbox: Outbox, life: Life) -> None:
        self._settings = settings
        self._stdin = stdin
        self._launchers = launchers
        self._outbox = outbox
        self._life = life
        self._turn_began = 0.0
        self._hung_up: anyio.Event
        self._dispatcher: Dispatcher

    async def serve(self) -> None:
        """Answer lines until the end comes; then cancel what runs, have it answered, and let go of Steam."""
        self._hung_up = anyio.Event()
        parent.watch(self._launchers, self._stdin, self._life.end, waker(self._hung_up))
        flows = Flows(self._settings, SystemClock(), self._life.end)
        async with anyio.create_task_group() as tasks:
            flows.shared = SharedCalls(tasks)
            flows.dispatcher = self._dispatcher = Dispatcher(methods(flows), self._outbox.put, tasks, explain)
            tasks.start_soon(flows.steam.let_go_when_idle)
            tasks.start_soon(self._read)
            await self._life.ended()
            await self._dispatcher.cancel_all(SHUTDOWN_SECONDS)
            tasks.cancel_scope.cancel()
        await flows.let_go()

    async def _read(self) -> None:
        inlet, lines = Inlet(self._stdin), LineSplitter()
        while data := await inlet.receive():
            for line in lines.feed(data):
                await self._take(line)
        for line in lines.rest():
            await self._take(line)
        self._life.end()

    async def _take(self, line: bytes | Overlong) -> None:
        if self._outbox.full:
            async with alongside(self._end_if_hung_up):
                await self._outbox.room()
        if time.monotonic() - self._turn_began > TURN_SECONDS:
            await lowlevel.checkpoint()
            self._turn_began = time.monotonic()
        self._dispatcher.receive(line)

    async def _end_if_hung_up(self) -> None:
        """No more is read while answers are not, so the end of the stream would be found by nobody else."""
        await self._hung_up.wait()
        await anyio.sleep(HUNG_UP_SECONDS)
        self._life.end()
