"""Opens a connection ahead of its request: TCP, then TLS. Then it watches the connection until the request takes it.

This module imports only anyio, so that a login connects at once. The certificates, and httpx and httpcore, which send the
request, load while the connection is being made.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from urllib.parse import urlsplit

import anyio
from anyio.abc import ByteStream
from anyio.streams.tls import TLSStream

from .connecting import connect_tcp

CONNECT_SECONDS = 10.0


class Ahead:
    """Opens at most one connection at a time, and never through a proxy."""

    def __init__(self) -> None:
        self._tls: ssl.SSLContext
        self._trusted = anyio.Event()
        self._current: _Connection | None = None

    def trust(self, tls: ssl.SSLContext) -> None:
        """Set the context for TLS. Handshakes wait for it."""
        tls.set_alpn_protocols(["http/1.1"])
        self._tls = tls
        self._trusted.set()

    async def open(self, url: str) -> None:
        """Connect to the host of `url`, and watch the connection until it is taken or breaks. Never raises."""
        if self._current is not None:
            return
        current = self._current = _Connection()
        try:
            stream = current.stream = await self._connected(current, url)
            with anyio.CancelScope() as current.watch:
                current.ready.set()
                # Before a request, a server sends nothing but TLS 1.3's session tickets, which reading consumes. If
                # anything else arrives, the connection is unusable.
                await stream.receive(1)
                current.broken = True
        except (OSError, ValueError, anyio.BrokenResourceError, anyio.EndOfStream):
            current.broken = True
        finally:
            current.ready.set()
            if self._current is current:
                self._current = None
            if current.broken or not current.taken:
                await current.close()
            current.over.set()

    async def take(self) -> ByteStream | None:
        """Give the connection to the caller, who closes it. None if there is none, or if it broke."""
        current, self._current = self._current, None
        return None if current is None else await current.take()

    async def _connected(self, current: _Connection, url: str) -> ByteStream:
        parts = urlsplit(url)
        secure, host = parts.scheme == "https", parts.hostname or ""
        with anyio.fail_after(CONNECT_SECONDS):
            plain = current.stream = await connect_tcp(host, parts.port or (443 if secure else 80))
        if not secure:
            return plain
        await self._trusted.wait()
        with anyio.fail_after(CONNECT_SECONDS):
            # Servers omit TLS's closing message. HTTP's own lengths tell where an answer ends.
            return await TLSStream.wrap(plain, hostname=host, ssl_context=self._tls, standard_compatible=False)


class _Connection:
    """A connection that is being made, or is made and watched."""

    def __init__(self) -> None:
        self.ready = anyio.Event()
        self.over = anyio.Event()
        self.watch: anyio.CancelScope | None = None
        self.stream: ByteStream | None = None
        self.broken = False
        self.taken = False

    async def take(self) -> ByteStream | None:
        """Wait for the connection, stop watching it, and return it; None if it could not be made, or broke."""
        await self.ready.wait()
        if self.watch is None or self.broken or self.over.is_set():
            return None
        self.taken = True
        self.watch.cancel()
        try:
            await self.over.wait()
        except BaseException:
            await self.close()
            raise
        return None if self.broken else self.stream

    async def close(self) -> None:
        """Close the connection, whatever its state."""
        if self.stream is not None:
            with anyio.CancelScope(shield=True), suppress(Exception):
                await self.stream.aclose()
