"""Declarations of Steam's flat API for ctypes, and nothing else: constants, structures and signatures.

`docs/contracts/steam.md` describes each of them and names its header. `_library` finds the library and binds them.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import POINTER, c_bool, c_char, c_char_p, c_int, c_int32, c_uint8, c_uint32, c_void_p
from typing import Any

# steam_api_internal.h: VALVE_CALLBACK_PACK_SMALL on Linux and macOS, VALVE_CALLBACK_PACK_LARGE on Windows.
CALLBACK_PACK = 8 if sys.platform == "win32" else 4

ERROR_MESSAGE_SIZE = 1024  # steam_api.h, SteamErrMsg
TICKET_MAX = 2560  # isteamuser.h, GetTicketForWebApiResponse_t::k_nCubTicketMaxLength; the service accepts that size
OVERLAY_TO_WEB_PAGE_DEFAULT = 0  # isteamfriends.h, k_EActivateGameOverlayToWebPageMode_Default
INVALID_HANDLE = 0  # isteamuser.h, k_HAuthTicketInvalid

# steam_api.h, ESteamAPIInitResult
INIT_OK, INIT_FAILED, INIT_NO_STEAM_CLIENT, INIT_VERSION_MISMATCH = range(4)

# k_iCallback of the structures that a login reads (isteamuser.h, isteamutils.h).
STEAM_SERVER_CONNECT_FAILURE = 102
STEAM_SERVERS_DISCONNECTED = 103
GET_TICKET_FOR_WEB_API_RESPONSE = 168
STEAM_SHUTDOWN = 704


class CallbackMsg(ctypes.Structure):
    """`CallbackMsg_t` (steam_api_internal.h). The library owns the memory behind `param`."""

    _pack_ = CALLBACK_PACK
    _layout_ = "ms"
    _fields_ = (("user", c_int32), ("id", c_int32), ("param", POINTER(c_uint8)), ("size", c_int32))


class TicketResponseHead(ctypes.Structure):
    """The first fields of `GetTicketForWebApiResponse_t` (isteamuser.h). The ticket's bytes follow them."""

    _pack_ = 4
    _layout_ = "ms"
    _fields_ = (("handle", c_uint32), ("result", c_int32), ("ticket_size", c_int32))


TICKET_RESPONSE_SIZE = ctypes.sizeof(TicketResponseHead) + TICKET_MAX


class CCallbackBase(ctypes.Structure):
    """`CCallbackBase` (steam_api_common.h), the argument of SteamAPI_RegisterCallback. The compiler aligns its fields."""

    _fields_ = (("vtable", c_void_p), ("flags", c_uint8), ("id", c_int32))


# Name: (result, *arguments). Accessors have a version in their name and are listed in ACCESSORS.
FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "SteamAPI_Shutdown": (None,),
    "SteamAPI_IsSteamRunning": (c_bool,),
    "SteamAPI_GetHSteamPipe": (c_int32,),
    "SteamAPI_ISteamUtils_GetAppID": (c_uint32, c_void_p),
    "SteamAPI_ISteamUser_GetAuthTicketForWebApi": (c_uint32, c_void_p, c_char_p),
    "SteamAPI_ISteamUser_CancelAuthTicket": (None, c_void_p, c_uint32),
    "SteamAPI_ISteamUser_BLoggedOn": (c_bool, c_void_p),
    "SteamAPI_ManualDispatch_Init": (None,),
    "SteamAPI_ManualDispatch_RunFrame": (None, c_int32),
    "SteamAPI_ManualDispatch_GetNextCallback": (c_bool, c_int32, POINTER(CallbackMsg)),
    "SteamAPI_ManualDispatch_FreeLastCallback": (None, c_int32),
    "SteamAPI_RegisterCallback": (None, c_void_p, c_int),
    "SteamAPI_UnregisterCallback": (None, c_void_p),
}

# The bridge uses these if the library has them. Without them there is no overlay; a login does not need them.
OPTIONAL_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "SteamAPI_ISteamUtils_IsOverlayEnabled": (c_bool, c_void_p),
    "SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage": (None, c_void_p, c_char_p, c_int),
}
OPTIONAL_ACCESSORS: dict[str, int] = {"SteamAPI_SteamFriends_v": 17}

# The functions that initialise, newest first. The bridge calls the first that the library exports. (SDK, result, *arguments)
INITIALISERS: dict[str, tuple[Any, ...]] = {
    "SteamAPI_InitFlat": ("1.59 or later", c_int, POINTER(c_char)),
    "SteamInternal_SteamAPI_Init": ("1.58", c_int, c_char_p, POINTER(c_char)),
    "SteamAPI_Init": ("1.57", c_bool),
}

# Interface versions rise with the SDK, and a library has one of each. Older versions have no web API tickets.
ACCESSORS: dict[str, int] = {"SteamAPI_SteamUser_v": 23, "SteamAPI_SteamUtils_v": 10}
NEWEST_ACCESSOR = 99

NO_INTERFACE_VERSIONS = b"\0\0"  # a NUL-separated, doubly terminated list that may be empty
