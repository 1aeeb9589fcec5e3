"""Specifies the HTTP client, on real sockets: its limits of time and size, refused answers, and connections opened ahead."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge._service import exchange as exchange_module
from sudomimus_bridge._service.answers import Trouble
from sudomimus_bridge._service.exchange import MAX_BODY, Exchange
from sudomimus_bridge._service.remote import open_exchange
from sudomimus_bridge._service.replies import Failed, Replied
from sudomimus_bridge._values.clock import SystemClock

from ..helpers.patience import PATIENCE

Handler = Callable[[socket.socket], None]
OK = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"a": "b"} '


@contextmanager
def server(*handlers: Handler, tls: ssl.SSLContext | None = None) -> Iterator[tuple[str, list[int]]]:
    """A server that gives each connection to the next handler. Yields its URL and the list of its connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    accepted: list[int] = []
    held: list[socket.socket] = []

    def work() -> None:
        for handler in handlers:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            accepted.append(1)
            connection.settimeout(5)
            held.append(connection)
            with suppress(OSError):
                if tls is not None:
                    connection = tls.wrap_socket(connection, server_side=True)
                    held.append(connection)
                handler(connection)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}", accepted
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for connection in held:
            connection.close()
        thread.join(PATIENCE)


def read_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            raise OSError("closed")
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(data: bytes, *, close: bool = True) -> Handler:
    def handle(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(data)
        if close:
            connection.close()

    return handle


def exchanged(url: str, backend: str, use: Callable[[Exchange], Awaitable[Any]] | None = None) -> Any:
    async def flow() -> Any:
        exchange = await open_exchange(url, SystemClock())
        try:
            return await (use(exchange) if use else exchange.post("/direct-issue/steam-ticket", {"x": 1}))
        finally:
            await exchange.aclose()

    return anyio.run(flow, backend=backend)


def head(status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_answer_is_read(backend: str) -> None:
    seen: list[bytes] = []

    def handle(connection: socket.socket) -> None:
        seen.append(read_request(connection))
        connection.sendall(OK)

    with server(handle) as (url, _):
        reply = exchanged(url, backend)
    assert reply.status == 200
    assert reply.body == {"a": "b"}
    assert reply.flaw is None
    request = seen[0].decode()
    assert request.startswith("POST /direct-issue/steam-ticket HTTP/1.1\r\n")
    assert "accept-encoding: identity" in request.lower()
    assert request.endswith('{"x":1}')


UNREADABLE = {
    "not HTTP": b"220 smtp.example ESMTP\r\n\r\n",
    "a redirect": head("302 Found", Location="https://evil.example/"),
    "gzip": head(Content_Type="application/json", Content_Encoding="gzip", Content_Length="2") + b"{}",
    "too large, as it says": head(Content_Type="application/json", Content_Length=str(MAX_BODY + 1))
    + b" " * (MAX_BODY + 1),
    "too large, without end": head(Content_Type="application/json") + b" " * (MAX_BODY + 70_000),
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000,
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unexpected_answer_has_a_detail(name: str, backend: str) -> None:
    with server(answer(UNREADABLE[name])) as (url, _):
        reply = exchanged(url, backend)
    assert isinstance(reply, Failed), reply
    assert reply.trouble is Trouble.UNREADABLE
    assert reply.detail


@pytest.mark.parametrize(
    "data",
    [
        b"",
        OK[:40],
        head(Content_Type="application/json", Content_Length="90") + b"{",
        head(Content_Type="application/json", Transfer_Encoding="chunked") + b"5\r\n{",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
def test_connection_breaks(data: bytes, backend: str) -> None:
    with server(answer(data)) as (url, _):
        reply = exchanged(url, backend)
    assert isinstance(reply, Failed)
    assert reply.trouble is Trouble.NETWORK


def test_refused_connection(backend: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = exchanged(f"http://127.0.0.1:{port}", backend)
    assert reply == Failed(Trouble.NETWORK, "ConnectError: Connection refused", unsent=True)


def test_slow_answer_is_bounded_as_a_whole(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange_module, "POST_SECONDS", 0.3)
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head(Content_Type="application/json"))
        while not stop.wait(0.02):
            connection.sendall(b" ")

    with server(drip) as (url, _):
        reply = exchanged(url, backend)
        stop.set()
    assert isinstance(reply, Failed)
    assert reply.trouble is Trouble.TIMEOUT


def test_warm_connection_is_used(backend: str) -> None:
    async def use(exchange: Exchange) -> Any:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.warm)
            while not accepted:
                await anyio.sleep(0.001)
            reply = await exchange.post("/x", {})
            again = await exchange.get("/y")
            await exchange.warm()  # an idle connection exists, so none is opened
            tasks.cancel_scope.cancel()
        return reply, again

    def handle(connection: socket.socket) -> None:
        for _ in range(2):
            read_request(connection)
            connection.sendall(OK)

    with server(handle, answer(b"")) as (url, accepted):
        replies = exchanged(url, backend, use)
    assert [reply.status for reply in replies] == [200, 200]
    assert len(accepted) == 1


def test_broken_warm_connection_is_replaced(backend: str) -> None:
    closed = threading.Event()

    def close_at_once(connection: socket.socket) -> None:
        connection.close()
        closed.set()

    async def use(exchange: Exchange) -> Any:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.warm)
            while not closed.is_set():
                await anyio.sleep(0.001)
            await anyio.sleep(0.01)
            reply = await exchange.post("/x", {})
            tasks.cancel_scope.cancel()
        return reply

    with server(close_at_once, answer(OK)) as (url, accepted):
        reply = exchanged(url, backend, use)
    assert isinstance(reply, Replied)
    assert len(accepted) == 2


def test_request_waits_for_a_connection_that_is_being_made(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = anyio.connect_tcp

    async def slowly(*arguments: Any, **keywords: Any) -> Any:
        await anyio.sleep(0.05)
        return await connect(*arguments, **keywords)

    monkeypatch.setattr(anyio, "connect_tcp", slowly)

    async def use(exchange: Exchange) -> Any:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.warm)
            await anyio.sleep(0.01)
            reply = await exchange.post("/x", {})
            tasks.cancel_scope.cancel()
        return reply

    with server(answer(OK)) as (url, accepted):
        assert exchanged(url, backend, use).status == 200
    assert len(accepted) == 1


def test_unused_warm_connection_is_closed(backend: str) -> None:
    over: list[bytes] = []

    def wait_for_the_end(connection: socket.socket) -> None:
        over.append(connection.recv(1))

    async def use(exchange: Exchange) -> None:
        with anyio.move_on_after(0.1):
            await exchange.warm()

    with server(wait_for_the_end) as (url, _):
        exchanged(url, backend, use)
        for _ in range(500):
            if over:
                break
            threading.Event().wait(0.01)
    assert over == [b""]


# --- TLS -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return path


def tls_of(certificate: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(certificate)
    return context


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_handshake_is_made_ahead(
    certificate: Path, version: ssl.TLSVersion, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    shaken = threading.Event()

    def handle(connection: socket.socket) -> None:
        shaken.set()
        read_request(connection)
        connection.sendall(OK)

    async def use(exchange: Exchange) -> Any:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(exchange.warm)
            while not shaken.is_set():
                await anyio.sleep(0.001)
            reply = await exchange.post("/x", {})
            tasks.cancel_scope.cancel()
        return reply

    with server(handle, tls=tls_of(certificate, version)) as (url, accepted):
        assert exchanged(url, backend, use).status == 200
    assert len(accepted) == 1


def test_untrusted_certificate(certificate: Path, backend: str) -> None:
    with server(answer(OK), tls=tls_of(certificate)) as (url, _):
        reply = exchanged(url, backend)
    assert isinstance(reply, Failed)
    assert reply.trouble is Trouble.CERTIFICATE
    assert "self" in reply.detail
