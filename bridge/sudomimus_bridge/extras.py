"""The extras of the distribution: what each brings, and what to say where it is missing."""

from __future__ import annotations

import importlib.util

from .errors import ConfigurationError

_BRINGS = {
    "connect": ("jwt", "cryptography"),
    "emulator": ("starlette", "uvicorn", "pydantic", "jinja2", "multipart", "jwt", "cryptography"),
}


def missing(extra: str) -> list[str]:
    """The modules of an extra that are not installed."""
    return [name for name in _BRINGS.get(extra, ()) if importlib.util.find_spec(name) is None]


def require_extra(extra: str, what: str = "This command") -> None:
    """Raise `ConfigurationError` with the pip line that brings what `what` needs."""
    if lacking := missing(extra):
        raise ConfigurationError(
            f"{what} needs more than the bridge itself ({', '.join(lacking)}). "
            f"Install it: python -m pip install 'sudomimus-bridge[{extra}]'"
        )
