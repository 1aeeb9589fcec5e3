"""JSON-RPC 2.0's server: takes lines, calls methods side by side, gives back what is to be sent. Knows no method itself,
and neither pipes nor logins.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import TaskGroup

from .._values.errors import LoginCancelled
from . import jsonrpc
from .jsonrpc import Id, Request, RpcError, refused
from .lines import Overlong

MAX_BATCH = 100
"""Messages of a batch: its answers are gathered until the last one is there."""

MAX_RUNNING = 64
"""Requests that run at the same time."""

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class Call:
    """One call of a method: its params as the method's `read` gave them, and a way to tell the asker something."""

    id: Id
    params: Any
    notify: Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Method:
    """How a method is called. `read` checks the params and raises `RpcError`.

    `answer` gives the result at once; `run` takes its time, beside others, and may be cancelled. One of them is there.
    """

    name: str
    read: Callable[[Any], Any]
    answer: Callable[[Call], Any] | None = None
    run: Callable[[Call], Awaitable[Any]] | None = None
    needs_asker: bool = False
    """Not called by a notification, which nobody waits for: what it gives would be lost."""
    cancelled: Callable[[], Exception] = LoginCancelled
    """What a call that is cancelled ends with."""
    ends_all: bool = False
    """It cancels all others, and neither their number nor a `cancel` stands in its way."""


class Dispatcher:
    """Answers the messages of one stream. `send` must not block; `explain` makes an error object of an exception."""

    def __init__(
        self,
        methods: Iterable[Method],
        send: Callable[[bytes], None],
        tasks: TaskGroup,
        explain: Callable[[Exception], RpcError],
    ) -> None:
        self._methods = {method.name: method for method in methods}
        self._send = send
        self._tasks = tasks
        self._explain = explain
        self._running: dict[Id, anyio.CancelScope] = {}
        self._unasked: set[anyio.CancelScope] = set()
        self._ending: set[anyio.CancelScope] = set()
        self._settled = anyio.Event()

    def receive(self, line: bytes | Overlong) -> None:
        """Take one line. What can be answered at once is answered before this returns."""
        if isinstance(line, bytes) and not line.strip():
            return
        try:
            message = jsonrpc.parse(line)
            if isinstance(message, list):
                self._receive_batch(message)
                return
            self._receive_one(message, lambda response: self._send(jsonrpc.to_line(response)))
        except Exception as error:  # noqa: BLE001 - whatever a line does, the next one is read
            self._send(jsonrpc.to_line(jsonrpc.error_response(self._explained(error))))

    def cancel(self, request_id: Id) -> bool:
        """Cancel a running request, which then ends with an error. False where there is none that can be cancelled."""
        scope = self._running.get(request_id)
        if scope is None or scope.cancel_called or scope in self._ending:
            return False
        scope.cancel()
        return True

    async def cancel_all(self, seconds: float) -> None:
        """Cancel all that runs, and wait that long at most until all is answered. Whoever asks for just that is left out."""
        others = {*self._running.values(), *self._unasked} - self._ending
        for scope in others:
            scope.cancel()
        with anyio.move_on_after(seconds):
            while not others.isdisjoint({*self._running.values(), *self._unasked}):
                await self._settled.wait()

    def _receive_batch(self, messages: list[Any]) -> None:
        if not messages:
            raise refused(jsonrpc.INVALID_REQUEST, "A batch must not be empty.")
        if len(messages) > MAX_BATCH:
            raise refused(jsonrpc.INVALID_REQUEST, f"A batch may hold {MAX_BATCH} messages at most.")
        batch = _Batch(len(messages), self._send)
        for message in messages:
            self._receive_one(message, batch.add, batch.over)

    def _receive_one(
        self, message: Any, answer: Callable[[dict[str, Any]], None], over: Callable[[], None] = lambda: None
    ) -> None:
        """Have one message answered by `answer`, unless it is a notification; `over` is called in any case."""
        try:
            request, params = jsonrpc.read_request(message)
        except RpcError as error:
            answer(jsonrpc.error_response(error, error.request_id))
            over()
            return
        if request.is_notification:
            answer = _nobody
        try:
            if self._start(request, params, answer, over):
                return
        except RpcError as error:
            answer(jsonrpc.error_response(error, request.id))
        except _DuplicateId:
            answer(jsonrpc.error_response(refused(jsonrpc.INVALID_REQUEST, "A request with this id still runs.", "id")))
        over()

    def _start(
        self, request: Request, params: Any, answer: Callable[[dict[str, Any]], None], over: Callable[[], None]
    ) -> bool:
        """Call the method. True where it goes on, and `answer` and `over` come later."""
        if not request.is_notification and request.id in self._running:
            raise _DuplicateId
        method = self._methods.get(request.method)
        if method is None:
            problem = f"There is no method {jsonrpc.shown_name(request.method)}."
            raise refused(jsonrpc.METHOD_NOT_FOUND, problem, "method")
        if request.is_notification and method.needs_asker:
            _log.warning("%s came without an id, so nobody would have its answer; it was not done", method.name)
            return False
        try:
            call = Call(request.id, method.read(params), self._notify)
            result = method.answer(call) if method.answer is not None else None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's and ends no other
            raise self._explained(error) from None
        if method.run is None:
            answer(jsonrpc.response(request.id, result))
            return False
        if len(self._running) + len(self._unasked) >= MAX_RUNNING and not method.ends_all:
            raise _too_many()
        self._tasks.start_soon(self._run, method, method.run, call, self._enter(request, method), request, answer, over)
        return True

    def _enter(self, request: Request, method: Method) -> anyio.CancelScope:
        scope = anyio.CancelScope()
        if method.ends_all:
            self._ending.add(scope)
        if request.is_notification:
            self._unasked.add(scope)
        else:
            self._running[request.id] = scope
        return scope

    async def _run(
        self,
        method: Method,
        run: Callable[[Call], Awaitable[Any]],
        call: Call,
        scope: anyio.CancelScope,
        request: Request,
        answer: Callable[[dict[str, Any]], None],
        over: Callable[[], None],
    ) -> None:
        response: dict[str, Any] | None = None
        with scope:
            try:
                response = jsonrpc.response(request.id, await run(call))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's and ends no other
                response = jsonrpc.error_response(self._explained(error), request.id)
        if response is None or scope.cancel_called:  # who was told that it is cancelled gets nothing else
            response = jsonrpc.error_response(self._explained(method.cancelled()), request.id)
        self._unasked.discard(scope)
        self._ending.discard(scope)
        if not request.is_notification:
            del self._running[request.id]
        answer(response)
        over()
        settled, self._settled = self._settled, anyio.Event()
        settled.set()

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self._send(jsonrpc.to_line(jsonrpc.notification(method, params)))

    def _explained(self, error: Exception) -> RpcError:
        return error if isinstance(error, RpcError) else self._explain(error)


class _Batch:
    """The answers of a batch, sent as one array once all its messages are over; nothing where there are none."""

    def __init__(self, messages: int, send: Callable[[bytes], None]) -> None:
        self._left = messages
        self._send = send
        self._responses: list[dict[str, Any]] = []

    def add(self, response: dict[str, Any]) -> None:
        self._responses.append(response)

    def over(self) -> None:
        self._left -= 1
        if self._left == 0 and self._responses:
            self._send(jsonrpc.to_line(self._responses))


class _DuplicateId(Exception):
    """The id is that of a running request: its answer must not be taken for that one's, so it bears no id."""


def _too_many() -> RpcError:
    sentence = f"{MAX_RUNNING} requests run already. Wait for one to end, or cancel one."
    return RpcError(-32000, sentence, {"kind": "service-unavailable", "reason": "TooManyRequests", "retryable": True})


def _nobody(_response: dict[str, Any]) -> None:
    """A notification is not answered, not even with an error."""
