"""Connections to the service, opened ahead of time: httpx's transport port on httpcore's pool.

While Steam prepares a ticket, `warm()` connects and shakes hands; the request that follows finds the connection there.
Loopback never goes through a proxy, and a proxy that this program cannot speak to is passed by (`proxy`).
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpcore
import httpx

from .exchange import CONNECT_SECONDS
from .proxy import proxy_for

IDLE_SECONDS = 15.0
"""How long a connection is kept between two requests: longer than the longest poll."""


class Connections(httpx.AsyncBaseTransport):
    """A pool for one base URL. HTTP/1.1, verified TLS, no redirects, no retries: those are `rules`' business."""

    def __init__(self, base_url: str, tls: ssl.SSLContext) -> None:
        tls.set_alpn_protocols(["http/1.1"])
        self._backend = WarmBackend(tls)
        proxy = proxy_for(base_url)
        self._proxied = proxy is not None
        make = httpcore.AsyncConnectionPool
        if proxy is not None:
            make = partial(httpcore.AsyncHTTPProxy, proxy.url, proxy.auth)  # type: ignore[assignment]
        self._pool = make(
            ssl_context=tls, max_connections=10, keepalive_expiry=IDLE_SECONDS, network_backend=self._backend
        )

    async def warm(self, url: str) -> None:
        """Have a connection to `url`'s host at hand until the task is cancelled. Never raises."""
        if self._proxied or any(c.is_idle() and not c.has_expired() for c in self._pool.connections):
            return
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        await self._backend.warm(parts.hostname or "", parts.port or (443 if secure else 80), secure)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx's exceptions."""
        url = request.url
        core_request = httpcore.Request(
            method=request.method,
            url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        try:
            response = await self._pool.handle_async_request(core_request)
        except Exception as error:
            raise _as_httpx(error) from error
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._response.aiter_stream():
                yield chunk
        except Exception as error:
            raise _as_httpx(error) from error

    async def aclose(self) -> None:
        await self._response.aclose()


def _as_httpx(error: Exception) -> Exception:
    """httpcore's exceptions have the names of httpx's."""
    kind = getattr(httpx, type(error).__name__, httpx.TransportError)
    if isinstance(error, Exception) and type(error).__module__.startswith("httpcore"):
        return kind(str(error)) if issubclass(kind, httpx.TransportError) else httpx.TransportError(str(error))
    return error


class WarmBackend(httpcore.AsyncNetworkBackend):
    """httpcore's network, with at most one connection to each host opened before it is asked for."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        self._network = httpcore.AnyIOBackend()  # anyio runs on asyncio and trio alike
        self._tls = tls
        self._warm: dict[tuple[str, int], _Warm] = {}

    async def warm(self, host: str, port: int, secure: bool) -> None:
        """Connect, and keep watch over the connection until it is taken, it breaks, or the task is cancelled."""
        if (host, port) in self._warm:
            return
        warm = self._warm[host, port] = _Warm()
        try:
            stream = await self._network.connect_tcp(host, port, timeout=CONNECT_SECONDS)
            warm.stream = stream
            if secure:
                warm.stream = await stream.start_tls(self._tls, server_hostname=host, timeout=CONNECT_SECONDS)
            with anyio.CancelScope() as warm.watch:
                warm.ready.set()
                # Nothing is due from the server yet but TLS 1.3's session tickets, which reading takes out of the way;
                # whatever else comes back means that the connection is of no use.
                await warm.stream.read(1)
                warm.broken = True
        except (httpcore.NetworkError, httpcore.TimeoutException, OSError, ValueError):
            warm.broken = True
        finally:
            warm.ready.set()
            if self._warm.get((host, port)) is warm:
                del self._warm[host, port]
            if warm.stream is not None and (warm.broken or not warm.taken):
                with anyio.CancelScope(shield=True), suppress(Exception):
                    await warm.stream.aclose()
            warm.over.set()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The warm connection to that host where there is one that still lives; else a new one."""
        warm = self._warm.pop((host, port), None)
        if warm is not None:
            with anyio.move_on_after(timeout):
                if (stream := await warm.take()) is not None:
                    return _Opened(stream)
        return await self._network.connect_tcp(host, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """As httpcore does."""
        return await self._network.connect_unix_socket(path, timeout, socket_options)

    async def sleep(self, seconds: float) -> None:
        """As httpcore does."""
        await self._network.sleep(seconds)


class _Warm:
    """A connection on its way, or there and watched."""

    def __init__(self) -> None:
        self.ready = anyio.Event()
        self.over = anyio.Event()
        self.watch: anyio.CancelScope | None = None
        self.stream: httpcore.AsyncNetworkStream | None = None
        self.broken = False
        self.taken = False

    async def take(self) -> httpcore.AsyncNetworkStream | None:
        """Wait until it is there, end the watch, and have it; None where it did not come to be, or broke."""
        await self.ready.wait()
        if self.watch is None or self.broken or self.over.is_set():
            return None
        self.taken = True
        self.watch.cancel()
        try:
            await self.over.wait()
        except BaseException:
            if self.stream is not None:
                with anyio.CancelScope(shield=True), suppress(Exception):
                    await self.stream.aclose()
            raise
        return None if self.broken else self.stream


class _Opened(httpcore.AsyncNetworkStream):
    """A stream that has its TLS already, for httpcore, which will ask for it."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,  # noqa: ARG002
        server_hostname: str | None = None,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        return self._stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
