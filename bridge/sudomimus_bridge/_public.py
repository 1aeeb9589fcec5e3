"""The public names, imported together when a program uses the first of them.

The import statements are literal, so that PyInstaller, Nuitka and cx_Freeze find every module behind them.
"""

from __future__ import annotations

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
from ._values.player import Player

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
]
