"""What Steam's own answers mean, in sentences: `ESteamAPIInitResult` and `EResult` (steam_api.h, steamclientpublic.h)."""

from __future__ import annotations

from .._values.errors import ConfigurationError, SteamUnavailable
from . import _abi as abi

_TRY_LATER = "Steam is busy and gave no ticket. Try again in a minute."
_OFFLINE = "Steam is running but not connected. Check that Steam is online, then try again."
THREAD_IS_GONE = (
    "Steam cannot be used here: the program is about to end, or was forked from one that uses Steam. Sign in before, and in "
    "the program that was started first."
)
_RESULTS = {
    2: "Steam could not make a ticket. Restart Steam, then try again.",
    3: _OFFLINE,
    10: _TRY_LATER,
    15: "Steam refused a ticket: check that this Steam account owns the game.",
    16: "Steam took too long to make a ticket. Try again.",
    20: "Steam's servers are not available right now. Try again later.",
    21: "Nobody is signed in to Steam. Sign in to Steam, then try again.",
    25: _TRY_LATER,
    34: "This Steam account was signed in to somewhere else. Restart Steam, then try again.",
    48: _OFFLINE,
    84: _TRY_LATER,
}


def init_error(result: int, message: str, *, running: bool) -> SteamUnavailable:
    """The error for an `ESteamAPIInitResult` other than OK, with the library's own message as its detail."""
    if result == abi.INIT_VERSION_MISMATCH:
        sentence = "The Steam client is older than the game's Steam library. Let Steam update itself, then try again."
        reason = "SteamVersionMismatch"
    elif result == abi.INIT_NO_STEAM_CLIENT or not running:
        sentence = "Steam is not running. Start Steam, sign in, then try again."
        reason = "SteamNotRunning"
    else:
        sentence = "Steam could not be initialised. Check that Steam is running, signed in, and that this account owns the app."
        reason = "SteamInitFailed"
    return SteamUnavailable(sentence, reason=reason, detail=message or f"ESteamAPIInitResult {result}")


def result_error(result: int) -> SteamUnavailable:
    """The error for a `GetTicketForWebApiResponse_t` whose `EResult` is not OK (1)."""
    sentence = _RESULTS.get(result, f"Steam gave no ticket (its result is {result}). Restart Steam, then try again.")
    return SteamUnavailable(sentence, reason="TicketFailed", detail=f"EResult {result}")


def no_handle() -> SteamUnavailable:
    """The error for a request that gave `k_HAuthTicketInvalid`."""
    return SteamUnavailable(
        "Steam gave no ticket. Check that Steam is online and signed in, then try again.", reason="NoTicketHandle"
    )


def other_app(running: int, wanted: int) -> ConfigurationError:
    """The error for settings that say another app than the one Steam runs as in this process."""
    return ConfigurationError(
        f"Steam runs as app {running} in this process, and the setting says {wanted}. "
        "Set --steam-app-id to the app that was started, or start the right one.",
        reason="SteamAppIdMismatch",
    )


def unreadable_ticket(size: int) -> SteamUnavailable:
    """The error for a ticket whose stated size cannot be."""
    return SteamUnavailable(
        "Steam gave an empty or damaged ticket. Restart Steam, then try again.",
        reason="TicketUnreadable",
        detail=f"m_cubTicket {size}",
    )


SHUTTING_DOWN = "Steam is closing. Start Steam again, then try again."
DISCONNECTED = "Steam lost its connection. Check that Steam is online, then try again."
HOST_HAS_NOT_STARTED = "The game has not started Steam. Start Steam, then start the game again."
