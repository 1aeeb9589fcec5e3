"""The service port for tests: the real client on a transport of httpx that answers from a script.

All code above the transport is the code that runs in a game.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from .._service.exchange import Exchange
from .._service.operations import Operation
from .._service.remote import RemoteService
from .._settings import Settings
from .._values.clock import Clock

TOKENS = {"applicationAnchor": "my-game", "accessToken": "access.token.1", "refreshToken": "refresh.token.1"}


@dataclass(frozen=True)
class Step:
    """The answer to one request: a response after `delay` seconds, or an exception of httpx.

    `body` is sent as JSON, unless it is bytes or a function that returns them.
    """

    status: int = 200
    body: Any = field(default_factory=lambda: {**TOKENS, "claims": {}})
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    chunk_delay: float = 0.0
    """Seconds before each piece of the body, for a slow response."""
    raises: type[httpx.TransportError] | None = None


def errand_step(url: str = "https://via.sudomimus.com/errand?key=ernd_1", key: str = "ernd_1", **more: Any) -> Step:
    """Return the 403 of the claim gate."""
    body = {
        "reason": "ClaimConsentRequired",
        "claims": {"email": {"requirement": "REQUIRED", "state": "UNKNOWN"}},
        "errand": {"errandKey": key, "url": url, "expiresAt": "2026-06-10T12:30:00Z"},
        **more,
    }
    return Step(403, body)


@dataclass(frozen=True)
class Seen:
    """One request that the script received, and its time."""

    method: str
    path: str
    body: dict[str, Any] = field(repr=False)
    at: float
    host: str = ""
    content: bytes = field(default=b"", repr=False)
    authorization: str | None = field(default=None, repr=False)


_POLLS = ("/status", Operation.STATUS_POLL, Operation.DEVICE_TOKEN)


class ScriptedTransport(httpx.AsyncBaseTransport):
    """Answers polls from one script and all other requests from another. The last step of each repeats."""

    def __init__(self, clock: Clock, posts: Iterable[Step], polls: Iterable[Step] = ()) -> None:
        self._clock = clock
        self._posts = list(posts)
        self._polls = list(polls) or [Step(body={"status": "PENDING"})]
        self.seen: list[Seen] = []
        self.on_request: Callable[[Seen], object] | None = None

    async def warm(self, url: str) -> None:
        """Open no connection."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer with the next step of the script."""
        sent = json.loads(request.content) if request.method == "POST" else {}
        seen = Seen(
            request.method,
            request.url.path,
            sent,
            self._clock.now(),
            request.url.host,
            request.content,
            request.headers.get("Authorization"),
        )
        self.seen.append(seen)
        if self.on_request is not None:
            self.on_request(seen)
        script = self._polls if request.url.path.endswith(_POLLS) else self._posts
        step = script.pop(0) if len(script) > 1 else script[0]
        await self._clock.sleep(step.delay)
        if step.raises is not None:
            raise step.raises("scripted")
        body = step.body() if callable(step.body) else step.body
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **step.headers}
        return httpx.Response(step.status, headers=headers, stream=_Drip(content, step.chunk_delay, self._clock))


class _Drip(httpx.AsyncByteStream):
    def __init__(self, content: bytes, delay: float, clock: Clock) -> None:
        self._content = content
        self._delay = delay
        self._clock = clock

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self._content), 16 * 1024):
            await self._clock.sleep(self._delay)
            yield self._content[at : at + 16 * 1024]


def scripted(transport: ScriptedTransport) -> Callable[[Settings, Clock], Any]:
    """A function for `Ports(open_service=…)` that uses a scripted transport."""

    @asynccontextmanager
    async def open_service(settings: Settings, clock: Clock) -> AsyncIterator[RemoteService]:
        yield RemoteService(
            native=Exchange(settings.native_url, transport, clock),
            connect=Exchange(settings.connect_url, transport, clock),
            device=Exchange(settings.device_url, transport, clock),
            session=Exchange(settings.session_url, transport, clock),
            clock=clock,
        )

    return open_service
