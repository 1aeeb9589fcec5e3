"""The service as it really is: four APIs at four addresses, each with its own connections.

What is heavy (httpx, certificates) is imported and built at an API's first request, off the event loop's thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import CancelScope, Lock, create_task_group

from .._runs.gentle import gently
from .._runs.threads import in_thread
from .._settings import Settings
from .._values.clock import Clock
from .._values.errors import BridgeError
from .._values.sealed import sealed
from .._values.secret import Secret
from .connect import ConnectService
from .device import DeviceService
from .native import NativeService
from .port import Service
from .reply import Failed, Replied, Requests, Sign
from .session import SessionService

if TYPE_CHECKING:
    from ssl import SSLContext

    from .ahead import Ahead
    from .exchange import Exchange
    from .proxy import HttpProxy

T = TypeVar("T")


class RemoteService:
    """See `port.Service`."""

    def __init__(self, native: Requests, connect: Requests, device: Requests, session: Requests, clock: Clock) -> None:
        self.native = NativeService(native)
        self.connect = ConnectService(connect, clock)
        self.device = DeviceService(device)
        self.session = SessionService(session)
        self._apis = (native, connect, device, session)

    async def aclose(self) -> None:
        for api in self._apis:
            await api.aclose()


@asynccontextmanager
async def remote_service(settings: Settings, clock: Clock) -> AsyncIterator[Service]:
    """The real service port, for as long as the block runs."""
    service = RemoteService(
        native=LateExchange(settings.native_url, clock),
        connect=LateExchange(settings.connect_url, clock),
        device=LateExchange(settings.device_url, clock),
        session=LateExchange(settings.session_url, clock),
        clock=clock,
    )
    try:
        yield service
    finally:
        with CancelScope(shield=True):
            await service.aclose()


@sealed
async def open_exchange(base_url: str, clock: Clock, begin: Callable[[Ahead], object] | None = None) -> Exchange:
    """What talks to one API of the service. The caller closes it. Raises `ConfigurationError`.

    `begin` is told as soon as a connection may be opened ahead, which is before what is heaviest is imported.
    """

    def proxy() -> HttpProxy | None:
        from . import ahead  # noqa: F401 - imported here, off the event loop's thread
        from .proxy import proxy_for

        return proxy_for(base_url)

    def certificates() -> SSLContext:
        from .certificates import tls_context

        return tls_context(secure=base_url.startswith("https:"))

    def client() -> None:
        from . import exchange, transport  # noqa: F401 - likewise

    chosen = await _beside(proxy)
    from .ahead import Ahead

    ahead = Ahead()
    if begin is not None and chosen is None:
        begin(ahead)
    tls = await _beside(certificates)
    ahead.trust(tls)
    await _beside(client)
    from .exchange import Exchange
    from .transport import Connections

    return Exchange(base_url, Connections(ahead, tls, chosen), clock, through=None if chosen is None else chosen.shown)


async def _beside(work: Callable[[], T]) -> T:
    """Do it off the event loop's thread, and import in small steps: a game may be drawing frames beside it."""

    def gentle() -> T:
        with gently():
            return work()

    return await in_thread(gentle)


class LateExchange:
    """An exchange that is built at its first use: its imports and certificates take as long as a ticket does.

    `warm`, which runs while Steam prepares the ticket, is that first use; so a login pays for the longer of the two.
    """

    def __init__(self, base_url: str, clock: Clock) -> None:
        self.base_url = base_url
        self._clock = clock
        self._lock = Lock()
        self._exchange: Exchange | None = None

    async def _built(self, begin: Callable[[Ahead], object] | None = None) -> Exchange:
        async with self._lock:
            if self._exchange is None:
                self._exchange = await open_exchange(self.base_url, self._clock, begin)
            return self._exchange

    async def warm(self) -> None:
        """The first time, it connects while the exchange is being built."""
        if self._exchange is not None:
            await self._exchange.warm()
            return
        async with create_task_group() as tasks:
            try:
                await self._built(lambda ahead: tasks.start_soon(ahead.open, self.base_url))
            except BridgeError:  # the request that follows will say what is wrong
                tasks.cancel_scope.cancel()

    async def post(self, path: str, body: Mapping[str, Any], sign: Sign | None = None) -> Replied | Failed:
        return await (await self._built()).post(path, body, sign)

    async def get(self, path: str, bearer: Secret | None = None) -> Replied | Failed:
        return await (await self._built()).get(path, bearer)

    async def aclose(self) -> None:
        if self._exchange is not None:
            await self._exchange.aclose()
