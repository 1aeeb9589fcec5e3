"""What a developer can do about each reason, and how a document names each call of the service."""

from __future__ import annotations

from sudomimus_bridge._service.operations import Operation

CALLS = {
    Operation.STEAM_TICKET: "a login with a Steam ticket",
    Operation.ACCESS_KEY: "a login with an access key",
    Operation.CREATE_ERRAND: "a proactive errand",
    Operation.ESTABLISH: "the start of a login in the browser",
    Operation.STATUS_POLL: "a login in the browser",
    Operation.REDEEM: "a login in the browser",
    Operation.DEVICE_AUTHORIZE: "the start of a login with a code",
    Operation.DEVICE_TOKEN: "a login with a code",
    Operation.REFRESH: "a renewal",
    Operation.LOGOUT: "a sign-out",
}

_NOTHING = "Nothing is wrong in the game."
_PLAYER = f"{_NOTHING} Show the sentence, and offer to sign in again."
_SUPPORT = f"{_NOTHING} Show the sentence: only Sudomimus support can help this player."
_LATER = (
    "Let the player play without being signed in, and start a [patient login](../how-to/launch-day.md) behind the game. "
    "It ends when the service can be used again."
)
_SIGN_IN = f"{_NOTHING} Start a new login."
_LIBRARY = (
    "Ship Steam's library beside the file that the player starts: [where it goes](../shipping.md#where-steams-library-goes). "
    "`sudomimus-bridge doctor` shows where the bridge looks."
)
_STEAM = f"{_NOTHING} Show the sentence. A retry helps after the player has done what it says."

ADVICE = {
    # --- the service's reasons -------------------------------------------------------------------------------------------
    "AccountDeleted": _SUPPORT,
    "AccountDisabled": _SUPPORT,
    "AccountNotFound": _SIGN_IN,
    "ApplicationDisabled": "Switch the application on again in your application's settings at Sudomimus, or ask the owner of your organisation.",
    "ApplicationNotActive": "Switch the application on again in your application's settings at Sudomimus, or ask the owner of your organisation.",
    "ApplicationNotFound": (
        "Compare the setting `application` with the anchor in your application's settings at Sudomimus. A test application and the released one "
        "have different anchors. If you use other service URLs, check that they belong to the same environment."
    ),
    "AuthenticationNotFound": _SIGN_IN,
    "ClaimConsentRequired": (
        "Start a login: it opens the page on which the player decides. If few players should have to decide, make the claim "
        "OPTIONAL in the application's claim policy."
    ),
    "EmailDomainBlocked": f"{_NOTHING} The player's organisation decides. Another account works.",
    "EmailDomainRequiresSso": 'Offer a login in the browser (`method="browser"`), where the player can choose the organisation.',
    "InquiryAlreadyRedeemed": "Have the backend establish an inquiry for each login. Never use the two keys of an inquiry twice.",
    "InquiryExpired": "Establish the inquiry when the player starts to sign in, not when the game starts.",
    "InquiryNotFound": (
        "Check that the game got both keys from the backend's `POST /establish`, unchanged, and that `connect_url` is the URL "
        "at which the backend established the inquiry."
    ),
    "InquiryNotRealized": _PLAYER,
    "InvalidAccessKeyIdentifier": "Set `SUDOMIMUS_ACCESS_KEY_ID` to the whole identifier, `acs_k_` and what follows.",
    "InvalidAccessKeySecret": "Set `SUDOMIMUS_ACCESS_KEY_SECRET` to the whole secret, `acs_t_` and what follows, without quotation marks.",
    "Layer1Denied": (
        "Open your application's authentication rules at Sudomimus. For a Steam login, add the method `STEAM_TICKET` "
        "with the game's Steam app id. For a server, add `ACCESS_KEY_DIRECT`. A demo or a playtest has an app id of its own, "
        "which needs an entry too. [Layers](../understand/service.md#layers) explains the order of the checks."
    ),
    "Layer2Denied": (
        "Open the application's realization rules, and add a rule that matches this player, or `EVERYONE`. If the game is in a "
        "closed test, this is the answer for everybody who is not on the list."
    ),
    "Layer3Denied": (
        "Open the application's return rules. A login with a ticket or an access key needs `DIRECT_ISSUE`, a login in the browser "
        "`STATUS_POLL`, a login with a code `DEVICE_CODE`."
    ),
    "RefreshTokenExpired": _SIGN_IN,
    "RefreshTokenFamilyCompromised": (
        "Check that only one place renews the session: use the bridge's `Session`, or in a launcher send each refresh token "
        "once. [Staying signed in](../how-to/staying-signed-in.md) lists the rules."
    ),
    "RefreshTokenInvalid": "Check that the text is the refresh token, whole, and of this application. Otherwise start a new login.",
    "RefreshTokenInvalidSignature": "Check that `session_url` belongs to the environment that issued the token. Otherwise start a new login.",
    "RefreshTokenInvalidType": "Pass the refresh token, not the access token.",
    "RefreshTokenRevoked": _SIGN_IN,
    "RefreshTokenSuspended": _SUPPORT,
    "RequiredClaimDataMissing": (
        "Start a login: it opens the page on which the player adds the data. A claim with a placeholder (`SYNTHETIC_FALLBACK`) "
        "needs no data."
    ),
    "SsoAuthorityConflict": f"{_NOTHING} The player's organisations decide.",
    "access_denied": f"{_NOTHING} The player declined, or layer 2 excludes the player. Offer to start again.",
    "expired_token": "Start the login again for a new code. Show the time left (`event.device.lifetime`).",
    "invalid_request": "Start the login again for a new code.",
    # --- answers without a reason ----------------------------------------------------------------------------------------
    "400": "Read the error's detail: it names the settings that this call depends on. `-v` logs each step.",
    "400, 403, 404, 409, 410": "Start the login again. Update the bridge: a later version may know this state.",
    "401": (
        "For a Steam login, check that `steam_app_id` is the game's own and that the game runs as this app. For an access key, "
        "check both parts and the application that they belong to. For a client key, check the computer's clock and that the "
        "key is the application's private key. In a session, start a new login."
    ),
    "403": "Update the bridge: a later version may know the reason. The error's `reason` has the service's own word.",
    "404": "Compare the setting `application` with the anchor in your application's settings at Sudomimus. If you set service URLs, check them.",
    "408, 425": _LATER,
    "409": (
        "Start a new login. If it happens at each login, check that no other code of the game presents the same ticket: each "
        "ticket is good for one request."
    ),
    "429": _LATER,
    "500": "Start the login again. The code is spent.",
    "502": _LATER,
    "503": _LATER,
    "An unreadable answer": (
        "Ask the player whether the network wants a login of its own (a hotel, a train). If `native_url` is set, check that it is "
        "the service's. [Proxies](../how-to/proxies.md) explains how to see what answered."
    ),
    "An untrusted certificate": (
        "Check the computer's clock. In a company whose proxy replaces certificates, set `SSL_CERT_FILE`: see "
        "[Proxies and company certificates](../how-to/proxies.md)."
    ),
    "Any other status": "Update the bridge. If the newest version does not know the status either, report it.",
    "Any other status from 500 to 599": _LATER,
    "No answer in time": _LATER,
    "No connection": f"{_LATER} `sudomimus-bridge doctor` tells a missing network from a proxy that refuses.",
    # --- the bridge's own reasons -------------------------------------------------------------------------------------------
    "Declined": "Respect the decision: let the player go on without this data if the game can, or explain what it is for.",
    "HostHasNotInitialised": (
        "Initialise Steam before the login starts: `SteamAPI_Init`, SteamworksPy's `initialize()`, or Ren'Py's "
        "`config.steam_appid`. If the game does not run Steam, leave `steam_hosted` out."
    ),
    "InitTimeout": _STEAM,
    "LibraryNotFound": _LIBRARY,
    "LibraryNotLoaded": f"{_LIBRARY} The detail has the system's own words: often the file is for another processor (32 bit, ARM).",
    "LibraryTooOld": "Replace the library with the one of the Steamworks SDK 1.57 or later.",
    "NoCallback": (
        "In a game that runs Steam itself, call `SteamAPI_RunCallbacks` each frame while the login runs: use `start_login`, not "
        "`login`. Otherwise the player is offline in Steam."
    ),
    "NoFilesLeft": "Look for files or sockets that the game opens and does not close. Then sign in again.",
    "NoMemoryLeft": "Look at the game's use of memory. Then sign in again.",
    "NoThreadsLeft": "Look for threads that the game starts and never ends. Then sign in again.",
    "NoTicketHandle": _STEAM,
    "NotASteamLibrary": _LIBRARY,
    "OutOfRounds": _PLAYER,
    "PageNeeded": (
        "A quiet login needs a page. Ask the player, then sign in without `quietly`. On a server, use an access key whose player "
        "has shared what the application requires."
    ),
    "PageRefused": (
        "The service named a page on a host that is not allowed. If you run the service's pages on a host of your own, add it "
        "with `browser_hosts`. Otherwise report it to Sudomimus."
    ),
    "ProgramEndsOrForked": "Sign in before the program ends, and in the process that was started first, not in a forked child.",
    "RefreshTokenUncertain": "Delete the refresh token, and sign in again. The sidecar never sends it a second time.",
    "RenpySteamFailed": "Look at `log.txt` for the line of Ren'Py's own Steam. Set `config.steam_appid`, or ship Steam's library.",
    "SignInAgain": "Start a new login: only the player can go on.",
    "SteamAppIdMismatch": "Set `steam_app_id` to the app that Steam starts. Remove a `steam_appid.txt` of another game.",
    "SteamDisconnected": _STEAM,
    "SteamInitFailed": f"{_STEAM} During development, check that your Steam account owns the app, and that `steam_appid.txt` names it.",
    "SteamNotRunning": _STEAM,
    "SteamShutdown": _STEAM,
    "SteamVersionMismatch": _STEAM,
    "ThisCallNotSupported": "Ship a 64-bit build, or let the bridge initialise Steam.",
    "TicketDenied": f"{_STEAM} During development, check that your Steam account owns the app.",
    "TicketFailed": _STEAM,
    "TicketUnreadable": _STEAM,
    "TimedOut": "Offer to try again. Raise the setting `timeout` only if players need more time for a page.",
    "TooManyRequests": "Wait for a response before the next request, or cancel one. A launcher rarely needs more than two at once.",
    "ValidForTooLong": "Pass a smaller `valid_for`: a token cannot be valid for longer than the service makes it.",
}
"""By the reason, or by what `reasons` calls an answer without one."""
