"""The errors that a flow can end with: one class for each exit status of the command line.

Each has a `sentence` for the player, a `detail` for the developer, and the service's `reason` if there is one. The constructor
masks secrets, and replaces characters that control a terminal.
"""

from __future__ import annotations

from typing import ClassVar

from .secret import printable, redact


def system_words(error: OSError) -> str:
    """The operating system's words for an error, or OpenSSL's. They name no file and no host."""
    reason = getattr(error, "reason", None)
    if isinstance(reason, str):  # an `ssl.SSLError`: its `errno` is OpenSSL's number, not the system's
        return reason.replace("_", " ").lower()
    return error.strerror or type(error).__name__


class BridgeError(Exception):
    """The base of every error of the bridge.

    `sentence` (str) tells the player what happened and what to do. `detail` (str or None) tells the developer what to
    change. `reason` (str or None) names the cause: the service's own reason, or one of the bridge's. `str(error)` is the
    sentence; a traceback shows the detail below it. The command line and the sidecar report `exit_status` (int), `kind` (str)
    and `retryable` (bool: whether another attempt may succeed).
    """

    exit_status: ClassVar[int] = 1
    kind: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, sentence: str, *, reason: str | None = None, detail: str | None = None) -> None:
        self.sentence: str = _safe(sentence)
        self.reason: str | None = None if reason is None else _safe(reason)
        self.detail: str | None = None if detail is None else _safe(detail)
        super().__init__(self.sentence)
        if self.detail:  # so that a traceback shows it to the developer
            self.add_note(self.detail)


def _safe(text: str) -> str:
    return printable(redact(text), keep="\n")


NOT_SET_UP = "This game's sign-in is not set up correctly. Tell the game's makers."


class ConfigurationError(BridgeError):
    """A setting or credential is wrong, or the service says that this request can never succeed (exit status 2)."""

    exit_status = 2
    kind = "configuration"

    def __init__(self, sentence: str = NOT_SET_UP, *, reason: str | None = None, detail: str | None = None) -> None:
        """`sentence` has a default, because only the game's makers can correct most of these errors. `detail` tells them how."""
        super().__init__(sentence, reason=reason, detail=detail)


class SteamUnavailable(BridgeError):
    """Steam cannot be used: library missing or too old, client closed, no ticket, ticket refused (exit status 3)."""

    exit_status = 3
    kind = "steam-unavailable"
    retryable = True


class LoginDenied(BridgeError):
    """The service refuses the player, the application or the credentials (exit status 4)."""

    exit_status = 4
    kind = "denied"


class AccessTokenRefused(LoginDenied):
    """The access token has expired, or its session has ended. The service may accept a renewed token (exit status 4)."""


class ErrandNotCompleted(BridgeError):
    """The player did not finish a page in the browser (exit status 5).

    The page expired, the player declined, or the setting `quietly` forbids the page (reason `PageNeeded`).
    """

    exit_status = 5
    kind = "errand-not-completed"
    retryable = True


class ServiceUnavailable(BridgeError):
    """The service cannot be reached, or its answers cannot be read, after all retries (exit status 6)."""

    exit_status = 6
    kind = "service-unavailable"
    retryable = True


class LoginCancelled(BridgeError):
    """The player or the program cancelled the flow. The ticket was cancelled first (exit status 130)."""

    exit_status = 130
    kind = "cancelled"

    def __init__(
        self, sentence: str = "The login was cancelled.", *, reason: str | None = None, detail: str | None = None
    ) -> None:
        super().__init__(sentence, reason=reason, detail=detail)
