"""`Bridge`, `Session`, `Running` and the errors, imported together when a program uses the first of them.

The import statements are literal, so that PyInstaller, Nuitka and cx_Freeze find every module behind them.
"""

from __future__ import annotations

from .._program.bridge import Bridge
from .._program.session import Session
from .._runs.running import Running
from .._values.errors import (
    AccessTokenRefused,
    BridgeError,
    ConfigurationError,
    ErrandNotCompleted,
    LoginCancelled,
    LoginDenied,
    ServiceUnavailable,
    SteamUnavailable,
)

__all__ = [
    "AccessTokenRefused",
    "Bridge",
    "BridgeError",
    "ConfigurationError",
    "ErrandNotCompleted",
    "LoginCancelled",
    "LoginDenied",
    "Running",
    "ServiceUnavailable",
    "Session",
    "SteamUnavailable",
]
