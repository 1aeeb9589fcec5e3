"""The local service's settings and faults, from its models, and its own paths."""

from __future__ import annotations

import inspect
import json
import re
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
    parts = [_table(EmulatorConfig, "")]
    fields: dict[str, Any] = dict(EmulatorConfig.model_fields)
    for name, field in fields.items():
        model = _model_of(field)
        if model is not None and model is not FaultRule:
            path = f"{name}[]" if "list" in str(field.annotation) else name
            parts += [f"### `{path}`", inspect.cleandoc(model.__doc__ or ""), _table(model, "")]
    return "\n\n".join(parts)


def _model_of(field: Any) -> Any:
    for kind in (field.annotation, *getattr(field.annotation, "__args__", ())):
        if isinstance(kind, type) and issubclass(kind, (limits.Settings, FaultRule)):
            return kind
    return None


def _table(model: Any, prefix: str) -> str:
    told = _comments(model)
    schema = model.model_json_schema()["properties"]
    rows = []
    for name, field in model.model_fields.items():
        if model is EmulatorConfig and _model_of(field) is not None:
            continue
        wire = field.alias or name
        rows.append((code(prefix + wire), code(_default(field)), _allowed(schema.get(wire, {})), told.get(name, "")))
    return table(("setting", "default", "values", "meaning"), rows)


def _comments(model: Any) -> dict[str, str]:
    """The comment above each field of a model."""
    found = {}
    for match in _FIELD.finditer(inspect.getsource(model)):
        found[match[2]] = " ".join(line.strip().removeprefix("# ") for line in match[1].splitlines())
    return found


def _default(field: Any) -> str:
    if field.default_factory is not None:
        made = field.default_factory()
        return json.dumps(made) if isinstance(made, (list, dict)) and not _model_of(field) else "random"
    if field.is_required():
        return "required"
    return json.dumps(field.default, default=str)


def _allowed(schema: dict[str, Any]) -> str:
    kinds = [schema, *schema.get("anyOf", []), schema.get("items", {})]
    values = [value for kind in kinds for value in kind.get("enum", [])]
    if values:
        return ", ".join(code(value) for value in values)
    for kind in kinds:
        low = kind.get("minimum", kind.get("exclusiveMinimum"))
        high = kind.get("maximum", kind.get("exclusiveMaximum"))
        if low is not None or high is not None:
            return f"{low if low is not None else ''}{' to ' + format(high) if high is not None else ' or more'}"
    return ""


def faults() -> str:
    """Every member of a fault rule, as JSON has it."""
    told, rows = _comments(FaultRule), []
    meanings = {
        "method": "The method of the requests, with `*` for any characters.",
        "path": "The path of the requests, with `*` for any characters.",
    }
    for name, field in FaultRule.model_fields.items():
        meaning = told.get(name) or meanings.get(name, "")
        rows.append((code(to_camel(name)), code(_default(field)), meaning))
    return table(("member", "default", "meaning"), rows)


def paths() -> str:
    """The paths with which a running service is controlled."""
    rows = []
    for route in control.ControlApi(cast("Controls", None)).routes():
        for method in sorted((route.methods or set()) - {"HEAD"}):
            rows.append((code(f"{method} {route.path}"), inspect.cleandoc(route.endpoint.__doc__ or "").split("\n")[0]))
    return table(("request", "what it does"), rows)
