"""The errors with a reason that a module raises, read from its code: their sentences and their details."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sudomimus_bridge._values import errors


@dataclass(frozen=True)
class Own:
    """An error that the bridge raises with a reason of its own."""

    reason: str
    error: str
    sentence: str
    detail: str


def raised_in(path: Path) -> Iterator[Own]:
    """Each error with a reason that the module raises."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known = _constants(tree, path)
    for function in [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]:
        local = _assigned(function)
        for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
            kind = call.func.id if isinstance(call.func, ast.Name) else ""
            keywords = {each.arg: each.value for each in call.keywords if each.arg}
            if not (isinstance(getattr(errors, kind, None), type) and "reason" in keywords):
                continue
            sentence = call.args[0] if call.args else keywords.get("sentence")
            here = known | {
                name: text for block in local for name, each in block.items() if (text := _text(each, known))
            }
            detail = _text(keywords.get("detail"), here)
            for reason, own_sentence in _pairs(keywords["reason"], sentence, local, known):
                yield Own(reason, kind, own_sentence or _text(sentence, known), detail)


def _pairs(
    reason: ast.expr, sentence: ast.expr | None, local: list[dict[str, ast.expr]], known: dict[str, str]
) -> Iterator[tuple[str, str]]:
    """The reason and the sentence; one pair for each block of the function that assigns both."""
    if isinstance(reason, ast.Name) and reason.id not in known:
        for block in local:
            if reason.id in block:
                said = block.get(sentence.id) if isinstance(sentence, ast.Name) else sentence
                for text in _alternatives(block[reason.id], known):
                    yield text, _text(said, known)
    else:
        for text in _alternatives(reason, known):
            yield text, _text(sentence, known) if sentence else errors.NOT_SET_UP


def _alternatives(value: ast.expr, known: dict[str, str]) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _alternatives(value.body, known)
        yield from _alternatives(value.orelse, known)
    elif (text := _text(value, known)) and text[0].isupper() and text.isalnum():
        yield text


def _assigned(function: ast.AST) -> list[dict[str, ast.expr]]:
    """For each block of a function, the names that it assigns."""
    blocks = []
    for node in ast.walk(function):
        for field in ("body", "orelse"):
            statements = getattr(node, field, None)
            if isinstance(statements, list):
                assigns = [each for each in statements if isinstance(each, ast.Assign)]
                blocks.append(
                    {
                        target.id: each.value
                        for each in assigns
                        for target in each.targets
                        if isinstance(target, ast.Name)
                    }
                )
    return blocks


def _constants(tree: ast.Module, path: Path) -> dict[str, str]:
    """The texts that names of a module stand for, its imports from this package included."""
    known: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.level:
            source = path.parents[node.level - 1].joinpath(*(node.module or "").split(".")).with_suffix(".py")
            if source.is_file() and source != path:
                theirs = _constants(ast.parse(source.read_text(encoding="utf-8")), source)
                known |= {(each.asname or each.name): theirs[each.name] for each in node.names if each.name in theirs}
        elif (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and (text := _text(node.value, known))
        ):
            known[node.targets[0].id] = text
    return known


def _text(value: ast.expr | None, known: dict[str, str]) -> str:
    """The text of an expression. A name such as ‹path› stands for a text that the bridge knows only while it runs."""
    match value:
        case ast.Constant(value=str() | int() | float() as constant) if not isinstance(constant, bool):
            return constant if isinstance(constant, str) else f"{constant:g}"
        case ast.FormattedValue(value=inner):
            return _text(inner, known) or f"‹{_named(inner)}›"
        case ast.IfExp(body=inner):  # what it says in one of the two cases
            return _text(inner, known)
        case ast.Call(func=ast.Attribute(value=ast.JoinedStr() as inner)):  # such as f"…".rstrip()
            return _text(inner, known)
        case ast.Name(id=name):
            return known.get(name, "")
        case ast.Attribute(attr=name):
            return known.get(name, "")
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, known) for part in parts)
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            return _text(left, known) + _text(right, known)
    return ""


def _named(value: ast.expr) -> str:
    """A name for what an expression has at run time: its last name, or its last argument's."""
    match value:
        case ast.Call(
            func=ast.Attribute(value=ast.Constant()) | ast.Name(id="map" | "type"), args=[*_, last]
        ):  # or ", ".join
            return _named(last)
        case ast.Call(func=called):
            return _named(called)
        case ast.Subscript(value=inner) | ast.IfExp(body=inner):
            return _named(inner)
        case ast.Attribute(value=inner, attr=name):
            return _named(inner) if name.startswith("__") else name.strip("_").lower()
        case ast.Name(id=name):
            return name.strip("_").lower()
    return "…"
