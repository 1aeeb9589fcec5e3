"""The interface as an OpenRPC document (https://spec.open-rpc.org), built from the models that check the messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from .._version import __version__
from . import jsonrpc, messages
from .interface import Row

OPENRPC = "1.3.2"

_REFUSALS = {
    jsonrpc.PARSE_ERROR: "The line is not JSON.",
    jsonrpc.INVALID_REQUEST: "The JSON is not a request.",
    jsonrpc.METHOD_NOT_FOUND: "There is no such method.",
    jsonrpc.INVALID_PARAMS: "A param is not valid.",
}
_FAILURES = {
    jsonrpc.INTERNAL_ERROR: "The bridge itself failed.",
    -32000: "The request failed with one of the bridge's errors.",
}


def document(table: Iterable[Row]) -> dict[str, Any]:
    """The whole document. Parts that OpenRPC does not define have names that begin with `x-`."""
    rows = list(table)
    names = {name for row in rows for name in (row.params, row.result) if name}
    names |= {"Progress", "ErrorData", "RefusalData"}
    incoming = {row.params for row in rows}
    _, definitions = models_json_schema(
        [(getattr(messages, name), "validation" if name in incoming else "serialization") for name in sorted(names)],
        ref_template="#/components/schemas/{model}",
        schema_generator=_Schemas,
    )
    schemas = definitions["$defs"]
    return {
        "openrpc": OPENRPC,
        "info": {
            "title": "sudomimus-bridge sidecar",
            "version": __version__,
            "description": "JSON-RPC 2.0 over standard input and output, one UTF-8 message a line.",
        },
        "methods": [_method(row, schemas) for row in rows],
        "components": {"schemas": schemas, "errors": _errors()},
        "x-error-data": _error_data(),
        "x-notifications": [
            {
                "name": "progress",
                "summary": (messages.Progress.__doc__ or "").strip(),
                "paramStructure": "by-name",
                "params": _descriptors(schemas["Progress"]),
            }
        ],
    }


class _Schemas(GenerateJsonSchema):
    """pydantic's schemas, without titles that repeat a name and without null for a member that may be left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002
        return False

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        if schema.get("default", ...) is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def _method(row: Row, schemas: dict[str, Any]) -> dict[str, Any]:
    codes = [str(code) for code in _REFUSALS] + [str(jsonrpc.INTERNAL_ERROR)]
    if row.for_player:
        codes.append("-32000")
    return {
        "name": row.name,
        "summary": row.summary,
        "paramStructure": "by-name",
        "params": _descriptors(schemas[row.params]) if row.params else [],
        "result": _result(row),
        "errors": [{"$ref": f"#/components/errors/{code}"} for code in codes],
    }


def _result(row: Row) -> dict[str, Any]:
    if row.result:
        return {"name": row.result, "schema": {"$ref": f"#/components/schemas/{row.result}"}}
    if row.result is None:
        return {"name": "nothing", "schema": {"type": "null"}}
    return {"name": "document", "schema": {"type": "object"}}


def _descriptors(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The members of a message as OpenRPC's content descriptors."""
    required = schema.get("required", [])
    return [
        {"name": name, "required": name in required, "schema": member} for name, member in schema["properties"].items()
    ]


def _errors() -> dict[str, Any]:
    return {str(code): {"code": code, "message": message} for code, message in {**_REFUSALS, **_FAILURES}.items()}


def _error_data() -> dict[str, Any]:
    """The schema of `data` for each error code. OpenRPC's own error object holds only a value, no schema."""
    return {
        str(code): {"$ref": f"#/components/schemas/{name}"}
        for codes, name in ((_REFUSALS, "RefusalData"), (_FAILURES, "ErrorData"))
        for code in codes
    }
