"""Sign the players of a Steam game in to Sudomimus. Most programs need only `from sudomimus_bridge import Bridge`.

Importing this package is cheap. It imports its public names when a program uses them, and heavy libraries when a login
starts.
"""

from __future__ import annotations

from ._version import TYPE_CHECKING, __version__

if TYPE_CHECKING:
    from ._public.door import (
        AccessTokenRefused,
        Bridge,
        BridgeError,
        ConfigurationError,
        ErrandNotCompleted,
        LoginCancelled,
        LoginDenied,
        Running,
        ServiceUnavailable,
        Session,
        SteamUnavailable,
    )
    from ._public.values import (
        AuthenticationConstraint,
        Claim,
        Claims,
        Constraints,
        DeviceHandoff,
        ErrandHandoff,
        ErrandResult,
        LoginMethod,
        LoginResult,
        OnProgress,
        Phase,
        Player,
        ProgressEvent,
        RealizeConstraint,
        ReturnMethod,
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
        from ._public import door

        if name in door.__all__:
            return getattr(door, name)
        from ._public import values

        return getattr(values, name)

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
