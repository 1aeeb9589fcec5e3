"""An OpenAPI document as sets: for each call its members, statuses and reasons. `compare_contract` compares with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

NOT_A_REASON = frozenset({"GetAuthTicketForWebApi"})
"""Words in the descriptions of answers that look like reasons."""


class Unreadable(Exception):
    """The document cannot be compared. The message says why."""


@dataclass
class Described:
    """What a document says about one call."""

    sends: set[str] = field(default_factory=set)
    reads: set[str] = field(default_factory=set)
    statuses: set[int] = field(default_factory=set)
    reasons: set[tuple[int | None, str]] = field(default_factory=set)
    """With the status of the answer; None if the document does not tie the reason to a status."""


_REASON = re.compile(r"`([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+)`")
"""A word that may be a reason, such as `InvalidBody`. The service's documents name most of them in descriptions only."""

_METHODS = ("get", "post", "put", "patch", "delete")


class Document:
    """An OpenAPI document."""

    def __init__(self, content: Any) -> None:
        if not isinstance(content, dict) or not isinstance(content.get("paths"), dict) or "openapi" not in content:
            raise Unreadable("it is not an OpenAPI document: it has no `openapi` and `paths`")
        self._content = content

    @property
    def title(self) -> str:
        """Its title and version."""
        info = self._content.get("info", {})
        return f"{info.get('title', 'untitled')} {info.get('version', '')}".strip()

    def calls(self) -> dict[str, Described]:
        """Each call by its method and its path, whose parameters have no names here."""
        try:
            return {
                f"{method.upper()} {re.sub('{[^}]*}', '{}', path)}": self._call(item, item[method])
                for path, item in self._content["paths"].items()
                for method in _METHODS
                if method in item
            }
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise Unreadable(f"a part of it is not as OpenAPI has it ({type(error).__name__}: {error})") from None

    def _call(self, item: Mapping[str, Any], call: Mapping[str, Any]) -> Described:
        described = Described()
        for parameter in map(self._resolved, [*item.get("parameters", ()), *call.get("parameters", ())]):
            if parameter["in"] != "path":
                described.sends.add(f"{parameter['in']} {parameter['name']}")
        if any(call.get("security", self._content.get("security", ()))):
            described.sends.add("Authorization")
        for path, _ in self._members(self._resolved(call.get("requestBody", {}))):
            described.sends.add(path)
        described.reasons |= {(None, word) for word in self._named(call)}
        for key, response in call["responses"].items():
            answer, status = self._resolved(response), int(key) if str(key).isdigit() else None  # default, 4XX
            if status is not None:
                described.statuses.add(status)
            described.reasons |= {(status, word) for word in self._named(answer)}
            for path, schema in self._members(answer):
                described.reads.add(path)
                if status is None or status >= 400:  # several answers may share a schema
                    described.reasons |= {(None, word) for word in self._named(schema)}
                if path in ("reason", "error"):
                    words = [*schema.get("enum", ()), *filter(None, [schema.get("const")])]
                    described.reasons |= {(status, word) for word in words}
        described.sends.discard("")
        described.reads.discard("")
        return described

    def _members(self, body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for content in body.get("content", {}).values():
            yield from self._inside("", content.get("schema", {}), ())

    def _inside(self, path: str, schema: Any, seen: tuple[str, ...]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """A schema and the members that it holds, by path. A schema that holds itself is read once."""
        if not isinstance(schema, dict):
            return
        if (reference := schema.get("$ref")) is not None:
            inner = {} if reference in seen else self._resolved(schema)
            yield from self._inside(path, inner, (*seen, reference))
            return
        yield path, schema
        for part in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
            yield from self._inside(path, part, seen)
        for part in (schema.get("items"), schema.get("additionalProperties")):
            yield from self._inside(path, part, seen)
        for name, member in schema.get("properties", {}).items():
            yield from self._inside(f"{path}.{name}" if path else name, member, seen)

    def _named(self, part: Mapping[str, Any]) -> set[str]:
        """The reasons that a description names. It may also name schemas."""
        schemas = self._content.get("components", {}).get("schemas", {})
        return set(_REASON.findall(part.get("description", ""))) - NOT_A_REASON - set(schemas)

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        seen: list[str] = []
        while "$ref" in part:
            seen.append(reference := part["$ref"])
            if not reference.startswith("#/"):
                raise Unreadable(f"it refers to another document ({reference}): bundle the two first")
            if len(seen) > len(set(seen)):
                raise Unreadable(f"{reference} refers to itself")
            part = self._content
            for name in reference[2:].split("/"):
                part = part[name.replace("~1", "/").replace("~0", "~")]
        return part


def read_document(path: Path) -> Document:
    """Read a document in JSON or YAML. Raises `Unreadable`."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        return Document(json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text))
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise Unreadable(f"it is neither JSON nor YAML ({' '.join(str(error).split())[:200]})") from None
