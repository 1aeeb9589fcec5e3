"""Signs the players of a Steam game in to Sudomimus. `from sudomimus_bridge import Bridge` is enough for most.

Each name is imported when it is first used, and what is heavy when a login starts.
"""

from __future__ import annotations

from ._version import __version__

TYPE_CHECKING = False  # type checkers know it by its name; `typing` alone would cost more than everything else here
if TYPE_CHECKING:
    from typing import Any

    from .bridge import Bridge
    from .errors import (
        AccessTokenRefused,
        BridgeError,
        ConfigurationError,
        ErrandNotCompleted,
        LoginCancelled,
        LoginDenied,
        ServiceUnavailable,
        SteamUnavailable,
    )
    from .events import ErrandResult, LoginResult, Phase, ProgressEvent
    from .running import Running
    from .service.constraints import AuthenticationConstraint, Constraints, RealizeConstraint, ReturnMethod
    from .session.session import Session

_LATER = {
    "AccessTokenRefused": "errors",
    "AuthenticationConstraint": "service.constraints",
    "Bridge": "bridge",
    "BridgeError": "errors",
    "ConfigurationError": "errors",
    "Constraints": "service.constraints",
    "ErrandNotCompleted": "errors",
    "ErrandResult": "events",
    "LoginCancelled": "errors",
    "LoginDenied": "errors",
    "LoginResult": "events",
    "Phase": "events",
    "ProgressEvent": "events",
    "RealizeConstraint": "service.constraints",
    "ReturnMethod": "service.constraints",
    "Running": "running",
    "ServiceUnavailable": "errors",
    "Session": "session.session",
    "SteamUnavailable": "errors",
}

__all__ = [
    "AccessTokenRefused",
    "AuthenticationConstraint",
    "Bridge",
    "BridgeError",
    "ConfigurationError",
    "Constraints",
    "ErrandNotCompleted",
    "ErrandResult",
    "LoginCancelled",
    "LoginDenied",
    "LoginResult",
    "Phase",
    "ProgressEvent",
    "RealizeConstraint",
    "ReturnMethod",
    "Running",
    "ServiceUnavailable",
    "Session",
    "SteamUnavailable",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
