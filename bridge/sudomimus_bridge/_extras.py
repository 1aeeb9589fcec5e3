"""The extras of the distribution: the modules that each brings, and the error if it is not installed."""

from __future__ import annotations

import importlib.util

from ._values.errors import ConfigurationError

_BRINGS = {
    "completion": ("shtab",),
    "connect": ("jwt", "cryptography"),
    "emulator": ("starlette", "uvicorn", "pydantic", "jinja2", "multipart", "jwt", "cryptography"),
}


class MissingExtra(ImportError):
    """An extra is not installed; the message has the line that installs it."""


def brought_by(extra: str, what: str, error: ModuleNotFoundError) -> str:
    """The text for a failed import in `what`, whose imports all come with the extra."""
    module = (error.name or "").partition(".")[0]
    return f"{what} needs {module}, which the extra brings: {_pip_line(extra)}"


def _pip_line(extra: str) -> str:
    return f"python -m pip install 'sudomimus-bridge[{extra}]'"


def missing(extra: str) -> list[str]:
    """The modules of an extra that are not installed."""
    return [name for name in _BRINGS.get(extra, ()) if importlib.util.find_spec(name) is None]


def require_extra(extra: str, what: str = "This command") -> None:
    """Raise `ConfigurationError`, with the pip line that installs the extra, if `what` lacks a module of it."""
    if lacking := missing(extra):
        raise ConfigurationError(
            detail=f"{what} needs more than the bridge itself ({', '.join(lacking)}). Install it: {_pip_line(extra)}"
        )
