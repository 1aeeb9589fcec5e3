"""One HTTP exchange: a request and its reply, bounded in time and in size.

It uses an httpx transport instead of `httpx.Client`: no redirects, no cookies, no proxies from the environment, and no log
line with a URL, because a URL may hold an errand's key. A failure is a `Failed`, never an exception.
"""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import anyio
import httpx

from .._values.clock import Clock
from .._values.errors import system_words
from .._values.secret import Secret, printable
from .._version import __version__
from .ahead import CONNECT_SECONDS
from .answers import Trouble
from .certificates import certificate_source
from .replies import Failed, Replied, Sign, read_json

MAX_BODY = 256 * 1024
"""The most bytes of an answer. The contract's largest, two tokens and five claims, has a few kilobytes."""

POST_SECONDS = 30.0
GET_SECONDS = 10.0

_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # a small compressed answer may be huge
    "User-Agent": f"sudomimus-bridge/{__version__}",
}


class Transport(Protocol):
    """httpx's transport interface, and a call that opens a connection ahead. A test's transport answers from a script."""

    async def warm(self, url: str) -> None:
        """Open a connection to the host of `url`. Never raises."""
        ...

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request. Raises httpx's exceptions."""
        ...

    async def aclose(self) -> None:
        """Close all connections."""
        ...


class Exchange:
    """Exchanges requests and replies with one API of the service. Implements `replies.Address` and `replies.Sender`."""

    def __init__(self, base_url: str, transport: Transport, clock: Clock, *, through: str | None = None) -> None:
        """`through` names the proxy that the transport uses, for errors."""
        self.base_url = base_url
        self._through = through
        self._transport = transport
        self._clock = clock

    async def opened(self) -> Exchange:
        """This exchange, which is ready for use."""
        return self

    async def warm(self) -> None:
        """Open a connection ahead of the next request."""
        await self._transport.warm(self.base_url)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def post(self, path: str, body: Mapping[str, Any], sign: Sign | None = None) -> Replied | Failed:
        """POST a JSON object."""
        content = json.dumps(body, separators=(",", ":")).encode()
        headers = {**_HEADERS, "Content-Type": "application/json"}
        if sign is not None:
            headers["Authorization"] = sign(content).reveal()  # made from the exact bytes that are sent
        return await self._send("POST", path, POST_SECONDS, headers, content)

    async def get(self, path: str, bearer: Secret | None = None) -> Replied | Failed:
        """GET a JSON object. `bearer` is the token for the header Authorization (RFC 6750), if the call needs one."""
        headers = dict(_HEADERS)
        if bearer is not None:
            headers["Authorization"] = f"Bearer {bearer.reveal()}"
        return await self._send("GET", path, GET_SECONDS, headers, None)

    async def _send(
        self, method: str, path: str, seconds: float, headers: dict[str, str], content: bytes | None
    ) -> Replied | Failed:
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS).as_dict()
        request = httpx.Request(
            method, self.base_url + path, headers=headers, content=content, extensions={"timeout": timeout}
        )
        reply: Replied | Failed = Failed(Trouble.TIMEOUT, f"no whole answer within {seconds:.0f} seconds")
        with self._clock.move_on_after(seconds):
            try:
                reply = await self._receive(await self._transport.handle_async_request(request))
            except httpx.TimeoutException as error:
                reply = Failed(Trouble.TIMEOUT, type(error).__name__, isinstance(error, _BEFORE_SENDING))
            except (httpx.TransportError, httpx.StreamError, OSError) as error:
                reply = _failed(error)
        if isinstance(reply, Failed) and self._through is not None:
            return replace(reply, detail=f"{reply.detail}, through {self._through}")
        return reply

    async def _receive(self, response: httpx.Response) -> Replied | Failed:
        content = bytearray()
        try:
            if response.headers.get("Content-Encoding", "identity").lower() != "identity":
                return Failed(Trouble.UNREADABLE, "a compressed answer, which was not asked for")
            with anyio.CancelScope() as reading:
                async for chunk in response.aiter_raw():
                    content += chunk
                    if len(content) > MAX_BODY:
                        reading.cancel()  # ends the iteration from inside: an abandoned iterator would linger
            if len(content) > MAX_BODY:
                return Failed(Trouble.UNREADABLE, f"an answer of more than {MAX_BODY // 1024} KiB")
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        if response.has_redirect_location or 300 <= response.status_code < 400:
            return Failed(Trouble.UNREADABLE, f"a redirect ({response.status_code}), which is not followed")
        body, flaw = _json_object(response.headers.get("Content-Type", ""), bytes(content))
        date = _http_date(response.headers.get("Date", ""))
        retry_after = _retry_after(response.headers, self._clock.wall() if date is None else date)
        return Replied(response.status_code, body, flaw, retry_after, date)


def _retry_after(headers: httpx.Headers, now: float) -> float | None:
    """Retry-After in seconds (RFC 9110, 10.2.3). A date is compared with the answer's own Date: local clocks may be wrong."""
    text = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    then = _http_date(text)
    return None if then is None else max(0.0, then - now)


def _http_date(text: str) -> float | None:
    try:
        date = parsedate_to_datetime(text)
        # HTTP's dates are UTC (RFC 9110, 5.6.7), even without a zone.
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


def _json_object(content_type: str, content: bytes) -> tuple[dict[str, Any], str | None]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        return {}, f"{printable(kind[:60])} in place of application/json"
    try:
        body = read_json(content)
    except ValueError:
        return {}, "a body that is not JSON" if content else "an empty body"
    return (body, None) if isinstance(body, dict) else ({}, "JSON that is not an object")


# httpx raises these if it could not connect, also through a proxy. The request has not been sent then.
_BEFORE_SENDING = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

_NOT_TLS = {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"}
"""OpenSSL's reasons if the other side does not use TLS, such as a hotel's network that redirects every connection."""

_BROKEN_OFF = re.compile("disconnected|closed connection", re.IGNORECASE)
"""Words in h11's errors for an answer that does not arrive, or ends halfway."""


def _failed(error: Exception) -> Failed:
    """The trouble behind a transport's exception. The detail has class names and the system's words, but no URL or content."""
    unsent, name, text = isinstance(error, _BEFORE_SENDING), type(error).__name__, str(error)
    system: str | None = None
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            source = certificate_source()
            by = f" (by the certificates of {source})" if source else ""
            return Failed(Trouble.CERTIFICATE, f"{cause.verify_message}{by}", unsent)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS:
            return Failed(Trouble.UNREADABLE, f"{name}: {system_words(cause)}", unsent)
        if system is None and isinstance(cause, OSError) and cause.errno:
            system = _system_words(cause)
    if isinstance(error, httpx.ProxyError) and (status := re.match(r"[0-9]{3}(?= |$)", text)):
        system = f"the proxy answered {status[0]}"
    if isinstance(error, (httpx.DecodingError, httpx.RemoteProtocolError)) and not _BROKEN_OFF.search(text):
        return Failed(Trouble.UNREADABLE, f"{name}: the answer is not HTTP/1.1")
    return Failed(Trouble.NETWORK, f"{name}: {system}" if system else name, unsent)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, with each member of a group: a host may have several addresses."""
    yield error
    if isinstance(error, BaseExceptionGroup):
        for part in error.exceptions:
            yield from _causes(part)
    elif (cause := error.__cause__ or error.__context__) is not None:
        yield from _causes(cause)


def _system_words(error: OSError) -> str:
    """The system's words for an error's number. They say more than the words that asyncio and trio use instead."""
    if not isinstance(error, (ssl.SSLError, socket.gaierror, socket.herror)):  # their numbers are not the system's
        words = os.strerror(error.errno or 0)
        if "nknown error" not in words:  # on Windows, `os.strerror` lacks the errors of sockets
            return words
    return system_words(error)
