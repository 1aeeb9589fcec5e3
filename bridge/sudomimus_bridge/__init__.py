"""Signs the players of a Steam game in to Sudomimus. `from sudomimus_bridge import Bridge` is enough for most.

Each name is imported when it is first used, and what is heavy when a login starts.
"""

from __future__ import annotations

from ._lazy import TYPE_CHECKING, importer
from ._version import __version__

if TYPE_CHECKING:
    from ._program.bridge import Bridge
    from ._program.keywords import LoginMethod
    from ._program.session import Session
    from ._runs.running import Running
    from ._service.constraints import AuthenticationConstraint, Constraints, RealizeConstraint, ReturnMethod
    from ._values.errors import (
        AccessTokenRefused,
        BridgeError,
        ConfigurationError,
        ErrandNotCompleted,
        LoginCancelled,
        LoginDenied,
        ServiceUnavailable,
        SteamUnavailable,
    )
    from ._values.events import (
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

_LATER = {
    "AccessTokenRefused": "_values.errors",
    "AuthenticationConstraint": "_service.constraints",
    "Bridge": "_program.bridge",
    "BridgeError": "_values.errors",
    "Claim": "_values.events",
    "Claims": "_values.events",
    "ConfigurationError": "_values.errors",
    "Constraints": "_service.constraints",
    "DeviceHandoff": "_values.events",
    "ErrandHandoff": "_values.events",
    "ErrandNotCompleted": "_values.errors",
    "ErrandResult": "_values.events",
    "LoginCancelled": "_values.errors",
    "LoginDenied": "_values.errors",
    "LoginMethod": "keywords",
    "LoginResult": "_values.events",
    "OnProgress": "_values.events",
    "Phase": "_values.events",
    "ProgressEvent": "_values.events",
    "RealizeConstraint": "_service.constraints",
    "ReturnMethod": "_service.constraints",
    "Running": "_runs.running",
    "ServiceUnavailable": "_values.errors",
    "Session": "_program.session",
    "SteamUnavailable": "_values.errors",
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
