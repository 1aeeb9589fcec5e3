/*
 * A stub of SteamworksPy's own native library (SteamworksPy.so, SteamworksPy.dylib, SteamworksPy64.dll): the thin layer
 * over `libsteam_api` that its Python package loads. Like that layer, it starts, pumps and shuts down Steam. Every other
 * name that the package binds returns 0, false, NULL or nothing, as if Steam had no such interface.
 *
 * It is linked with the stub of `libsteam_api` of one SDK and calls the Init of that SDK. A build for 1.57 does not load
 * beside a later library, which has no SteamAPI_Init. The real one behaves the same.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef STEAM_STUB_SDK
#define STEAM_STUB_SDK 165
#endif

#if defined(_WIN32)
#define SW_API __declspec(dllexport)
#define STEAM_API __declspec(dllimport)
#else
#define SW_API __attribute__((visibility("default")))
#define STEAM_API
#endif

/* ---- The functions of libsteam_api that it calls ---- */

#if STEAM_STUB_SDK <= 156
#define STEAM_USER SteamAPI_SteamUser_v022
#elif STEAM_STUB_SDK == 999
#define STEAM_USER SteamAPI_SteamUser_v031
#else
#define STEAM_USER SteamAPI_SteamUser_v023
#endif

#if STEAM_STUB_SDK == 999
#define STEAM_UTILS SteamAPI_SteamUtils_v014
#elif STEAM_STUB_SDK >= 165
#define STEAM_UTILS SteamAPI_SteamUtils_v011
#else
#define STEAM_UTILS SteamAPI_SteamUtils_v010
#endif

STEAM_API void SteamAPI_Shutdown(void);
STEAM_API void SteamAPI_RunCallbacks(void);
STEAM_API bool SteamAPI_IsSteamRunning(void);
STEAM_API void *STEAM_USER(void);
STEAM_API void *STEAM_UTILS(void);
STEAM_API bool SteamAPI_ISteamUser_BLoggedOn(void *user);
STEAM_API uint32_t SteamAPI_ISteamUtils_GetAppID(void *utils);

/* In the headers of SDK 1.58 and later SteamAPI_Init is an inline function around the second one (steam_api.h). */
#if STEAM_STUB_SDK <= 157
STEAM_API bool SteamAPI_Init(void);
static bool start(void) { return SteamAPI_Init(); }
#else
STEAM_API int SteamInternal_SteamAPI_Init(const char *interface_versions, char *error_message);
static bool start(void) { return SteamInternal_SteamAPI_Init("SteamUser023\0SteamUtils010\0", NULL) == 0; }
#endif

/* ---- Steam's life ---- */

enum { OK = 0, FAILED = 1, NO_CLIENT = 2, NO_CONNECTION = 3 };

SW_API bool LoggedOn(void)
{
    void *user = STEAM_USER();
    return user != NULL && SteamAPI_ISteamUser_BLoggedOn(user);
}

SW_API int SteamInit(void)
{
    if (!start()) return FAILED;
    if (!SteamAPI_IsSteamRunning()) return NO_CLIENT;
    return LoggedOn() ? OK : NO_CONNECTION;
}

SW_API void SteamShutdown(void) { SteamAPI_Shutdown(); }

SW_API void RunCallbacks(void) { SteamAPI_RunCallbacks(); }

SW_API bool IsSteamRunning(void) { return SteamAPI_IsSteamRunning(); }

SW_API bool RestartAppIfNecessary(int app_id)
{
    (void)app_id; /* a game that Steam has started need not be started again */
    return false;
}

SW_API int GetAppID(void)
{
    void *utils = STEAM_UTILS();
    return utils == NULL ? 0 : (int)SteamAPI_ISteamUtils_GetAppID(utils);
}

/* ---- Every other name that the package binds: returns 0, false, NULL or nothing ---- */

SW_API float GetStatFloat(void) { return 0; }
SW_API float MusicGetVolume(void) { return 0; }

#define NAMES(X) \
    X(ActivateActionSet) X(ActivateGameOverlay) X(ActivateGameOverlayInviteDialog) X(ActivateGameOverlayToStore)     \
    X(ActivateGameOverlayToUser) X(ActivateGameOverlayToWebPage) X(AddScreenshotToLibrary) X(ClearAchievement)       \
    X(ClearGameInfo) X(ControllerInit) X(ControllerShutdown) X(CreateLobby) X(GetAchievement)                        \
    X(GetAchievementDisplayAttribute) X(GetAchievementName) X(GetActionSetHandle) X(GetAnalogActionData)             \
    X(GetAnalogActionHandle) X(GetAppBuildId) X(GetAppInstallDir) X(GetAppOwner) X(GetAuthSessionTicket)             \
    X(GetAvailableGameLanguages) X(GetConnectedControllers) X(GetControllerForGamepadIndex) X(GetCurrentActionSet)   \
    X(GetCurrentBatteryPower) X(GetCurrentGameLanguage) X(GetDLCCount) X(GetDigitalActionData)                       \
    X(GetDigitalActionHandle) X(GetEarliestPurchaseUnixTime) X(GetFileDetails) X(GetFriendByIndex) X(GetFriendCount) \
    X(GetFriendPersonaName) X(GetGameBadgeLevel) X(GetGamepadIndexForController) X(GetIPCCallCount) X(GetIPCountry)  \
    X(GetInputTypeForHandle) X(GetLaunchQueryParam) X(GetNumAchievements) X(GetPersonaName) X(GetPersonaState)       \
    X(GetPlayerSteamLevel) X(GetSecondsSinceAppActive) X(GetSecondsSinceComputerActive) X(GetServerRealTime)         \
    X(GetStatInt) X(GetSteamID) X(GetSteamUILanguage) X(GetUserDataFolder) X(HookScreenshots) X(InstallDLC)          \
    X(InviteFriend) X(InviteUserToLobby) X(IsAppInstalled) X(IsCybercafe) X(IsDLCInstalled) X(IsLowViolence)         \
    X(IsOverlayEnabled) X(IsScreenshotsHooked) X(IsSteamInBigPictureMode) X(IsSteamRunningInVR) X(IsSubscribed)      \
    X(IsSubscribedApp) X(IsSubscribedFromFreeWeekend) X(IsVACBanned) X(IsVRHeadsetStreamingEnabled) X(JoinLobby)     \
    X(Leaderboard_FindLeaderboard) X(LeaveLobby) X(MarkContentCorrupt) X(MicroTxn_SetAuthorizationResponseCallback)  \
    X(MusicIsEnabled) X(MusicIsPlaying) X(MusicPause) X(MusicPlay) X(MusicPlayNext) X(MusicPlayPrev)                 \
    X(MusicSetVolume) X(OverlayNeedsPresent) X(RequestCurrentStats) X(ResetAllStats) X(RunFrame) X(SetAchievement)   \
    X(SetGameInfo) X(SetInputActionManifestFilePath) X(SetLocation) X(SetOverlayNotificationInset)                   \
    X(SetOverlayNotificationPosition) X(SetPlayedWith) X(SetStatFloat) X(SetStatInt) X(SetVRHeadsetStreamingEnabled) \
    X(ShowBindingPanel) X(ShowGamepadTextInput) X(StartVRDashboard) X(StoreStats) X(TriggerScreenshot)               \
    X(TriggerVibration) X(UninstallDLC) X(Workshop_ClearItemInstalledCallback) X(Workshop_CreateItem)                \
    X(Workshop_CreateQueryUGCDetailsRequest) X(Workshop_DownloadItem) X(Workshop_GetAppDependencies)                 \
    X(Workshop_GetItemDownloadInfo) X(Workshop_GetItemInstallInfo) X(Workshop_GetItemState)                          \
    X(Workshop_GetItemUpdateProgress) X(Workshop_GetNumSubscribedItems) X(Workshop_GetQueryUGCResult)                \
    X(Workshop_GetSubscribedItems) X(Workshop_SendQueryUGCRequest) X(Workshop_SetDownloadItemCallback)               \
    X(Workshop_SetGetAppDependenciesCallback) X(Workshop_SetGetAppDependenciesResultCallback)                        \
    X(Workshop_SetItemContent) X(Workshop_SetItemCreatedCallback) X(Workshop_SetItemDescription)                     \
    X(Workshop_SetItemInstalledCallback) X(Workshop_SetItemMetadata) X(Workshop_SetItemPreview)                      \
    X(Workshop_SetItemSubscribedCallback) X(Workshop_SetItemTags) X(Workshop_SetItemTitle)                           \
    X(Workshop_SetItemUnsubscribedCallback) X(Workshop_SetItemUpdateLanguage) X(Workshop_SetItemUpdatedCallback)     \
    X(Workshop_SetItemVisibility) X(Workshop_SetQueryCompletedCallback) X(Workshop_StartItemUpdate)                  \
    X(Workshop_SubmitItemUpdate) X(Workshop_SubscribeItem) X(Workshop_SuspendDownloads) X(Workshop_UnsubscribeItem)

#define ANSWER_NOTHING(name) \
    SW_API uint64_t name(void) { return 0; }
NAMES(ANSWER_NOTHING)
