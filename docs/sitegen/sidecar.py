"""The sidecar's methods and messages, from its OpenRPC document."""

from __future__ import annotations

from functools import cache
from typing import Any

from sudomimus_bridge._sidecar.methods import TABLE
from sudomimus_bridge._sidecar.openrpc import document

from .tables import code, table


def methods() -> str:
    """Every method: its params and its result."""
    return "\n\n".join(_method(method) for method in document(TABLE)["methods"])


def _method(method: dict[str, Any]) -> str:
    result = method.get("result", {}).get("schema", {})
    parts = [f"### `{method['name']}`", method["summary"]]
    if method.get("params"):
        rows = [
            (code(each["name"]), _meaning(each), _type(each["schema"]), "yes" if each.get("required") else "no")
            for each in method["params"]
        ]
        parts.append(table(("param", "meaning", "type", "required"), rows))
    else:
        parts.append("It takes no params.")
    parts.append(f"Result: {_type(result) or 'an object'}.")
    return "\n\n".join(parts)


def messages() -> str:
    """Every object that a message may hold."""
    return "\n\n".join(_schema(name, schema) for name, schema in sorted(_schemas().items()) if "properties" in schema)


@cache
def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = document(TABLE)["components"]["schemas"]
    return found


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (code(member), _meaning({"schema": each, **each}), _type(each), "yes" if member in required else "no")
        for member, each in schema["properties"].items()
    ]
    return "\n\n".join(
        [f"### {name}", schema.get("description", ""), table(("member", "meaning", "type", "always there"), rows)]
    )


def _meaning(each: dict[str, Any]) -> str:
    schema = each.get("schema", {})
    named = _schemas().get(schema.get("$ref", "").rsplit("/", 1)[-1], {})
    text = (each.get("description") or schema.get("description") or named["description"]).partition("\n\n")[0]
    if "default" in schema:
        value = {True: "true", False: "false"}.get(schema["default"], schema["default"])
        text = f"{text} Default: `{value}`.".strip()
    return " ".join(text.split())


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})" if name != "Phase" else "[phase](../sidecar.md#progress)"
    if "const" in schema or "enum" in schema:
        return ", ".join(code(value) for value in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"array of {_type(schema.get('items', {})) or 'any'}"
    kind = schema.get("type", "")
    return str(kind) if isinstance(kind, str) else " or ".join(kind)
