"""Connections to the service: httpx's transport port on httpcore's pool, which uses the connection that `ahead` has opened."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from functools import partial

import httpcore
import httpx

from .ahead import Ahead
from .network import Network
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
            ssl_context=tls, max_connections=10, keepalive_expiry=IDLE_SECONDS, network_backend=Network(ahead)
        )

    async def warm(self, url: str) -> None:
        """Keep a connection to the host of `url` open until the task is cancelled. Never raises."""
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
    """httpx's exception for one of httpcore's, which has the same name."""
    kind = getattr(httpx, type(error).__name__, httpx.TransportError)
    if isinstance(error, Exception) and type(error).__module__.startswith("httpcore"):
        return kind(str(error)) if issubclass(kind, httpx.TransportError) else httpx.TransportError(str(error))
    return error
