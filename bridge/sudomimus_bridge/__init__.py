"""Signs the players of a Steam game in to Sudomimus. `from sudomimus_bridge import Bridge` is enough for most.

Each name is imported when it is first used, and what is heavy when a login starts.
"""

from __future__ import annotations

from ._lazy import TYPE_CHECKING, importer
from ._version import __version__

if TYPE_CHECKING:
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
    from .events import (
        Claim,
        Claims,
        DeviceHandoff,
        ErrandHandoff,
        ErrandResult,
        LoginResult,
        OnProgress,
        Phase,
        ProgressEvent,
    )
    from .keywords import LoginMethod
    from .running import Running
    from .service.constraints import AuthenticationConstraint, Constraints, RealizeConstraint, ReturnMethod
    from .session.session import Session

_LATER = {
    "AccessTokenRefused": "errors",
    "AuthenticationConstraint": "service.constraints",
    "Bridge": "bridge",
    "BridgeError": "errors",
    "Claim": "events",
    "Claims": "events",
    "ConfigurationError": "errors",
    "Constraints": "service.constraints",
    "DeviceHandoff": "events",
    "ErrandHandoff": "events",
    "ErrandNotCompleted": "errors",
    "ErrandResult": "events",
    "LoginCancelled": "errors",
    "LoginDenied": "errors",
    "LoginMethod": "keywords",
    "LoginResult": "events",
    "OnProgress": "events",
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
    "Claim",
    "Claims",
    "ConfigurationError",
    "Constraints",
    "DeviceHandoff",
    "ErrandHandoff",
    "ErrandNotCompleted",
    "ErrandResult",
    "LoginCancelled",
    "LoginDenied",
    "LoginMethod",
    "LoginResult",
    "OnProgress",
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

if not TYPE_CHECKING:  # or a type checker would take every name for one of this package's
    __getattr__ = importer(__name__, _LATER)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
