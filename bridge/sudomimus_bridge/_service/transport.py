"""Connections to the service: httpx's transport interface on httpcore's pool, and httpcore's network interface on anyio.

A pool uses the connection that `ahead` has opened, else a new one through `connecting`.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import anyio
import httpcore
import httpx
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from .ahead import Ahead
from .connecting import connect_tcp
from .proxy import HttpProxy

IDLE_SECONDS = 15.0
"""How long an idle connection is kept: longer than the usual time between two polls."""


class Connections(httpx.AsyncBaseTransport):
    """A pool for one base URL: HTTP/1.1, verified TLS, no redirects, no retries (`rules` decides about those)."""

    def __init__(self, ahead: Ahead, tls: ssl.SSLContext, proxy: HttpProxy | None = None) -> None:
        self._ahead = ahead
        self._proxied = proxy is not None
        make = httpcore.AsyncConnectionPool
        if proxy is not None:
            # For an https proxy, httpcore would use a context of its own, with other certificates than the bridge's.
            secure = tls if proxy.url.startswith("https:") else None
            make = partial(httpcore.AsyncHTTPProxy, proxy.url, proxy.auth, proxy_ssl_context=secure)  # type: ignore[assignment]
        self._pool = make(
            ssl_context=tls, max_connections=10, keepalive_expiry=IDLE_SECONDS, network_backend=_Network(ahead)
        )

    async def warm(self, url: str) -> None:
        """Open a connection to the host of `url`, unless one is idle, and hold it until a request takes it. Never raises."""
        if not self._proxied and not any(c.is_idle() and not c.has_expired() for c in self._pool.connections):
            await self._ahead.open(url)

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
    """httpx's exception of the same name for one of httpcore's; any other exception as it is."""
    kind = getattr(httpx, type(error).__name__, httpx.TransportError)
    if type(error).__module__.startswith("httpcore"):
        return kind(str(error)) if issubclass(kind, httpx.TransportError) else httpx.TransportError(str(error))
    return error


# --- httpcore's network interface ---------------------------------------------------------------------------------------------


class _Network(httpcore.AsyncNetworkBackend):
    """The network of one pool, on anyio."""

    def __init__(self, ahead: Ahead) -> None:
        self._ahead = ahead

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - the pool is given none
    ) -> httpcore.AsyncNetworkStream:
        """The connection that was opened ahead, if it is still usable; else a new one."""
        with anyio.move_on_after(timeout):
            if (opened := await self._ahead.take()) is not None:
                return _Stream(opened, has_tls=True)
        with _named(httpcore.ConnectTimeout, httpcore.ConnectError), anyio.fail_after(timeout):
            return _Stream(await connect_tcp(host, port, local_address))

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class _Stream(httpcore.AsyncNetworkStream):
    """An anyio stream as httpcore's. With `has_tls`, TLS is established already, so `start_tls` does nothing."""

    def __init__(self, stream: ByteStream, *, has_tls: bool = False) -> None:
        self._stream = stream
        self._has_tls = has_tls

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        with _named(httpcore.ReadTimeout, httpcore.ReadError), anyio.fail_after(timeout):
            try:
                return await self._stream.receive(max_bytes)
            except anyio.EndOfStream:
                return b""

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        with _named(httpcore.WriteTimeout, httpcore.WriteError), anyio.fail_after(timeout):
            if buffer:
                await self._stream.send(buffer)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        if self._has_tls:
            return self
        try:
            with _named(httpcore.ConnectTimeout, httpcore.ConnectError), anyio.fail_after(timeout):
                # Servers omit TLS's closing message. HTTP's own lengths tell where an answer ends.
                wrapped = await TLSStream.wrap(
                    self._stream,
                    server_side=False,
                    hostname=server_hostname,
                    ssl_context=ssl_context,
                    standard_compatible=False,
                )
        except BaseException:
            await anyio.aclose_forcefully(self._stream)
            raise
        return _Stream(wrapped)

    def get_extra_info(self, info: str) -> Any:
        attribute = self._stream.extra
        if info == "ssl_object":
            return attribute(TLSAttribute.ssl_object, None)
        if info == "is_readable":  # the pool asks before it reuses a connection: a readable one was closed
            return _is_readable(attribute(SocketAttribute.raw_socket, None))
        return None


@contextmanager
def _named(timeout: type[Exception], otherwise: type[Exception]) -> Iterator[None]:
    """Turn anyio's exceptions into httpcore's."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from error
    except (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream) as error:
        raise otherwise(str(error)) from error


def _is_readable(raw: socket.socket | None) -> bool:
    if raw is None or raw.fileno() < 0:
        return True
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(raw, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([raw], [], [], 0)[0])  # on Windows, `select` takes any socket
