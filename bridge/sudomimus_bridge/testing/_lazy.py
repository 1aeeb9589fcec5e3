"""Names that a package imports when they are first used. This module itself imports nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know it by its name; `typing` alone would cost more than everything else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def importer(package: str, homes: dict[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package: `homes` says for each name which module of the package has it."""

    def import_name(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(f".{homes[name]}", package), name)

    return import_name
