"""The values that flows take and return, imported together when a program uses the first of them."""

from __future__ import annotations

from .._program.keywords import LoginMethod
from .._service.constraints import AuthenticationConstraint, Constraints, RealizeConstraint, ReturnMethod
from .._values.events import (
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
from .._values.player import Player

__all__ = [
    "AuthenticationConstraint",
    "Claim",
    "Claims",
    "Constraints",
    "DeviceHandoff",
    "ErrandHandoff",
    "ErrandResult",
    "LoginMethod",
    "LoginResult",
    "OnProgress",
    "Phase",
    "Player",
    "ProgressEvent",
    "RealizeConstraint",
    "ReturnMethod",
]
