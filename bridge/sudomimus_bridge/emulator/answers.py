"""HTTP in and out, the same for all four APIs: a JSON object read, tokens or a refusal written.

What is answered stands in the rules; nothing here decides.
"""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .._version import __version__
from .config import Drift
from .refusals import Refusal, error_body
from .state import State

_LARGEST_BODY = 1 << 20
# The contracts' CredentialCacheControl and CredentialPragma.
CREDENTIAL_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}


async def raw_body(request: Request) -> bytes:
    """The body's bytes as they were sent."""
    raw = bytearray()
    try:
        async for chunk in request.stream():
            raw += chunk
            if len(raw) > _LARGEST_BODY:
                raise Refusal(413, "InvalidBody")
    except ClientDisconnect:
        raise Refusal(400, "InvalidBody") from None
    return bytes(raw)


def json_object(request: Request, raw: bytes) -> dict[str, Any]:
    """The body, or InvalidBody "without parser or validation-library detail"."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise Refusal(400, "InvalidBody")
    try:
        body = read_json(raw)
    except ValueError:
        raise Refusal(400, "InvalidBody") from None
    if not isinstance(body, dict):
        raise Refusal(400, "InvalidBody")
    return body


def read_json(raw: bytes) -> Any:
    """What the bytes say as JSON, more strictly than `json.loads` takes it: UTF-8 without a mark (RFC 8259, 8.1), no NaN
    and no Infinity. 480.0 is the integer that it is (JSON Schema validation, 6.1.1). Raises ValueError.
    """
    try:
        value = json.loads(raw.decode(), parse_float=_number, parse_constant=_no_number)
        # Half a surrogate pair ("\ud800") passes as JSON, and is no text that could be looked up or hashed.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    return value


def issued(body: dict[str, Any], state: State) -> Response:
    """A 200 that no cache may keep."""
    return JSONResponse(_drifted(body, state.config.drift), headers=CREDENTIAL_HEADERS)


def refused(request: Request, refusal: Refusal, state: State) -> Response:
    """A refusal as the schema Error has it, and its reason in the journal."""
    request.state.reason = refusal.reason
    headers = {"Cache-Control": "no-store"}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    body = error_body(refusal.reason)
    if body is None:
        return Response(status_code=refusal.status, headers=headers)
    if refusal.more:
        body = _drifted(body | refusal.more, state.config.drift)
    return JSONResponse(body, status_code=refusal.status, headers=headers)


def health(path: str, service: str) -> Route:
    """The route of HealthResponse, which each API has."""

    async def answer(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "service": service, "version": __version__})

    return Route(path, answer, methods=["GET"])


def _number(text: str) -> int | float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("the number is too large")
    return int(number) if number.is_integer() else number


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _drifted(body: dict[str, Any], drift: Drift) -> dict[str, Any]:
    changed = body | drift.fields
    if drift.claims and "claims" in changed:
        changed["claims"] = changed["claims"] | drift.claims
    return {name: value for name, value in changed.items() if name not in drift.without}
