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

    `str(error)` is the sentence; a traceback shows the detail below it. No text of an error holds a secret.
    """

    exit_status: ClassVar[int] = 1
    """The exit status of the command line."""
    kind: ClassVar[str] = "internal"
    """The name of this class of errors in the sidecar."""
    retryable: ClassVar[bool] = False
    """Whether the same call may succeed later without a change to the game."""

    sentence: str
    """For the player: what happened, and what the player can do."""
    reason: str | None
    """The service's own word for the cause, or the bridge's; None if there is none."""
    detail: str | None
    """For the developer: the setting or the file, and what to change."""

    def __init__(self, sentence: str, *, reason: str | None = None, detail: str | None = None) -> None:
        """Mask secrets in all texts.

        Args:
            sentence: For the player.
            reason: One word for the cause.
            detail: For the developer.
        """
        self.sentence = _safe(sentence)
        self.reason = None if reason is None else _safe(reason)
        self.detail = None if detail is None else _safe(detail)
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
        """Mask secrets in all texts. `sentence` has a default, because only the game's makers can correct most of these errors.

        Args:
            sentence: For the player.
            reason: One word for the cause.
            detail: For the developer.
        """
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
        """Make the error.

        Args:
            sentence: For the player.
            reason: The bridge's word for the cause, if there is one.
            detail: For the developer.
        """
        super().__init__(sentence, reason=reason, detail=detail)
