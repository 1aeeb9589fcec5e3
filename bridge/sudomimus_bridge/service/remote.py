"""The service as it really is: four APIs at four addresses, each with its own connections.

What is heavy (httpx, certificates) is imported and built at an API's first request, off the event loop's thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from anyio import CancelScope, Lock, to_thread

from ..clock import Clock
from ..errors import BridgeError
from ..gentle import gently
from ..settings import Settings
from .connect import ConnectService
from .device import DeviceService
from .native import NativeService
from .port import Service
from .reply import Failed, Replied, Requests, Sign
from .session import SessionService

if TYPE_CHECKING:
    from .exchange import Exchange


class RemoteService:
    """See `port.Service`."""

    def __init__(self, native: Requests, connect: Requests, device: Requests, session: Requests, clock: Clock) -> None:
        self.native = NativeService(native)
        self.connect = ConnectService(connect, clock)
        self.device = DeviceService(device)
        self.session = SessionService(session)
        self._apis = (native, connect, device, session)

    async def aclose(self) -> None:
        """See `Service.aclose`."""
        for api in self._apis:
            await api.aclose()


@asynccontextmanager
async def remote_service(settings: Settings, clock: Clock) -> AsyncIterator[Service]:
    """The real service port, for as long as the block runs."""
    service = RemoteService(
        native=_LateExchange(settings.native_url, clock),
        connect=_LateExchange(settings.connect_url, clock),
        device=_LateExchange(settings.device_url, clock),
        session=_LateExchange(settings.session_url, clock),
        clock=clock,
    )
    try:
        yield service
    finally:
        with CancelScope(shield=True):
            await service.aclose()


async def open_exchange(base_url: str, clock: Clock) -> Exchange:
    """What talks to one API of the service. The caller closes it. Raises `ConfigurationError`."""

    def build() -> Exchange:
        with gently():  # a game may be drawing frames beside it
            from .certificates import tls_context
            from .exchange import Exchange
            from .transport import Connections

            tls = tls_context(secure=base_url.startswith("https:"))
        return Exchange(base_url, Connections(base_url, tls), clock)

    return await to_thread.run_sync(build, abandon_on_cancel=True)


class _LateExchange:
    """An exchange that is built at its first use: its imports and certificates take as long as a ticket does.

    `warm`, which runs while Steam prepares the ticket, is that first use; so a login pays for the longer of the two.
    """

    def __init__(self, base_url: str, clock: Clock) -> None:
        self.base_url = base_url
        self._clock = clock
        self._lock = Lock()
        self._exchange: Exchange | None = None

    async def _built(self) -> Exchange:
        async with self._lock:
            if self._exchange is None:
                self._exchange = await open_exchange(self.base_url, self._clock)
            return self._exchange

    async def warm(self) -> None:
        with suppress(BridgeError):  # the request that follows will say what is wrong
            await (await self._built()).warm()

    async def post(self, path: str, body: Mapping[str, Any], sign: Sign | None = None) -> Replied | Failed:
        return await (await self._built()).post(path, body, sign)

    async def get(self, path: str) -> Replied | Failed:
        return await (await self._built()).get(path)

    async def aclose(self) -> None:
        if self._exchange is not None:
            await self._exchange.aclose()
