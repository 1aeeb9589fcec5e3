"""The errors for Steam's own results: `ESteamAPIInitResult` and `EResult` (steam_api.h, steamclientpublic.h)."""

from __future__ import annotations

from .._values.errors import BridgeError, ConfigurationError, SteamUnavailable
from . import _abi as abi

_TRY_LATER = "Steam is busy and did not confirm who you are. Try again in a minute."
_OFFLINE = "Steam is running but not connected. Check that Steam is online, then try again."
_ACCESS_DENIED = 15
RESULTS = {
    2: "Steam could not confirm who you are. Restart Steam, then try again.",
    3: _OFFLINE,
    10: _TRY_LATER,
    _ACCESS_DENIED: "Steam refused the sign-in. Check that this Steam account owns the game.",
    16: "Steam took too long to answer. Try again.",
    20: "Steam's servers are not available right now. Try again later.",
    21: "Nobody is signed in to Steam. Sign in to Steam, then try again.",
    25: _TRY_LATER,
    34: "This Steam account was signed in to somewhere else. Restart Steam, then try again.",
    48: _OFFLINE,
    84: _TRY_LATER,
}


def init_error(result: int, message: str, *, running: bool) -> SteamUnavailable:
    """Return the error for an `ESteamAPIInitResult` other than OK. Its detail is the library's own message."""
    if result == abi.INIT_VERSION_MISMATCH:
        sentence = "Steam is too old for this game. Let Steam update itself, then try again."
        reason = "SteamVersionMismatch"
    elif result == abi.INIT_NO_STEAM_CLIENT or not running:
        sentence = "Steam is not running. Start Steam, sign in, then try again."
        reason = "SteamNotRunning"
    else:
        sentence = (
            "The game cannot connect to Steam. Check that you are signed in and that this Steam account owns the game."
        )
        reason = "SteamInitFailed"
    return SteamUnavailable(sentence, reason=reason, detail=f"ESteamAPIInitResult {result}: {message}".rstrip(": "))


_PASSING = frozenset(
    [
        "SteamNotRunning",
        "SteamInitFailed",
        "InitTimeout",
        "TicketFailed",
        "NoTicketHandle",
        "TicketUnreadable",
        "NoCallback",
        "SteamShutdown",
        "SteamDisconnected",
    ]
)


def may_pass(error: SteamUnavailable) -> bool:
    """Whether Steam may be usable later without a change to the game or the program. A patient login then waits."""
    return error.reason in _PASSING


def result_error(result: int) -> SteamUnavailable:
    """Return the error for a `GetTicketForWebApiResponse_t` whose `EResult` is not OK (1)."""
    sentence = RESULTS.get(
        result, f"Steam could not confirm who you are (error {result}). Restart Steam, then try again."
    )
    reason = "TicketDenied" if result == _ACCESS_DENIED else "TicketFailed"
    return SteamUnavailable(sentence, reason=reason, detail=f"Steam answered with EResult {result}.")


def no_handle() -> SteamUnavailable:
    """Return the error for a request that returned `k_HAuthTicketInvalid`."""
    return SteamUnavailable(
        "Steam did not confirm who you are. Check that Steam is online and signed in, then try again.",
        reason="NoTicketHandle",
        detail="GetAuthTicketForWebApi returned k_HAuthTicketInvalid, not a handle.",
    )


def other_app(running: int, wanted: int) -> ConfigurationError:
    """Return the error if the setting names another app than Steam runs as in this process."""
    return ConfigurationError(
        "Steam runs another game than this one. Start this game from your Steam library, then try again.",
        reason="SteamAppIdMismatch",
        detail=f"Steam runs as app {running} in this process, and the setting says {wanted}. "
        "Set --steam-app-id (SUDOMIMUS_STEAM_APP_ID) to the app that was started, or start the right one.",
    )


def unreadable_ticket(size: int) -> SteamUnavailable:
    """Return the error for a ticket with an impossible size."""
    return SteamUnavailable(
        "Steam sent a damaged answer. Restart Steam, then try again.",
        reason="TicketUnreadable",
        detail=f"No ticket has the size that Steam gave: m_cubTicket is {size}.",
    )


SHUTTING_DOWN = "Steam is closing. Start Steam again, then try again."
DISCONNECTED = "Steam lost its connection. Check that Steam is online, then try again."


def host_has_not_started() -> SteamUnavailable:
    """Return the error if the game is said to run Steam, but Steam is not initialised in this process."""
    return SteamUnavailable(
        "The game is not connected to Steam. Start Steam, then start the game again.",
        reason="HostHasNotInitialised",
        detail="The setting steam_hosted or the game's engine says that the game runs Steam, but the Steam API is not "
        "initialised in this process. Initialise it before the login starts.",
    )


def thread_is_gone() -> SteamUnavailable:
    """Return the error for a login while the program ends, or in a fork of a program that used Steam."""
    return SteamUnavailable(
        "Steam cannot be used in this program any more. Restart the game, then try again.",
        reason="ProgramEndsOrForked",
        detail="The interpreter is shutting down, or this process was forked from one that uses Steam. Sign in earlier, and in "
        "the process that was started first.",
    )


def not_opened() -> BridgeError:
    """Return the error for a call before `open`, which is a bug of the bridge."""
    return BridgeError("The sign-in failed.", detail="Steam was used before it was opened.")
