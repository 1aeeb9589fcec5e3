"""The local service's settings and faults, from its models, and its own paths."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any, cast

from pydantic.alias_generators import to_camel

from sudomimus_bridge.emulator._config import limits
from sudomimus_bridge.emulator._config.config import EmulatorConfig
from sudomimus_bridge.emulator._config.fault_rule import FaultRule
from sudomimus_bridge.emulator._controls import Controls
from sudomimus_bridge.emulator._web import control

from .tables import code, table

_FIELD = re.compile(r"((?:^    # [^\n]*\n)*)^    (\w+): ", re.MULTILINE)


def settings() -> str:
    """Every setting by its path, with its default and its meaning. A model within the settings has a table of its own."""
    return "\n\n".join([_table(EmulatorConfig), *_models_in(EmulatorConfig, "")])


def _models_in(model: Any, path: str) -> Iterator[str]:
    """The title, the text and the table of each model within a model."""
    for name, field in model.model_fields.items():
        inner = _model_of(field)
        if inner is not None and inner is not FaultRule:
            here = path + to_camel(name) + ("[]" if "list" in str(field.annotation) else "")
            yield from (f"### `{here}`", inspect.cleandoc(inner.__doc__ or ""), _table(inner))
            yield from _models_in(inner, f"{here}.")


def _model_of(field: Any) -> Any:
    for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, (limits.Settings, FaultRule)):
            return kind
    return None


def _table(model: Any) -> str:
    told = _comments(model)
    schema = model.model_json_schema()["properties"]
    rows = []
    for name, field in model.model_fields.items():
        wire = field.alias or name
        if _model_of(field) is None:
            rows.append((code(wire), told[name], _default(field), _allowed(schema[wire])))
    return table(("setting", "meaning", "default", "values"), rows)


def _comments(model: Any) -> dict[str, str]:
    """The comment above each field of a model."""
    found = {}
    for match in _FIELD.finditer(inspect.getsource(model)):
        found[match[2]] = " ".join(line.strip().removeprefix("# ") for line in match[1].splitlines())
    return found


def _default(field: Any) -> str:
    if field.default_factory is not None:
        made = field.default_factory()
        return f"`{json.dumps(made)}`" if isinstance(made, (list, dict)) else "random"
    return "none: required" if field.is_required() else f"`{json.dumps(field.default, default=str)}`"


def _allowed(schema: dict[str, Any]) -> str:
    """What a JSON schema allows, in words."""
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_allowed(each) for each in schema["anyOf"])
    kind = schema.get("type", "")
    if kind == "array":
        return f"a list; each item: {_allowed(schema['items'])}"
    if kind in ("integer", "number"):
        return f"{'whole number' if kind == 'integer' else 'number'}{_bounds(schema)}"
    return {"string": "text", "boolean": "`true` or `false`", "null": "`null`", "object": "an object"}.get(
        kind, "any JSON"
    )


def _bounds(schema: dict[str, Any]) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high = schema.get("maximum")
    parts = [f"from {low:,}" if low is not None else f"above {above:,}" if above is not None else ""]
    parts.append(f"to {high:,}" if high is not None else "")
    return "".join(f" {part}" for part in parts if part)


def faults() -> str:
    """Every member of a fault rule, as JSON has it."""
    return _table(FaultRule).replace("| setting |", "| member |", 1)


def paths() -> str:
    """The paths with which a running service is controlled."""
    rows = []
    for route in control.ControlApi(cast("Controls", None)).routes():
        for method in sorted((route.methods or set()) - {"HEAD"}):
            rows.append((code(f"{method} {route.path}"), inspect.cleandoc(route.endpoint.__doc__ or "").split("\n")[0]))
    return table(("request", "what it does"), rows)
