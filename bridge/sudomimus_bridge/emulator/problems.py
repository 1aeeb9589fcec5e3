"""How a wrong setting is told: one line a problem, its path first, and never the value, which may be a secret."""

from __future__ import annotations

from pydantic import ValidationError


def problems(error: ValidationError) -> list[str]:
    """Pydantic's findings in the words of a setting's path."""
    lines = []
    for found in error.errors(include_url=False, include_input=False, include_context=False):
        path = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        if found["type"] == "extra_forbidden":
            message = "there is no such setting"
        lines.append(f"{path}: {message}" if path else message)
    return lines
