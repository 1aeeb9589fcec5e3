"""Specifies connections through a proxy: the choice of the proxy, the errors for a wrong one, and the errors that name it."""

from __future__ import annotations

import base64
import socket
import ssl
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

import pytest

from sudomimus_bridge._service.answers import Trouble
from sudomimus_bridge._service.proxy import HttpProxy, proxy_for
from sudomimus_bridge._service.replies import Failed, Replied
from sudomimus_bridge._values.errors import ConfigurationError

from ..service.test_exchange import OK, answer, certificate, exchanged, read_request, server, tls_of

__all__ = ["certificate"]


def test_loopback_connections_use_no_proxy(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with server(answer(OK)) as (url, _):
        assert exchanged(url, backend).status == 200


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, HttpProxy("http://proxy.example:3128")),
        ({"HTTPS_PROXY": "proxy.example:3128"}, HttpProxy("http://proxy.example:3128")),
        ({"HTTPS_PROXY": "http://me:p%40ss@proxy.example"}, HttpProxy("http://proxy.example", (b"me", b"p@ss"))),
        ({"ALL_PROXY": "http://[::1]:3128"}, HttpProxy("http://[::1]:3128")),
        ({"ALL_PROXY": "socks5://proxy.example:1080"}, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "sudomimus.com"}, None),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, None),
    ],
)
def test_systems_proxy_is_used(
    variables: dict[str, str], expected: HttpProxy | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    proxy = proxy_for("https://native-api.sudomimus.com")
    assert proxy == (expected and replace(expected, source=next(name for name in variables if name != "NO_PROXY")))


def test_request_through_an_http_proxy(certificate: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """CONNECT, TLS inside the tunnel, and the request."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls = tls_of(certificate)
    asked: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        asked.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with tls.wrap_socket(connection, server_side=True) as inside:
            read_request(inside)
            inside.sendall(OK)

    with server(proxy) as (url, _):
        monkeypatch.setattr(
            "sudomimus_bridge._service.proxy.proxy_for", lambda _url: HttpProxy(url, (b"me", b"secret"))
        )
        reply = exchanged("https://127.0.0.1:9", backend)
    assert isinstance(reply, Replied), reply
    assert asked[0].startswith(b"CONNECT 127.0.0.1:9 HTTP/1.1")
    assert b"roxy-Authorization: Basic" in asked[0]


_MALFORMED = [
    *(
        "http://[bad",
        "http://[::1",
        "http://host:99999",
        "http://host:0",
        "http://host:port",
        "http://",
        "http://a..b",
        "http://é\udc80",
    ),
    *(
        "http://me:topsecret#@host:1",
        "http://me:12#topsecret@host",
        "http://me:12/topsecret@host",
        "me:top?secret@host",
    ),
    *(
        "me:topsecret",
        "http://me:topsecret@",
        "http://me:topsecret@[bad",
        "http://me:topsecret@h st",
        "http://\udce9\udcff:topsecret@h",
    ),
    *("x" * 100_000, "http://me:topsecret@" + "x" * 300, "/usr/bin/topsecret", "http://me:topsecret@[::1%topsecret"),
]


@pytest.mark.parametrize("value", _MALFORMED)
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_malformed_proxy_is_a_configuration_error(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        proxy_for("https://native-api.sudomimus.com")
    assert str(caught.value.detail).startswith(f"{variable} must be the address of a proxy")
    rendered = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "topsecret" not in rendered.replace(f"value = {value!r}", "")


def test_proxy_settings_of_the_system_that_cannot_be_read_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> NoReturn:
        raise TypeError("the registry holds a number")

    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setattr("sudomimus_bridge._service.proxy.proxy_bypass", broken)
    assert proxy_for("https://native-api.sudomimus.com") is not None
    monkeypatch.setattr("sudomimus_bridge._service.proxy.getproxies", broken)
    assert proxy_for("https://native-api.sudomimus.com") is None
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.setattr("sudomimus_bridge._service.proxy.getproxies", lambda: {"https": "http://[bad"})
    with pytest.raises(ConfigurationError, match=r"the system's proxy settings must"):
        proxy_for("https://native-api.sudomimus.com")


@pytest.mark.parametrize("password", ["p%40ss", "p%C3%A4ss", "päss", "%ff"])
def test_any_password_reaches_the_proxy(password: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def refuse(connection: socket.socket) -> None:
        asked.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with server(refuse) as (url, _):
        monkeypatch.setenv("HTTPS_PROXY", url.replace("://", f"://me:{password}@"))
        reply = exchanged("https://native-api.sudomimus.com", backend)
    plain = unquote_to_bytes(password)
    assert b"Basic " + base64.b64encode(b"me:" + plain) in asked[0]
    assert isinstance(reply, Failed)
    address = url.removeprefix("http://")
    assert reply.detail == f"ProxyError: the proxy answered 407, through the proxy {address} (HTTPS_PROXY)"


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_failure_behind_a_proxy_names_the_proxy(variable: str, backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv(variable, f"http://me:topsecret@127.0.0.1:{port}")
    reply = exchanged("https://native-api.sudomimus.com", backend)
    expected = f"ConnectError: Connection refused, through the proxy 127.0.0.1:{port} ({variable})"
    assert reply == Failed(Trouble.NETWORK, expected, unsent=True)


def test_https_proxy_is_verified_with_the_bridges_certificates(
    certificate: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TLS to the proxy, CONNECT, TLS inside the tunnel, and the request."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls, asked = tls_of(certificate), []
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()

    def proxy(connection: socket.socket) -> None:
        asked.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inside = tls.wrap_bio(incoming, outgoing, server_side=True)

        def done(step: Callable[[], Any]) -> Any:
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    connection.sendall(outgoing.read())
                    incoming.write(connection.recv(65536))
                finally:
                    connection.sendall(outgoing.read())

        done(inside.do_handshake)
        done(lambda: inside.read(65536))
        done(lambda: inside.write(OK))

    with server(proxy, tls=tls) as (url, _):
        monkeypatch.setattr("sudomimus_bridge._service.proxy.proxy_for", lambda _url: HttpProxy(url))
        reply = exchanged("https://127.0.0.1:9", backend, lambda exchange: exchange.get("/x"))
    assert isinstance(reply, Replied), reply
    assert asked[0].startswith(b"CONNECT 127.0.0.1:9 HTTP/1.1")
