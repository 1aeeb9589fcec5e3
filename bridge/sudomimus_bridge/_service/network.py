"""httpcore's network port. It uses the connection that `ahead` has opened, else a new one through `connecting`."""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpcore
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute, TLSStream

from .ahead import Ahead
from .connecting import connect_tcp


class Network(httpcore.AsyncNetworkBackend):
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
                # Without TLS's closing message, which servers omit: HTTP's own lengths tell where an answer ends.
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
        if info == "is_readable":  # the pool asks this of an idle connection: a readable one was closed
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
