"""The JSON-RPC 2.0 server: takes lines, runs methods side by side, sends responses. It knows no method, pipe or login."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import anyio
from anyio.abc import TaskGroup

from .._values.errors import LoginCancelled
from .._values.secret import without_frames
from . import jsonrpc
from .jsonrpc import Id, Request, RpcError, refused
from .streams import Overlong

MAX_BATCH = 100
"""The most messages of a batch. Its responses are kept until the last of them is ready."""

MAX_RUNNING = 64
"""The most requests that run at the same time."""

_log = logging.getLogger("sudomimus_bridge")


@dataclass(frozen=True)
class Call:
    """One call of a method: its params as the method's `read` returned them, and a way to notify the caller."""

    id: Id
    params: Any
    notify: Callable[[str, dict[str, Any]], None]


@dataclass(frozen=True)
class Method:
    """A method and how to call it. Each has either `answer` or `run`. `read` checks the params and raises `RpcError`."""

    name: str
    read: Callable[[Any], Any]
    answer: Callable[[Call], Any] | None = None
    """Returns the result at once."""
    run: Callable[[Call], Awaitable[Any]] | None = None
    """Takes a while. It runs beside other requests and may be cancelled."""
    needs_id: bool = False
    """Refuse a notification: nobody would receive the result."""
    cancelled: Callable[[], Exception] = LoginCancelled
    """Makes the error for a call that is cancelled."""
    ends_all: bool = False
    """The method cancels all other requests. `cancel` does not stop it, and it may exceed `MAX_RUNNING`."""


class Dispatcher:
    """Answers the messages of one stream. `send` must not block; `explain` turns an exception into an error object."""

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
        self._requests: dict[Id, anyio.CancelScope] = {}
        self._notifications: set[anyio.CancelScope] = set()
        self._ending: set[anyio.CancelScope] = set()
        self._one_ended = anyio.Event()

    def receive(self, line: bytes | Overlong) -> None:
        """Take one line. A request that can be answered at once is answered before this returns."""
        if isinstance(line, bytes) and not line.strip():
            return
        try:
            message = jsonrpc.parse(line)
            batch = _read_batch(message)
            replies = _Replies(1 if batch is None else len(batch), self._send, as_array=batch is not None)
            for each in [message] if batch is None else batch:
                self._receive_one(each, replies)
        except Exception as error:  # noqa: BLE001 - whatever a line holds, the next one is read
            explained = self._explained(without_frames(error))  # this frame holds the line, which may contain secrets
            self._send(jsonrpc.to_line(jsonrpc.error_response(explained)))

    def cancel(self, request_id: Id) -> bool:
        """Cancel a running request, which then ends with an error. False if no such request can be cancelled."""
        scope = self._requests.get(request_id)
        if scope is None or scope.cancel_called or scope in self._ending:
            return False
        scope.cancel()
        return True

    async def cancel_all(self, seconds: float) -> None:
        """Cancel all running calls except those of methods that `ends_all`, and wait up to `seconds` for their responses."""
        others = {*self._requests.values(), *self._notifications} - self._ending
        for scope in others:
            scope.cancel()
        with anyio.move_on_after(seconds):
            while not others.isdisjoint({*self._requests.values(), *self._notifications}):
                await self._one_ended.wait()

    def _receive_one(self, message: Any, replies: _Replies) -> None:
        try:
            request, params = jsonrpc.read_request(message)
        except RpcError as error:
            replies.settle(jsonrpc.error_response(error, error.request_id))
            return
        if not request.is_notification and request.id in self._requests:
            # The response has no id, so that it is not taken for the running request's.
            duplicate = refused(jsonrpc.INVALID_REQUEST, "A request with this id is still running.", "id")
            replies.settle(jsonrpc.error_response(duplicate))
            return
        try:
            self._call(request, params, replies)
        except RpcError as error:
            replies.settle(None if request.is_notification else jsonrpc.error_response(error, request.id))

    def _call(self, request: Request, params: Any, replies: _Replies) -> None:
        """Call the method: settle its response now, or start a task that settles it later. Raises `RpcError`."""
        method = self._methods.get(request.method)
        if method is None:
            problem = f"There is no method {jsonrpc.shown_name(request.method)}."
            raise refused(jsonrpc.METHOD_NOT_FOUND, problem, "method")
        if request.is_notification and method.needs_id:
            _log.warning("%s was ignored: without an id, nobody would receive its result", method.name)
            replies.settle(None)
            return
        try:
            call = Call(request.id, method.read(params), self._notify)
            result = method.answer(call) if method.answer is not None else None
        except Exception as error:  # noqa: BLE001 - any error is this request's and ends no other
            raise self._explained(without_frames(error)) from None  # this frame holds the params
        if method.run is None:
            replies.settle(None if request.is_notification else jsonrpc.response(request.id, result))
            return
        if len(self._requests) + len(self._notifications) >= MAX_RUNNING and not method.ends_all:
            raise _too_many()
        self._tasks.start_soon(self._run, method, method.run, call, self._enter(request, method), request, replies)

    def _enter(self, request: Request, method: Method) -> anyio.CancelScope:
        scope = anyio.CancelScope()
        if method.ends_all:
            self._ending.add(scope)
        if request.is_notification:
            self._notifications.add(scope)
        else:
            self._requests[request.id] = scope
        return scope

    async def _run(
        self,
        method: Method,
        run: Callable[[Call], Awaitable[Any]],
        call: Call,
        scope: anyio.CancelScope,
        request: Request,
        replies: _Replies,
    ) -> None:
        response: dict[str, Any] | None = None
        with scope:
            try:
                response = jsonrpc.response(request.id, await run(call))
            except Exception as error:  # noqa: BLE001 - any error is this request's and ends no other
                response = jsonrpc.error_response(self._explained(error), request.id)
        if response is None or scope.cancel_called:  # after `cancel` returned true, no result may follow
            response = jsonrpc.error_response(self._explained(method.cancelled()), request.id)
        self._notifications.discard(scope)
        self._ending.discard(scope)
        if not request.is_notification:
            del self._requests[request.id]
        replies.settle(None if request.is_notification else response)
        ended, self._one_ended = self._one_ended, anyio.Event()
        ended.set()

    def _notify(self, method: str, params: dict[str, Any]) -> None:
        self._send(jsonrpc.to_line(jsonrpc.notification(method, params)))

    def _explained(self, error: Exception) -> RpcError:
        return error if isinstance(error, RpcError) else self._explain(error)


def _read_batch(message: Any) -> list[Any] | None:
    """The messages of a batch; None for a single message. Raises `RpcError` if the batch is empty or too long."""
    if not isinstance(message, list):
        return None
    if not message:
        raise refused(jsonrpc.INVALID_REQUEST, "A batch must not be empty.")
    if len(message) > MAX_BATCH:
        raise refused(jsonrpc.INVALID_REQUEST, f"A batch may hold at most {MAX_BATCH} messages.")
    return message


class _Replies:
    """The responses to the messages of one line, sent when the last of them is settled."""

    def __init__(self, messages: int, send: Callable[[bytes], None], *, as_array: bool) -> None:
        self._left = messages
        self._send = send
        self._as_array = as_array
        self._responses: list[dict[str, Any]] = []

    def settle(self, response: dict[str, Any] | None) -> None:
        """Settle one message. None: it is a notification, which has no response, not even an error."""
        self._left -= 1
        if response is not None:
            self._responses.append(response)
        if self._left == 0 and self._responses:
            self._send(jsonrpc.to_line(self._responses if self._as_array else self._responses[0]))


def _too_many() -> RpcError:
    sentence = f"{MAX_RUNNING} requests are running already. Wait until one ends, or cancel one."
    return RpcError(-32000, sentence, {"kind": "service-unavailable", "reason": "TooManyRequests", "retryable": True})
