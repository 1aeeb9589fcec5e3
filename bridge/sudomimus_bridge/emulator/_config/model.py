"""The base of the settings' models, and the report of wrong settings.

The report has one line for each problem, which begins with the setting's path. It leaves the value out, which may be secret.

The base is pydantic's `BaseModel`. Type checkers see a fully typed class instead: pydantic's own class lacks some types, so each
public class that derives from it would count as untyped.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Self, dataclass_transform

    @dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
    class Model:
        """The part of `BaseModel` that the local service uses."""

        model_config: ClassVar[Mapping[str, object]]
        model_fields: ClassVar[Mapping[str, object]]

        def model_copy(self, *, deep: bool = False) -> Self:
            """A copy; `deep` copies the models in it, too."""
            ...

        def model_dump(
            self,
            *,
            mode: str = "python",
            by_alias: bool = False,
            exclude: set[str] | None = None,
            exclude_defaults: bool = False,
        ) -> dict[str, Any]:
            """The fields as a dictionary."""
            ...

        @classmethod
        def model_validate(cls, obj: object) -> Self:
            """A model from a mapping. Raises `ValidationError`."""
            ...

        @classmethod
        def model_validate_json(cls, json_data: str | bytes) -> Self:
            """A model from JSON. Raises `ValidationError`."""
            ...

else:
    Model = BaseModel


class SettingRefused(ValueError):
    """The local service has no such setting, or does not accept this value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


@contextmanager
def refusing(model: type[Model] | type[BaseModel] | None = None) -> Iterator[None]:
    """Raise `SettingRefused` instead of pydantic's own error."""
    try:
        yield
    except ValidationError as error:
        raise SettingRefused(problems(error, model)) from None


def problems(error: ValidationError, model: type[Model] | type[BaseModel] | None = None) -> list[str]:
    """Pydantic's findings, each with the setting's path. `model` is the validated model, for suggestions."""
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
