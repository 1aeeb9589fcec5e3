"""pydantic's `BaseModel`. Type checkers see the same with all of its parts typed.

pydantic leaves some types of its own class out. Each public class that derives from it would count as untyped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar, Self, dataclass_transform

    @dataclass_transform(kw_only_default=True, field_specifiers=(Field,))
    class Model:
        """What the local service uses of `BaseModel`."""

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
