"""The local service's own OpenAPI description of a dialect, made from the table of calls and the models.

One document describes all four APIs, because the local service has them on one port, each below its own path.
"""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from ..._version import __version__
from . import answers as a
from .calls import CALLS, Call
from .dialects import ClaimName, Dialect

_REF = "#/components/schemas/{model}"
Schema = dict[str, Any]


def description(dialect: Dialect, server: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of this dialect, for a service that is reached at `server`."""
    calls = [call for call in CALLS if dialect.profile_calls or not call.v4_only]
    paths: dict[str, Any] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call, dialect)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sudomimus, played by the local service of sudomimus-bridge",
            "version": f"{__version__}-{dialect.name}",
        },
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": _schemas(calls, dialect),
            "securitySchemes": {
                "SudomimusClientJWT": {"type": "apiKey", "in": "header", "name": "Authorization"},
                "AccessToken": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(call: Call, dialect: Dialect) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{call.api}{call.name}"),
        "tags": [call.api],
        "responses": {str(status): _response(call, status, dialect) for status in call.answers},
    }
    if names := re.findall(r"{(\w+)}", call.name):
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in names
        ]
    if call.request is not None:
        content = {"application/json": {"schema": {"$ref": _REF.format(model=call.request.__name__)}}}
        operation["requestBody"] = {"required": True, "content": content}
    if call.auth is not None:
        operation["security"] = [{"SudomimusClientJWT" if call.auth == "client JWT" else "AccessToken": []}]
    return operation


def _response(call: Call, status: int, dialect: Dialect) -> dict[str, Any]:
    model = _answer(call, status, dialect)
    reasons = [reason for reason in call.reasons.get(status, ()) if _spoken(reason, dialect)]
    response: dict[str, Any] = {"description": ", ".join(reasons) or ("empty" if model is None else model.__name__)}
    if model is not None:
        response["content"] = {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
    if status == 200 and (call.no_store == "always" or (call.no_store == "v4" and dialect.more_no_store)):
        response["headers"] = {
            "Cache-Control": {"required": True, "schema": {"type": "string", "const": "no-store"}},
            "Pragma": {"required": True, "schema": {"type": "string", "const": "no-cache"}},
        }
    return response


def _answer(call: Call, status: int, dialect: Dialect) -> type[BaseModel] | None:
    model = call.answers[status]
    return a.RevokedCount if model is a.RevokedAll and dialect.revoke_all_counts else model


def _spoken(reason: str, dialect: Dialect) -> bool:
    off = {"ApplicationNotActive", "ApplicationDisabled"}
    return reason not in off or reason == dialect.application_disabled


# --- schemas ---------------------------------------------------------------------------------------------------------


def _schemas(calls: list[Call], dialect: Dialect) -> dict[str, Schema]:
    requests = {call.request for call in calls if call.request is not None}
    answers = {model for call in calls for status in call.answers if (model := _answer(call, status, dialect))}
    made: dict[str, Schema] = {}
    for models, mode, finish in ((requests, "validation", _request), (answers, "serialization", _reply)):
        ordered = sorted(models, key=lambda model: model.__name__)
        inputs = [(model, mode) for model in ordered]
        _, document = models_json_schema(inputs, ref_template=_REF)  # type: ignore[arg-type]
        made |= {name: finish(name, schema, dialect) for name, schema in document["$defs"].items()}
    return made


def _request(_name: str, schema: Schema, dialect: Dialect) -> Schema:
    schema = _without_null(schema)
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        schema["additionalProperties"] = not dialect.closed_bodies
    for name, member in schema.get("properties", {}).items():
        if name.endswith("TtlSeconds") and dialect.lifetimes_from_one_second:
            member["minimum"] = 1
        if name == "steamTicketHex" and dialect.longest_ticket_hex:
            member["maxLength"] = dialect.longest_ticket_hex
    return schema


def _reply(name: str, schema: Schema, dialect: Dialect) -> Schema:
    if name != a.ErrandOffer.__name__:
        schema = _without_null(schema)
    members, required = schema.get("properties", {}), schema.setdefault("required", [])
    if name == a.Claims.__name__:
        absent = set(get_args(ClaimName)) - set(dialect.claims)
        schema["properties"] = {claim: member for claim, member in members.items() if claim not in absent}
        schema["required"] = list(dialect.claims)
    if name == a.Info.__name__:
        if dialect.info_has_public_key:
            required.append("applicationPublicKey")
        else:
            del members["applicationPublicKey"]
    if name == a.Claim.__name__:
        known = [one for one in members["requirement"]["enum"] if dialect.requirement_names.get(one, one) == one]
        members["requirement"]["enum"] = known
    return schema


def _without_null(schema: Schema) -> Schema:
    """Remove null: an optional member is absent from the message, and never null."""

    def finished(part: Any) -> Any:
        if isinstance(part, list):
            return [finished(item) for item in part]
        if not isinstance(part, dict):
            return part
        part = {name: finished(value) for name, value in part.items() if not (name == "default" and value is None)}
        choices = [choice for choice in part.get("anyOf", ()) if choice != {"type": "null"}]
        if "anyOf" in part and len(choices) == 1:
            del part["anyOf"]
            part = {**choices[0], **part}
        return part

    done: Schema = finished(schema)
    return done
