"""A service behind a slow line, at what the HTTP client's network backend connects by: TCP, TLS and requests take round trips.

It lives on the event loop of whoever connects, in memory: under a virtual clock every figure is exact. TLS is real, on a
certificate of its own that signs itself. asyncio only. It imports nothing that a login does not import first of all.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import ByteStream

HOST = "service.test"
TOKENS = {
    "applicationAnchor": "my-game",
    "accessToken": "access.token.1",
    "refreshToken": "refresh.token.1",
    "claims": {},
}


class Line(ByteStream):
    """One end of a line: what is sent arrives at the other end that much later, and nobody waits for it meanwhile."""

    def __init__(self, one_way: float) -> None:
        self.other: Line = self
        self._one_way = one_way
        self._arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def send(self, item: bytes) -> None:
        """Put it on the line."""
        asyncio.get_running_loop().call_later(self._one_way, self.other._arrived.put_nowait, bytes(item))

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """What has come, whole pieces at a time; nothing more comes after an empty one."""
        piece = await self._arrived.get()
        if not piece:
            raise anyio.EndOfStream
        return piece

    async def send_eof(self) -> None:
        """Nothing more will be sent."""
        await self.send(b"")

    async def aclose(self) -> None:
        """Close this end."""
        await self.send(b"")


class SlowNetwork:
    """Connects to the service at `HOST`, whatever the port, in a round trip; from then on `one_way` seconds each way."""

    def __init__(self, one_way: float, certificate: Path) -> None:
        self._one_way = one_way
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._serving: set[asyncio.Task[None]] = set()

    async def connect_tcp(self, *_: Any, **__: Any) -> Line:
        """In place of `anyio.connect_tcp`."""
        await asyncio.sleep(2 * self._one_way)
        near, far = Line(self._one_way), Line(self._one_way)
        near.other, far.other = far, near
        task = asyncio.create_task(self._serve(far))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        return near

    async def _serve(self, line: Line) -> None:
        """Answer each request on one connection with tokens."""
        body = json.dumps(TOKENS).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        from anyio.streams.tls import TLSStream

        try:
            stream = await TLSStream.wrap(line, server_side=True, ssl_context=self._tls, standard_compatible=False)
            received = b""
            while True:
                received += await stream.receive()
                asked, _, rest = received.partition(b"\r\n\r\n")
                if b"\r\n\r\n" in received and len(rest) >= _length(asked):
                    received = b""
                    await stream.send(head + body)
        except (anyio.EndOfStream, anyio.BrokenResourceError, ssl.SSLError):
            return


def _length(head: bytes) -> int:
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    return int(fields.get(b"content-length", 0))


@contextmanager
def slow_network(one_way: float, certificate: Path) -> Iterator[None]:
    """Whoever connects through anyio while the block runs, as httpcore does, gets the slow network.

    The certificate is trusted beside all those that are trusted otherwise, for reading them is a part of a first login.
    """
    connect_tcp, create_default_context, getaddrinfo = anyio.connect_tcp, ssl.create_default_context, socket.getaddrinfo

    def at_once(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("192.0.2.1", 443))]

    def trusting(*arguments: Any, **keywords: Any) -> ssl.SSLContext:
        context = create_default_context(*arguments, **keywords)
        context.load_verify_locations(certificate)
        return context

    try:
        anyio.connect_tcp = SlowNetwork(one_way, certificate).connect_tcp  # type: ignore[assignment]
        ssl.create_default_context, socket.getaddrinfo = trusting, at_once
        yield
    finally:
        anyio.connect_tcp, ssl.create_default_context = connect_tcp, create_default_context
        socket.getaddrinfo = getaddrinfo


def make_certificate(folder: Path) -> Path:
    """A certificate and key for `HOST`, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "service.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path
