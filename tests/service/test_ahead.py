"""Specifies the connection that is opened ahead of a process's first login: before the heavy imports, and never left open."""

from __future__ import annotations

import ssl
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from sudomimus_bridge._service import certificates
from sudomimus_bridge._service.ahead import Ahead
from sudomimus_bridge._service.proxy import HttpProxy
from sudomimus_bridge._service.remote import LateAddress
from sudomimus_bridge._values.clock import SystemClock
from sudomimus_bridge._values.errors import ConfigurationError

from ..helpers.patience import PATIENCE
from ..helpers.steam_helpers import run_program
from .test_exchange import OK, answer, server


class Ended:
    """The server's side of one connection: the bytes that it received before the end."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.received = b""

    def handle(self, connection: Any) -> None:
        while piece := connection.recv(65536):
            self.received += piece
        self.over.set()


@asynccontextmanager
async def one_api(url: str) -> AsyncIterator[LateAddress]:
    """The address of one API of the service, before any client is built."""
    api = LateAddress(url, SystemClock())
    try:
        yield api
    finally:
        await api.aclose()


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(PATIENCE):
        while not condition():
            await anyio.sleep(0.001)


def test_connection_is_opened_before_httpx_is_imported() -> None:
    done = run_program(
        """
        import os, sys
        import anyio
        from sudomimus_bridge._service import connecting
        from sudomimus_bridge._values.clock import SystemClock
        from sudomimus_bridge._service.remote import LateAddress

        os.environ["no_proxy"] = "*"

        async def look_up(key, _function):
            print(*key[1:], sorted({"certifi", "h11", "httpcore", "httpx"} & set(sys.modules)))
            raise OSError("no network here")

        connecting.shared_in_thread = look_up

        async def warm():
            await LateAddress("https://native.example", SystemClock()).warm()
            print("httpx" in sys.modules)

        anyio.run(warm)
        """
    )
    assert done.stdout == "native.example 443 []\nTrue\n", done.stderr


def test_first_request_takes_the_connection(backend: str) -> None:
    async def flow() -> Any:
        async with one_api(url) as api, anyio.create_task_group() as tasks:
            tasks.start_soon(api.warm)
            await until(lambda: bool(accepted))
            reply = await (await api.opened()).post("/x", {})
            tasks.cancel_scope.cancel()
        return reply

    with server(answer(OK), answer(OK)) as (url, accepted):
        assert anyio.run(flow, backend=backend).status == 200
    assert len(accepted) == 1


def test_cancel_while_the_certificates_are_read_closes_the_connection(
    backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended, go_on = Ended(), threading.Event()
    read = certificates.tls_context

    def slowly(*, secure: bool = True) -> ssl.SSLContext:
        go_on.wait(PATIENCE)
        return read(secure=secure)

    monkeypatch.setattr(certificates, "tls_context", slowly)

    async def flow() -> None:
        async with one_api(url.replace("http:", "https:")) as api, anyio.create_task_group() as tasks:
            tasks.start_soon(api.warm)
            await until(lambda: bool(accepted))
            tasks.cancel_scope.cancel()
        await until(ended.over.is_set)
        go_on.set()

    with server(ended.handle) as (url, accepted):
        anyio.run(flow, backend=backend)
    assert ended.received == b""


def test_cancel_during_the_handshake_closes_the_connection(backend: str) -> None:
    ended = Ended()  # it never answers the client's TLS hello

    async def flow() -> None:
        ahead = Ahead()
        ahead.trust(ssl.create_default_context())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ahead.open, url.replace("http:", "https:"))
            await until(lambda: bool(ended.received))
            tasks.cancel_scope.cancel()
        assert await ahead.take() is None

    with server(ended.handle) as (url, _):
        anyio.run(flow, backend=backend)
        assert ended.over.wait(PATIENCE)


def test_missing_certificates_end_the_wait_for_them(
    backend: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The connection is abandoned, and the request reports the error."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))

    async def flow() -> None:
        async with one_api(url.replace("http:", "https:")) as api:
            with anyio.fail_after(PATIENCE):
                await api.warm()
            with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
                await (await api.opened()).post("/x", {})

    with server(Ended().handle) as (url, _):
        anyio.run(flow, backend=backend)


def test_nothing_is_opened_ahead_through_a_proxy(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connect, connected = anyio.connect_tcp, list[int]()

    async def connect_tcp(remote_host: str, remote_port: int, **keywords: Any) -> Any:
        connected.append(remote_port)
        return await connect(remote_host, remote_port, **keywords)

    monkeypatch.setattr(anyio, "connect_tcp", connect_tcp)

    async def flow() -> Any:
        async with one_api("http://127.0.0.1:9") as api:
            with anyio.fail_after(PATIENCE):
                await api.warm()
                await api.warm()  # the exchange, which is built by now, uses the proxy, too
            assert connected == []
            return await (await api.opened()).post("/x", {})

    with server(answer(OK)) as (url, _):
        port = int(url.rpartition(":")[2])
        monkeypatch.setattr("sudomimus_bridge._service.proxy.proxy_for", lambda _url: HttpProxy(url))
        assert anyio.run(flow, backend=backend).status == 200
    assert connected == [port]
