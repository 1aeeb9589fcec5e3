"""JSON-RPC 2.0 (https://www.jsonrpc.org/specification): reads and writes messages. `dispatcher` calls the methods.

If the specification leaves a choice, this module takes the strict one (see `parse` and `read_request`).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from .._values.secret import redact
from .streams import MAX_LINE, Overlong

Id = str | int | float | None

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603

_MESSAGES = {
    PARSE_ERROR: "Parse error",
    INVALID_REQUEST: "Invalid Request",
    METHOD_NOT_FOUND: "Method not found",
    INVALID_PARAMS: "Invalid params",
    INTERNAL_ERROR: "Internal error",
}

MAX_ID = 256
"""The most characters of an id that is a string. Every progress notification repeats it."""

MAX_NUMBER = 2**53 - 1
"""The largest id that is a number. Many JSON parsers read a larger number wrongly (RFC 8259, section 6)."""

_MEMBERS = {"jsonrpc", "id", "method", "params"}


class RpcError(Exception):
    """An error object: the specification's code and message, and our `data`. `request_id` is the request that it answers."""

    def __init__(self, code: int, message: str, data: Mapping[str, Any], request_id: Id = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data
        self.request_id = request_id


@dataclass(frozen=True)
class Request:
    """A valid request. Its params are kept apart: they may hold a secret."""

    method: str
    id: Id
    is_notification: bool


def refused(code: int, problem: str, field: str | None = None, request_id: Id = None) -> RpcError:
    """The standard error for a message that is refused, with the problem and the field that has it."""
    data = {} if field is None else {"field": field}
    return RpcError(code, _MESSAGES[code], {**data, "problem": problem}, request_id)


def shown_name(name: str) -> str:
    """A name from a message, made safe to repeat in an error."""
    masked = redact(name)  # before it is cut: the beginning of a secret would not be recognised
    return masked if len(masked) <= 60 else masked[:57] + "…"


def parse(line: bytes | Overlong) -> Any:
    """The JSON of one line. Raises `RpcError`: -32700 if the line is not JSON, -32600 if an object has a name twice.

    NaN and Infinity do not count as JSON either, nor do bytes that are not UTF-8, a byte order mark within the stream, an
    integer of thousands of digits, and more nesting than Python's parser accepts (some hundred levels).
    """
    if isinstance(line, Overlong):
        raise refused(INVALID_REQUEST, f"The line is longer than {MAX_LINE} bytes and was skipped.")
    try:
        return json.loads(line.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise refused(PARSE_ERROR, "The line is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise refused(PARSE_ERROR, f"The line is not JSON from character {error.pos + 1} on.") from None
    except RecursionError:
        raise refused(PARSE_ERROR, "The line is nested too deeply.") from None
    except ValueError:
        raise refused(PARSE_ERROR, "The line holds a number that is not JSON or has too many digits.") from None


def read_request(message: Any) -> tuple[Request, Any]:
    """The request and its params, or None if it has none. Raises `RpcError`, with the request's id if that is valid."""
    if not isinstance(message, dict):
        raise refused(INVALID_REQUEST, "A message must be an object.")
    request_id = _read_id(message)
    if message.get("jsonrpc") != "2.0":
        raise refused(INVALID_REQUEST, 'It must be "2.0".', "jsonrpc", request_id)
    if not isinstance(method := message.get("method"), str):
        raise refused(INVALID_REQUEST, "It must be a string.", "method", request_id)
    params = message.get("params")
    if "params" in message and not isinstance(params, (dict, list)):
        raise refused(INVALID_REQUEST, "It must be an object or an array.", "params", request_id)
    if unknown := message.keys() - _MEMBERS:
        raise refused(INVALID_REQUEST, "There is no such member.", shown_name(min(unknown)), request_id)
    return Request(method, request_id, "id" not in message), params


def _read_id(message: dict[str, Any]) -> Id:
    match request_id := message.get("id"):
        case None:
            return None
        case str():
            if len(request_id) <= MAX_ID:
                return request_id
            raise refused(INVALID_REQUEST, f"It may have at most {MAX_ID} characters.", "id")
        case int() | float() if not isinstance(request_id, bool):
            if abs(request_id) <= MAX_NUMBER:
                return request_id
            raise refused(INVALID_REQUEST, f"A number must be between -{MAX_NUMBER} and {MAX_NUMBER}.", "id")
    raise refused(INVALID_REQUEST, "It must be a string, a number or null.", "id")


def response(request_id: Id, result: Any) -> dict[str, Any]:
    """The response object of a success."""
    return {"jsonrpc": "2.0", "id": request_id, "result": result}


def error_response(error: RpcError, request_id: Id = None) -> dict[str, Any]:
    """The response object of a failure."""
    content = {"code": error.code, "message": error.message, "data": dict(error.data)}
    return {"jsonrpc": "2.0", "id": request_id, "error": content}


def notification(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """The notification object."""
    return {"jsonrpc": "2.0", "method": method, "params": dict(params)}


def to_line(message: Any) -> bytes:
    """A message as one line of ASCII, which is UTF-8. An escape keeps a lone surrogate, which UTF-8 cannot encode."""
    try:
        return json.dumps(message, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    except ValueError:
        return to_line(_finite(message))


def _finite(value: Any) -> Any:
    """`value` with null instead of NaN and Infinity: the service's claims may hold them, and JSON has no such numbers."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        duplicate = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise refused(INVALID_REQUEST, "It occurs twice.", shown_name(duplicate))
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
