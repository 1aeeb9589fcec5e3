"""The extras of the distribution: the modules of each, and the error if one of them is not installed."""

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
    """The text for an import that failed in `what`, a part of the bridge whose imports the extra installs."""
    module = (error.name or "").partition(".")[0]
    return f"{what} needs {module}. Install it: {_pip_line(extra)}"


def _pip_line(extra: str) -> str:
    return f"python -m pip install 'sudomimus-bridge[{extra}]'"


def missing(extra: str) -> list[str]:
    """The modules of an extra that are not installed."""
    return [name for name in _BRINGS.get(extra, ()) if importlib.util.find_spec(name) is None]


def require_extra(extra: str, what: str = "This command") -> None:
    """Raise `ConfigurationError` if a module of the extra is not installed. Its detail has the pip line that installs it.

    `what` names the part of the bridge that needs the extra.
    """
    if lacking := missing(extra):
        raise ConfigurationError(
            detail=f"{what} needs packages that are not installed ({', '.join(lacking)}). Install them: {_pip_line(extra)}"
        )
