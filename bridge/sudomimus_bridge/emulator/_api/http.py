"""HTTP input and output of all four APIs: this reads a request's body into its model, and writes an answer or a refusal.

The rules decide which answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._service.establish_request import AS_DOCUMENTED, unknown_members
from ..._version import __version__
from .._config.config import Drift
from .._contract.calls import BASES, Api, call_of
from .._memory.state import State
from .._rules.issuance import Refusal, error_body

_LARGEST_BODY = 1 << 20
NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""The headers of an answer that carries a credential."""

B = TypeVar("B", bound=BaseModel)
Rule = Callable[[State, B], dict[str, Any]]


async def raw_body(request: Request) -> bytes:
    """The bytes of the body, unchanged."""
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
    """The body as a JSON object. The refusal does not contain the parser's message."""
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
    """JSON, more strictly than `json.loads`: UTF-8 without a mark (RFC 8259, 8.1), no NaN, no Infinity. Raises ValueError.

    480.0 is read as the integer 480 (JSON Schema validation, 6.1.1).
    """
    try:
        value = json.loads(raw.decode(), parse_float=_number, parse_constant=_no_number)
        # JSON may contain a lone surrogate ("\\ud800"), but Python cannot encode or hash it as UTF-8.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise ValueError("the body is not JSON") from None
    return value


def fitted(model: type[B], body: dict[str, Any], state: State) -> B:
    """The body in its model, or `InvalidBody`."""
    dialect = state.dialect
    try:
        context = AS_DOCUMENTED if dialect.lifetimes_from_one_second else None
        made = model.model_validate(body, context=context)
    except ValidationError:
        raise Refusal(400, "InvalidBody") from None
    if dialect.closed_bodies and any(unknown_members(made)):
        raise Refusal(400, "InvalidBody")
    return made


async def read(request: Request, model: type[B], state: State) -> B:
    """The request's body in its model, or `InvalidBody`."""
    return fitted(model, json_object(request, await raw_body(request)), state)


async def answer(request: Request, model: type[B], rule: Rule[B], state: State) -> Response:
    """A call that needs only its body: read the body, apply the rule, and write its answer."""
    try:
        body = await read(request, model, state)
        with state.lock:
            return issued(request, rule(state, body), state)
    except Refusal as refusal:
        return refused(request, refusal, state)


def issued(request: Request, body: dict[str, Any], state: State) -> Response:
    """A 200. The call's row in the table says whether it forbids caching."""
    call = call_of(request.url.path)
    no_store = call.no_store == "always" or (call.no_store == "v4" and state.dialect.more_no_store)
    request.state.reason = body.get("status") if isinstance(body.get("status"), str) else None
    return JSONResponse(_drifted(body, state.config.drift), headers=NO_STORE if no_store else None)


def refused(request: Request, refusal: Refusal, state: State) -> Response:
    """A refusal. Its reason also goes into the journal."""
    request.state.reason = refusal.reason
    headers = {"Cache-Control": "no-store"}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    body = error_body(refusal.reason)
    if body is None:
        return Response(status_code=refusal.status, headers=headers)
    if refusal.more:
        body = _drifted(body | refusal.more, state.config.drift)
    if refusal.status == 403 and state.dialect.more_no_store:
        headers |= NO_STORE
    return JSONResponse(body, status_code=refusal.status, headers=headers)


def health(api: Api) -> Route:
    """The route `/health` of an API."""

    async def answer(_request: Request) -> Response:
        return JSONResponse({"status": "ok", "service": f"sudomimus-{api}", "version": __version__})

    return Route(f"{BASES[api]}/health", answer, methods=["GET"])


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
