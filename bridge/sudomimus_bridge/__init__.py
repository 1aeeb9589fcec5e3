"""Sign the players of a Steam game in to Sudomimus. Most programs need only `from sudomimus_bridge import Bridge`.

Importing this package is cheap. It imports its public names when a program uses the first of them, and heavy libraries when
a login starts.
"""

from __future__ import annotations

from ._version import TYPE_CHECKING, __version__

if TYPE_CHECKING:
    from ._public import (
        AccessTokenRefused,
        AuthenticationConstraint,
        Bridge,
        BridgeError,
        Claim,
        Claims,
        ConfigurationError,
        Constraints,
        DeviceHandoff,
        ErrandHandoff,
        ErrandNotCompleted,
        ErrandResult,
        LoginCancelled,
        LoginDenied,
        LoginMethod,
        LoginResult,
        OnProgress,
        Phase,
        Player,
        ProgressEvent,
        RealizeConstraint,
        ReturnMethod,
        Running,
        ServiceUnavailable,
        Session,
        SteamUnavailable,
    )

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
    "Player",
    "ProgressEvent",
    "RealizeConstraint",
    "ReturnMethod",
    "Running",
    "ServiceUnavailable",
    "Session",
    "SteamUnavailable",
    "__version__",
]


if not TYPE_CHECKING:  # otherwise a type checker would accept any name

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import _public

        return getattr(_public, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
