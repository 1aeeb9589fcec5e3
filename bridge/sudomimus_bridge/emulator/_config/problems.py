"""How a wrong setting is reported: one line a problem, its path first, and never the value, which may be a secret."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

from .model import Model


class SettingRefused(ValueError):
    """A setting that the local service does not have, or a value that it does not take."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@contextmanager
def refusing(model: type[Model] | type[BaseModel] | None = None) -> Iterator[None]:
    """Raise `SettingRefused` in place of pydantic's own error."""
    try:
        yield
    except ValidationError as error:
        raise SettingRefused(problems(error, model)) from None


def problems(error: ValidationError, model: type[Model] | type[BaseModel] | None = None) -> list[str]:
    """Pydantic's findings, each with the setting's path. `model` is what was validated, for a suggestion."""
    lines = []
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            close = get_close_matches(str(found["loc"][-1]), _names(model, found["loc"][:-1]), n=1)
            message = "there is no such setting" + (f"; did you mean {close[0]}?" if close else "")
        lines.append(f"{path}: {message}" if path else message)
    return lines


def _names(model: Any, path: Sequence[int | str]) -> list[str]:
    """The names of the settings at a path inside a model; none if the path leads to no model."""
    for part in path:
        if isinstance(part, int):
            model = next(iter(typing.get_args(model)), None)
            continue
        fields = getattr(model, "model_fields", {})
        named = next((field for name, field in fields.items() if part in (name, field.alias)), None)
        model = named.annotation if named is not None else None
    return list(getattr(model, "model_fields", {}))
