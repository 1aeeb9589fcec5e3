"""The service over HTTP: four APIs at four addresses, each with its own connections.

An API's first request imports the heavy parts (httpx, certificates), off the event loop's thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anyio import CancelScope, Lock, create_task_group
from anyio.abc import TaskGroup

from .._runs.small_steps import in_small_steps
from .._runs.threads import in_thread
from .._settings import Settings
from .._values.clock import Clock
from .._values.errors import BridgeError
from .._values.secret import sealed
from .apis import ConnectApi, DeviceApi, NativeApi, SessionApi
from .port import Service
from .replies import Address

if TYPE_CHECKING:
    from ssl import SSLContext

    from .ahead import Ahead
    from .exchange import Exchange
    from .proxy import HttpProxy

T = TypeVar("T")


class RemoteService:
    """Implements `port.Service`."""

    def __init__(self, native: Address, connect: Address, device: Address, session: Address, clock: Clock) -> None:
        self.native = NativeApi(native)
        self.connect = ConnectApi(connect, clock)
        self.device = DeviceApi(device)
        self.session = SessionApi(session)
        self._addresses = (native, connect, device, session)

    async def aclose(self) -> None:
        """Close the connections."""
        for address in self._addresses:
            await address.aclose()


@asynccontextmanager
async def remote_service(settings: Settings, clock: Clock) -> AsyncIterator[Service]:
    """The real service, for as long as the block runs."""
    service = RemoteService(
        native=LateAddress(settings.native_url, clock),
        connect=LateAddress(settings.connect_url, clock),
        device=LateAddress(settings.device_url, clock),
        session=LateAddress(settings.session_url, clock),
        clock=clock,
    )
    try:
        yield service
    finally:
        with CancelScope(shield=True):
            await service.aclose()


class LateAddress:
    """Implements `replies.Address`. Builds its exchange at the first use, which takes about as long as a ticket.

    A Steam login uses it first with `warm`, while Steam creates the ticket, and so waits only for the slower of the two.
    """

    def __init__(self, base_url: str, clock: Clock) -> None:
        self.base_url = base_url
        self._clock = clock
        self._lock = Lock()
        self._exchange: Exchange | None = None

    async def opened(self, begin: Callable[[Ahead], object] | None = None) -> Exchange:
        """The exchange, built by the first caller. For `begin`, see `open_exchange`."""
        async with self._lock:
            if self._exchange is None:
                self._exchange = await open_exchange(self.base_url, self._clock, begin)
            return self._exchange

    async def warm(self) -> None:
        """Open a connection ahead. The first call connects while it builds the exchange."""
        if self._exchange is not None:
            await self._exchange.warm()
            return
        async with create_task_group() as tasks:
            try:
                await self.opened(partial(self._connect_ahead, tasks))
            except BridgeError:  # the request that follows reports it
                tasks.cancel_scope.cancel()

    def _connect_ahead(self, tasks: TaskGroup, ahead: Ahead) -> None:
        tasks.start_soon(ahead.open, self.base_url)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._exchange is not None:
            await self._exchange.aclose()


@sealed
async def open_exchange(base_url: str, clock: Clock, begin: Callable[[Ahead], object] | None = None) -> Exchange:
    """Build the exchange with one API of the service; the caller closes it. Raises `ConfigurationError`.

    `begin` is called as soon as a connection may be opened ahead, which is before the heaviest imports.
    """
    proxy = await _off_the_loop(_chosen_proxy, base_url)
    from .ahead import Ahead

    ahead = Ahead()
    if begin is not None and proxy is None:
        begin(ahead)
    tls = await _off_the_loop(_certificates, base_url)
    ahead.trust(tls)
    await _off_the_loop(_import_client)
    from .exchange import Exchange
    from .transport import Connections

    return Exchange(base_url, Connections(ahead, tls, proxy), clock, through=None if proxy is None else proxy.shown)


def _chosen_proxy(base_url: str) -> HttpProxy | None:
    from . import ahead  # noqa: F401 - imported here, off the event loop's thread
    from .proxy import proxy_for

    return proxy_for(base_url)


def _certificates(base_url: str) -> SSLContext:
    from .certificates import tls_context

    return tls_context(secure=base_url.startswith("https:"))


def _import_client() -> None:
    from . import exchange, transport  # noqa: F401 - imported here, off the event loop's thread


async def _off_the_loop(work: Callable[..., T], *arguments: str) -> T:
    """Call `work` on another thread. Its imports go in small steps, because a game may be drawing frames meanwhile."""
    return await in_thread(_in_small_steps, work, *arguments)


def _in_small_steps(work: Callable[..., T], *arguments: str) -> T:
    with in_small_steps():
        return work(*arguments)
