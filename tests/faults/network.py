"""The hostile network: a front before the local service, which speaks TLS and breaks the connection as a cell says."""

from __future__ import annotations

import http.client
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

PORTAL = "127.0.0.2"
"""Where the login page of the hotel's network is."""

_REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\nContent-Length: 0\r\n\r\n"
_HTML = b"<!doctype html><title>Welcome to our Wi-Fi</title>"
_ALERT = bytes.fromhex("15030300020228")  # fatal: handshake_failure


def answer(status: str, body: bytes, kind: str = "application/json", extra: str = "") -> bytes:
    """An HTTP answer as it is sent."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
    return head.encode() + body


@dataclass
class Plan:
    """What goes wrong at the front from now on: at which level, and how."""

    level: str = ""
    fault: str = ""
    gate: Callable[[str], None] = lambda level: None
    """Called at each level of a connection. A cell holds the connection here while something happens to the game."""

    def meets(self, level: str, *faults: str) -> bool:
        """Whether this level of the connection meets one of these faults."""
        return self.level == level and self.fault in faults


@dataclass
class Front:
    """One port with TLS before the local service. Addresses of the local service in answers become those of `rewrites`."""

    service: str
    trusted: ssl.SSLContext
    untrusted: ssl.SSLContext
    rewrites: Mapping[str, str] = field(default_factory=dict)
    host: str = "127.0.0.1"
    port: int = 0
    plan: Plan = field(default_factory=Plan)
    on_answer: Callable[[str, bytes], None] = lambda path, body: None

    def __post_init__(self) -> None:
        self._open: list[socket.socket] = []
        self._fillers: list[socket.socket] = []
        self._dropped = threading.Event()
        self._deaf = self._ended = False
        self.listen()

    def listen(self) -> None:
        """Accept connections, at the same port each time."""
        self._listener = socket.create_server((self.host, self.port), backlog=50)
        self.port = self._listener.getsockname()[1]
        self._listener.settimeout(0.05)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def refuse(self) -> None:
        """Close the port, so that a connection is refused."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def go_deaf(self) -> None:
        """Accept no connection and refuse none: the queue of the port is full, so the system drops each new SYN."""
        self._deaf = True
        self._listener.listen(0)
        while True:
            filler = socket.socket()
            filler.settimeout(0.2)
            self._fillers.append(filler)
            try:
                filler.connect((self.host, self.port))
            except OSError:
                return

    def heal(self) -> None:
        """Work as a network should."""
        self.plan = Plan()
        self.drop()
        for filler in self._fillers:
            filler.close()
        self._fillers, self._deaf = [], False
        self.refuse()
        self.listen()

    def drop(self) -> None:
        """Break every connection. The thread of each closes it: a number that is free may be another connection's."""
        dropped, self._dropped = self._dropped, threading.Event()
        dropped.set()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of everything."""
        self._ended = True
        self.refuse()
        self.drop()
        for filler in self._fillers:
            filler.close()

    def _accept(self, listener: socket.socket) -> None:
        while not self._ended:
            if self._deaf:
                time.sleep(0.02)
                continue
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    # --- one connection --------------------------------------------------------------------------------------------------

    def _serve(self, raw: socket.socket) -> None:
        dropped = self._dropped
        stream: socket.socket = raw
        try:
            raw.settimeout(120)
            self.plan.gate("connect")
            if self.plan.meets("connect", "reset"):
                _reset(raw)
                return
            raw.recv(1, socket.MSG_PEEK)  # the client's part of the handshake has arrived
            self.plan.gate("TLS")
            tls = self._shaken(raw)
            if tls is not None:
                stream = tls
                self._open.append(tls)
                while self._exchange(tls):
                    pass
            if self.plan.fault == "black hole":
                dropped.wait(120)
        except (OSError, ValueError, IndexError, http.client.HTTPException):
            pass
        finally:
            for connection in (raw, stream):
                if connection in self._open:
                    self._open.remove(connection)
            stream.close()

    def _shaken(self, raw: socket.socket) -> ssl.SSLSocket | None:
        """The connection with TLS; None if the plan lets the handshake fail."""
        plan = self.plan
        if plan.level != "TLS" or plan.fault in ("", "wrong certificate"):
            context = self.untrusted if plan.meets("TLS", "wrong certificate") else self.trusted
            return context.wrap_socket(raw, server_side=True)
        if plan.fault == "refused":
            raw.sendall(_ALERT)
            _finish(raw)
        elif plan.fault == "captive portal":
            raw.sendall(_REDIRECT)
            _finish(raw)
        elif plan.fault == "reset":
            _reset(raw)
        elif plan.fault in ("half", "one byte/s"):
            flight = self._first_flight(raw)
            _deliver(raw, flight, plan.fault)
        return None

    def _first_flight(self, raw: socket.socket) -> bytes:
        """The server's first bytes of the handshake."""
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.trusted.wrap_bio(incoming, outgoing, server_side=True)
        while not outgoing.pending:
            incoming.write(raw.recv(65536))
            with suppress(ssl.SSLWantReadError):
                tls.do_handshake()
        return outgoing.read()

    def _exchange(self, stream: ssl.SSLSocket) -> bool:
        """One request and its answer. True if another request may follow on this connection."""
        plan = self.plan
        if plan.meets("request", "refused"):
            _finish(stream)
            return False
        if plan.meets("request", "black hole"):
            return False
        if plan.meets("request", "reset"):
            stream.recv(10)
            _reset(stream)
            return False
        method, path, headers, body = _read_request(stream, slowly=plan.meets("request", "one byte/s"))
        plan = self.plan  # it may have changed while the connection was idle
        plan.gate("request" if "/status" not in path else "poll")
        if plan.meets("request", "captive portal"):
            stream.sendall(_REDIRECT)
            return False
        whole = self._from_service(method, path, headers, body)
        # If something goes wrong from the next request on, the next request gets another connection.
        return self._send(stream, whole, plan) and self.plan is plan

    def _send(self, stream: ssl.SSLSocket, whole: bytes, plan: Plan) -> bool:
        if plan.meets("headers", "captive portal"):
            whole = answer("511 Network Authentication Required", _HTML, "text/html")
        elif plan.meets("headers", "proxy 407"):
            whole = answer("407 Proxy Authentication Required", b"", extra='Proxy-Authenticate: Basic realm="p"\r\n')
        elif plan.meets("body", "captive portal"):
            whole = answer("200 OK", _HTML, "text/html")
        head = whole.index(b"\r\n\r\n") + 4
        stream.sendall(whole[:10])
        plan.gate("headers")
        if plan.level == "headers" and plan.fault in ("reset", "black hole", "one byte/s", "half"):
            _deliver(stream, whole[10:head], plan.fault)
            return False
        middle = head + (len(whole) - head) // 2
        stream.sendall(whole[10:middle])
        plan.gate("body")
        if plan.level == "body" and plan.fault in ("reset", "black hole", "one byte/s", "half"):
            _deliver(stream, whole[middle - 4 :] if plan.fault == "one byte/s" else b"", plan.fault)
            return False
        stream.sendall(whole[middle:])
        return True

    def _from_service(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
        upstream = http.client.HTTPConnection(self.service.removeprefix("http://"), timeout=60)
        kept = {name: value for name, value in headers.items() if name in ("content-type", "authorization", "accept")}
        upstream.request(method, path, body or None, kept)
        reply = upstream.getresponse()
        content = reply.read()
        upstream.close()
        for old, new in self.rewrites.items():
            content = content.replace(old.encode(), new.encode())
        self.on_answer(path, content)
        return answer(f"{reply.status} {reply.reason}", content, reply.headers.get("Content-Type", "application/json"))


def _read_request(stream: socket.socket, *, slowly: bool) -> tuple[str, str, dict[str, str], bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _received(stream, slowly)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += _received(stream, slowly)
    method, path, _ = first.split(" ")
    return method, path, headers, body


def _received(stream: socket.socket, slowly: bool) -> bytes:
    if slowly:
        time.sleep(1)
    data = stream.recv(1 if slowly else 65536)
    if not data:
        raise ConnectionError
    return data


def _deliver(stream: socket.socket, data: bytes, fault: str) -> None:
    """Send data as the fault does: half of it and then an end, or one byte each second."""
    if fault == "one byte/s":
        for index in range(len(data)):
            stream.sendall(data[index : index + 1])
            time.sleep(1)
        return
    stream.sendall(data[: len(data) // 2])
    if fault == "reset":
        _reset(stream)
    elif fault == "half":
        _finish(stream)


def _finish(stream: socket.socket) -> None:
    with suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)
    stream.close()


def _reset(stream: socket.socket) -> None:
    """RST rather than FIN: SO_LINGER with a time of zero discards what is unsent (socket(7))."""
    with suppress(OSError):
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()
