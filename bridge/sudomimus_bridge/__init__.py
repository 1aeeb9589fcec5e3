"""Signs the players of a Steam game in to Sudomimus. `from sudomimus_bridge import Bridge` is enough for most.

What is heavy is imported when a login starts, not here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import __version__
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

if TYPE_CHECKING:
    from .bridge import Bridge
    from .events import ErrandResult, LoginResult, Phase, ProgressEvent
    from .service.constraints import AuthenticationConstraint, Constraints, RealizeConstraint, ReturnMethod

_LATER = {
    "AuthenticationConstraint": "service.constraints",
    "Bridge": "bridge",
    "Constraints": "service.constraints",
    "ErrandResult": "events",
    "LoginResult": "events",
    "Phase": "events",
    "ProgressEvent": "events",
    "RealizeConstraint": "service.constraints",
    "ReturnMethod": "service.constraints",
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
    "ServiceUnavailable",
    "SteamUnavailable",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name in _LATER:
        from importlib import import_module

        return getattr(import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
