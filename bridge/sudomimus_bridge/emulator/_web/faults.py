"""Carries out the fault rules on a real socket: resets, garbage, half and endless answers.

An ASGI middleware around everything that a game can reach, except the control API. Bytes that HTTP cannot express go
straight to the transport, which `BreakableProtocol` puts into each request's state.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from .._config.fault_rule import FaultRule
from .._memory.state import FaultTable
from .._rules.issuance import error_body

_GARBAGE = b"\x16\x03\x01 this is not HTTP \x00\xff\xfe\r\n\r\n" * 4
_CHUNK = 64 * 1024


class BreakableProtocol(H11Protocol):
    """uvicorn's HTTP protocol, which also gives each request its transport."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the requests of this connection a state of their own."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


@dataclass
class _Answer:
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    def set(self, name: str, value: str) -> None:
        key = name.lower().encode("latin-1")
        self.headers = [(k, v) for k, v in self.headers if k.lower() != key] + [(key, value.encode("latin-1"))]


class FaultMiddleware:
    """Passes a request on, or applies the first matching rule to it."""

    def __init__(self, app: ASGIApp, table: FaultTable, untouched: str) -> None:
        self._app = app
        self._table = table
        self._untouched = untouched

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        rule = None
        if scope["type"] == "http" and not scope["path"].startswith(self._untouched):
            rule = self._table.pick(scope["method"], scope["path"])
        if rule is None:
            await self._app(scope, receive, send)
            return
        scope["state"]["fault"] = rule.named()
        answer = await self._answer(rule, scope, receive)
        if rule.reset or rule.garbage or rule.truncate:
            scope["state"]["record"]()
        await _deliver(rule, answer, scope["state"]["transport"], receive, send)

    async def _answer(self, rule: FaultRule, scope: Scope, receive: Receive) -> _Answer:
        """The answer before the fault changes it: the rule's own, or the service's."""
        if rule.when == "before":
            await asyncio.sleep(rule.delay)
        instead = rule.answers or rule.reset or rule.garbage or rule.redirect or rule.huge_megabytes
        if rule.when == "after" or not instead:
            answer = await _capture(self._app, scope, receive)
        else:
            await _read_all(receive)
            answer = _Answer()
        if rule.when == "after":
            await asyncio.sleep(rule.delay)
        if rule.answers:
            scope["state"]["reason"] = rule.reason
            answer = _own_answer(rule)
        if rule.redirect:
            answer = _Answer(rule.status or 302)
            answer.set("location", rule.redirect)
            answer.set("content-length", "0")
        if rule.content_type:
            answer.set("content-type", rule.content_type)
        for name, value in rule.headers.items():
            answer.set(name, value)
        return answer


def _own_answer(rule: FaultRule) -> _Answer:
    body = rule.body if rule.body is not None else error_body(rule.reason)
    raw = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    answer = _Answer(rule.status or 200, body=raw)
    if raw:
        answer.set("content-type", "application/json")
    answer.set("content-length", str(len(raw)))
    return answer


async def _read_all(receive: Receive) -> None:
    # The reset comes after the whole request, so the client cannot know whether it was processed.
    while True:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body"):
            return


async def _capture(app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
    answer = _Answer()

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status, answer.headers = message["status"], list(message["headers"])
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    await app(scope, receive, keep)
    return answer


async def _deliver(
    rule: FaultRule, answer: _Answer, transport: asyncio.Transport, receive: Receive, send: Send
) -> None:
    if rule.reset:
        _reset(transport)
        await _wait_until_gone(receive)
    elif rule.garbage or rule.truncate:
        transport.write(_GARBAGE if rule.garbage else _half(answer))
        transport.close()
        await _wait_until_gone(receive)
    elif rule.huge_megabytes:
        await _stream_huge(answer, rule.huge_megabytes, transport, send)
    else:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        pause = rule.drip_seconds or 0.0
        drops = range(max(0, len(answer.body) - 1)) if pause else range(0)
        for index in drops:
            if transport.is_closing():
                return
            await send({"type": "http.response.body", "body": answer.body[index : index + 1], "more_body": True})
            await asyncio.sleep(pause)
        # The last piece ends the answer, so a client that has read all of it finds it in the journal.
        await send({"type": "http.response.body", "body": answer.body[len(drops) :]})


def _reset(transport: asyncio.Transport) -> None:
    """Send RST instead of FIN: SO_LINGER with a time of zero discards unsent data (socket(7))."""
    connection: Any = transport.get_extra_info("socket")
    # Winsock's `struct linger` has two shorts, and POSIX's has two ints.
    layout = "hh" if hasattr(socket, "SIO_RCVALL") else "ii"
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack(layout, 1, 0))
    transport.abort()


def _half(answer: _Answer) -> bytes:
    """Send an answer that states its whole length and ends halfway."""
    if not answer.body:
        return b"HTTP/1.1 "
    head = b"".join(name + b": " + value + b"\r\n" for name, value in answer.headers)
    return b"HTTP/1.1 %d \r\n%s\r\n" % (answer.status, head) + answer.body[: len(answer.body) // 2]


async def _stream_huge(answer: _Answer, megabytes: int, transport: asyncio.Transport, send: Send) -> None:
    answer.headers = [(name, value) for name, value in answer.headers if name != b"content-length"]
    if not any(name == b"content-type" for name, _ in answer.headers):
        answer.set("content-type", "application/json")
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": b'{"padding": "', "more_body": True})
    for _ in range(megabytes * 1024 * 1024 // _CHUNK):
        if transport.is_closing():
            return
        await send({"type": "http.response.body", "body": b"x" * _CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b'"}'})


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
