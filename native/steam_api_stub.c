/*
 * A stub of `libsteam_api`: the exports that a login needs, without a Steam client.
 *
 * It behaves like the real library where a caller sees the difference: the owner of memory, the time of callbacks, and
 * the two ways to dispatch. It is stricter than the real one: misuse aborts the process. Environment variables script
 * it, and a log records the calls; native/README.md lists both.
 *
 * One mutex guards everything in `stub`. It is not held while a caller's object runs or while the stub sleeps.
 */
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0601
#endif
#ifndef __USE_MINGW_ANSI_STDIO
#define __USE_MINGW_ANSI_STDIO 1
#endif
#elif defined(__APPLE__)
#define _DARWIN_C_SOURCE 1
#else
#define _GNU_SOURCE 1
#endif

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(_WIN32)
#include <windows.h>
#else
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/random.h>
#include <sys/syscall.h>
#endif
#endif

/* ---- The SDK decides which names are exported ---- */

#ifndef STEAM_STUB_SDK
#define STEAM_STUB_SDK 165
#endif

#define HAS_SHORT_INIT (STEAM_STUB_SDK <= 157)   /* SteamAPI_Init */
#define HAS_INTERNAL_INIT (STEAM_STUB_SDK >= 158) /* SteamInternal_SteamAPI_Init */
#define HAS_FLAT_INIT (STEAM_STUB_SDK >= 159)    /* SteamAPI_InitFlat */
#define HAS_WEB_API_TICKETS (STEAM_STUB_SDK >= 157)

#if STEAM_STUB_SDK == 156
#define USER_VERSION 22
#define USER_ACCESSOR SteamAPI_SteamUser_v022
#elif STEAM_STUB_SDK == 999
#define USER_VERSION 31
#define USER_ACCESSOR SteamAPI_SteamUser_v031
#elif STEAM_STUB_SDK == 157 || STEAM_STUB_SDK == 158 || STEAM_STUB_SDK == 159 || STEAM_STUB_SDK == 165
#define USER_VERSION 23
#define USER_ACCESSOR SteamAPI_SteamUser_v023
#else
#error "STEAM_STUB_SDK is one of 156, 157, 158, 159, 165 and 999"
#endif

#if STEAM_STUB_SDK == 999
#define UTILS_VERSION 14
#define UTILS_ACCESSOR SteamAPI_SteamUtils_v014
#elif STEAM_STUB_SDK == 165
#define UTILS_VERSION 11
#define UTILS_ACCESSOR SteamAPI_SteamUtils_v011
#else
#define UTILS_VERSION 10
#define UTILS_ACCESSOR SteamAPI_SteamUtils_v010
#endif

#if STEAM_STUB_SDK == 999
#define FRIENDS_ACCESSOR SteamAPI_SteamFriends_v018
#else
#define FRIENDS_ACCESSOR SteamAPI_SteamFriends_v017
#endif

#define NAME_OF_(symbol) #symbol
#define NAME_OF(symbol) NAME_OF_(symbol)

#if defined(_WIN32)
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

/* Member functions of 32-bit Windows take `this` in a register. */
#if defined(_WIN32) && defined(__i386__)
#define METHOD __attribute__((thiscall))
#else
#define METHOD
#endif

#define MAYBE_UNUSED __attribute__((unused))

/* ---- The binary interface ---- */

enum {
    INIT_OK = 0,
    INIT_FAILED = 1,
    INIT_NO_CLIENT = 2,
    INIT_VERSION_MISMATCH = 3,
    RESULT_OK = 1,
    MESSAGE_SIZE = 1024,
    TICKET_CAPACITY = 2560,
    STEAM_USER_HANDLE = 1,
    FLAG_REGISTERED = 1,
    FLAG_GAME_SERVER = 2
};

enum {
    ID_SERVER_CONNECT_FAILURE = 102,
    ID_SERVERS_DISCONNECTED = 103,
    ID_TICKET_FOR_WEB_API = 168,
    ID_PERSONA_STATE_CHANGE = 304,
    ID_API_CALL_COMPLETED = 703,
    ID_SHUTDOWN = 704,
    ID_USER_STATS_RECEIVED = 1101
};

#if defined(_WIN32)
#pragma pack(push, 8)
#else
#pragma pack(push, 4)
#endif
typedef struct {
    int32_t user;
    int32_t id;
    uint8_t *param;
    int32_t size;
} CallbackMsg_t;

typedef struct {
    uint32_t handle;
    int32_t result;
    int32_t ticket_size;
    uint8_t ticket[TICKET_CAPACITY];
} GetTicketForWebApiResponse_t;

typedef struct {
    int32_t result;
    bool still_retrying;
} SteamServerConnectFailure_t;
#pragma pack(pop)

#if defined(_WIN32)
_Static_assert(sizeof(CallbackMsg_t) == (sizeof(void *) == 8 ? 24 : 16), "packed to 8");
#else
_Static_assert(sizeof(CallbackMsg_t) == (sizeof(void *) == 8 ? 20 : 16), "packed to 4");
#endif
_Static_assert(sizeof(GetTicketForWebApiResponse_t) == 2572, "the same everywhere");

/* The three virtual functions of CCallbackBase, in the order of each platform's C++ compiler. */
struct callback_base;
struct callback_vtable {
#if defined(_WIN32)
    METHOD void (*run_call_result)(struct callback_base *, void *, bool, uint64_t);
    METHOD void (*run)(struct callback_base *, void *);
#else
    void (*run)(struct callback_base *, void *);
    void (*run_call_result)(struct callback_base *, void *, bool, uint64_t);
#endif
    METHOD int (*size_in_bytes)(struct callback_base *);
};
struct callback_base {
    const struct callback_vtable *vtable;
    uint8_t flags;
    int32_t id;
};

/* ---- State ---- */

enum { POISON = 0xDD, UNUSED_TICKET_BYTE = 0xCC, NONCE_SIZE = 16, MAX_IDENTITY = 255 };
enum { DEFAULT_TICKET_SIZE = 240, DEFAULT_DELAY_MS = 60, EARLY_WAIT_MS = 50, NOISE_EVERY_MS = 200, QUARANTINE = 64 };
enum { SETTING_SIZE = 4096, LINE_SIZE = 8192, MAX_PARAM_SIZE = 1 << 20 };
static const uint64_t NEVER = UINT64_MAX;
static const char DEFAULT_STEAM_ID[] = "76561197960287930";

enum dispatch { UNDECIDED, MANUAL, BY_OBJECT };

/* A callback, from its queueing until its memory is poisoned. */
struct callback {
    struct callback *next;
    uint64_t due_ms;
    int id;
    int stated_size;
    size_t size;
    uint8_t *param;
    bool needs_connection;
    uint32_t handle; /* with `result` and `ticket_size`, for a ticket callback; else 0 */
    int result;
    int ticket_size;
};

struct ticket {
    struct ticket *next;
    uint32_t handle;
    uint8_t nonce[NONCE_SIZE];
    bool delivered;
};

struct registration {
    struct registration *next;
    uint64_t ordinal;
    struct callback_base *object;
    int id;
};

struct interface {
    char unused;
};

static struct {
    /* for the whole process */
    uint64_t loaded_at_ms;
    uint64_t log_lines;
    uint32_t last_handle;
    uint64_t ticket_index;
    uint64_t ticket_run;
    uint64_t last_ordinal;
    struct registration *registrations;
    uint8_t *quarantine[QUARANTINE];
    unsigned quarantined;
    /* two of each, used in turn, so that the stub notices a pointer from before a Shutdown */
    struct interface users[2], utils[2], friends[2];
    /* from one Init to the next Shutdown */
    bool initialised;
    int32_t pipe; /* rises with each Init */
    uint32_t app_id;
    enum dispatch dispatch;
    uint64_t frames;
    long long overlay_asked; /* the number of IsOverlayEnabled calls since Init */
    uint64_t pumped_at_ms;
    uint64_t pumping_thread;
    uint64_t last_noise_ms;
    uint64_t noise_count;
    struct callback *pending; /* by due time */
    struct callback *ready;
    struct callback *handed_over;
    struct ticket *tickets;
    const struct callback_base *running;
    uint64_t running_thread;
    /* from a request until the next Init */
    uint64_t steam_gone_at_ms;
    uint64_t offline_at_ms;
} stub = {.steam_gone_at_ms = UINT64_MAX, .offline_at_ms = UINT64_MAX};

/* ---- Platform ---- */

#if defined(_WIN32)
static SRWLOCK mutex = SRWLOCK_INIT;

static void lock(void) { AcquireSRWLockExclusive(&mutex); }
static void unlock(void) { ReleaseSRWLockExclusive(&mutex); }
static void sleep_ms(uint64_t ms) { Sleep((DWORD)ms); }
static uint64_t thread_id(void) { return GetCurrentThreadId(); }
static uint64_t process_id(void) { return GetCurrentProcessId(); }

static uint64_t clock_ms(void)
{
    LARGE_INTEGER ticks, frequency;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&frequency);
    return (uint64_t)((double)ticks.QuadPart * 1000.0 / (double)frequency.QuadPart);
}

/* Reads the environment of the process, as UTF-8. This C runtime may have a copy that a caller does not change. */
static const char *setting(const char *name, char value[SETTING_SIZE])
{
    wchar_t wide_name[128], wide_value[SETTING_SIZE];
    if (MultiByteToWideChar(CP_UTF8, 0, name, -1, wide_name, 128) == 0) return NULL;
    DWORD length = GetEnvironmentVariableW(wide_name, wide_value, SETTING_SIZE);
    if (length == 0 || length >= SETTING_SIZE) return NULL;
    if (WideCharToMultiByte(CP_UTF8, 0, wide_value, -1, value, SETTING_SIZE, NULL, NULL) == 0) return NULL;
    return value;
}

static void append_to_file(const char *path, const char *text, size_t size)
{
    wchar_t wide[SETTING_SIZE];
    if (MultiByteToWideChar(CP_UTF8, 0, path, -1, wide, SETTING_SIZE) == 0) return;
    HANDLE file = CreateFileW(wide, FILE_APPEND_DATA, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                              OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE) return;
    DWORD written = 0;
    WriteFile(file, text, (DWORD)size, &written, NULL);
    CloseHandle(file);
}

static bool system_random(uint8_t *bytes, size_t size)
{
    typedef LONG(WINAPI *generate)(void *, uint8_t *, ULONG, ULONG);
    HMODULE library = LoadLibraryA("bcrypt.dll");
    if (library == NULL) return false;
    generate call = (generate)(void (*)(void))GetProcAddress(library, "BCryptGenRandom");
    const ULONG use_system_preferred = 2;
    bool done = call != NULL && call(NULL, bytes, (ULONG)size, use_system_preferred) == 0;
    FreeLibrary(library);
    return done;
}
#else
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock(void) { pthread_mutex_lock(&mutex); }
static void unlock(void) { pthread_mutex_unlock(&mutex); }
static uint64_t process_id(void) { return (uint64_t)getpid(); }

static void sleep_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static uint64_t thread_id(void)
{
#if defined(__APPLE__)
    uint64_t id = 0;
    pthread_threadid_np(NULL, &id);
    return id;
#else
    return (uint64_t)syscall(SYS_gettid);
#endif
}

static uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A copy, because another thread may change the environment; an empty variable counts as unset. */
static const char *setting(const char *name, char value[SETTING_SIZE])
{
    const char *found = getenv(name);
    if (found == NULL || *found == '\0') return NULL;
    snprintf(value, SETTING_SIZE, "%s", found);
    return value;
}

static void append_to_file(const char *path, const char *text, size_t size)
{
    int file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) return;
    ssize_t written = write(file, text, size);
    (void)written;
    close(file);
}

static bool system_random(uint8_t *bytes, size_t size)
{
#if defined(__APPLE__)
    arc4random_buf(bytes, size);
    return true;
#else
#if defined(__linux__)
    if (getrandom(bytes, size, 0) == (ssize_t)size) return true;
#endif
    int file = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool done = read(file, bytes, size) == (ssize_t)size;
    close(file);
    return done;
#endif
}
#endif

__attribute__((constructor)) static void on_load(void) { stub.loaded_at_ms = clock_ms(); }

static uint64_t now_ms(void) { return clock_ms() - stub.loaded_at_ms; }

static void *allocate(size_t size)
{
    void *memory = calloc(1, size == 0 ? 1 : size);
    if (memory == NULL) abort();
    return memory;
}

/* Makes 16 bytes that are unique among all processes. If the system gives no random bytes, a counter and a clock suffice here. */
static void make_nonce(uint8_t nonce[NONCE_SIZE])
{
    if (system_random(nonce, NONCE_SIZE)) return;
    uint64_t words[2] = {clock_ms() * 0x9E3779B97F4A7C15u + ++stub.last_ordinal, process_id() << 32 ^ thread_id()};
    memcpy(nonce, words, NONCE_SIZE);
}

/* ---- Settings ---- */

static long long setting_number(const char *name, long long otherwise)
{
    char value[SETTING_SIZE];
    return setting(name, value) == NULL ? otherwise : strtoll(value, NULL, 10);
}

/* This ticket's item of a list; the last item repeats. */
static const char *listed(const char *name, uint64_t index, char value[SETTING_SIZE])
{
    if (setting(name, value) == NULL) return NULL;
    char *item = value, *comma;
    while ((comma = strchr(item, ',')) != NULL && index > 0) {
        item = comma + 1;
        index--;
    }
    if (comma != NULL) *comma = '\0';
    while (*item == ' ') item++;
    for (size_t length = strlen(item); length > 0 && item[length - 1] == ' '; length--) item[length - 1] = '\0';
    return item;
}

static long long listed_number(const char *name, uint64_t index, long long otherwise)
{
    char value[SETTING_SIZE];
    const char *item = listed(name, index, value);
    return item == NULL || *item == '\0' ? otherwise : strtoll(item, NULL, 10);
}

static void hang(const char *place)
{
    char value[SETTING_SIZE];
    if (setting("STEAM_STUB_HANG", value) == NULL) return;
    size_t length = strlen(place);
    for (const char *item = value; item != NULL; item = strchr(item, ',')) {
        item += strspn(item, ", ");
        if (strncmp(item, place, length) == 0 && item[length] == ':') {
            long long ms = strtoll(item + length + 1, NULL, 10);
            if (ms > 0) sleep_ms((uint64_t)ms);
            return;
        }
    }
}

/* `SteamAppId`, else the developer's file in the working directory; 0 if there is neither. */
static uint32_t find_app_id(void)
{
    char value[SETTING_SIZE];
    if (setting("SteamAppId", value) != NULL) return (uint32_t)strtoul(value, NULL, 10);
    FILE *file = fopen("steam_appid.txt", "r");
    if (file == NULL) return 0;
    const char *line = fgets(value, 32, file);
    fclose(file);
    return line == NULL ? 0 : (uint32_t)strtoul(line, NULL, 10);
}

/* ---- The log: one JSON object a line. The mutex is held, so that `seq` is the order in the file ---- */

struct line {
    char text[LINE_SIZE];
    size_t length;
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
    size_t room = LINE_SIZE - line->length;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0) line->length += (size_t)length < room ? (size_t)length : room - 1;
}

/* The length of the well-formed UTF-8 sequence that starts here; 0 if there is none. */
static size_t utf8_length(const uint8_t *at)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xC2 ? 0 : at[0] < 0xE0 ? 2 : at[0] < 0xF0 ? 3 : at[0] < 0xF5 ? 4 : 0;
    for (size_t index = 1; index < length; index++) {
        if ((at[index] & 0xC0) != 0x80) return 0;
    }
    bool overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool outside = (at[0] == 0xED && at[1] >= 0xA0) || (at[0] == 0xF4 && at[1] >= 0x90);
    return overlong || outside ? 0 : length;
}

static void put_text(struct line *line, const char *name, const char *text)
{
    put(line, ",\"%s\":\"", name);
    const uint8_t *at = (const uint8_t *)text;
    for (size_t shown = 0; *at != '\0' && shown < MESSAGE_SIZE; shown++) {
        size_t length = utf8_length(at);
        if (length == 0) {
            put(line, "\\ufffd");
            length = 1;
        } else if (*at < 0x20 || *at == 0x7F || *at == '"' || *at == '\\') {
            put(line, "\\u%04x", *at);
        } else {
            put(line, "%.*s", (int)length, (const char *)at);
        }
        at += length;
    }
    put(line, "\"");
}

static void put_number(struct line *line, const char *name, long long value) { put(line, ",\"%s\":%lld", name, value); }

static void put_flag(struct line *line, const char *name, bool value)
{
    put(line, ",\"%s\":%s", name, value ? "true" : "false");
}

static void put_nonce(struct line *line, const uint8_t nonce[NONCE_SIZE])
{
    put(line, ",\"nonce\":\"");
    for (int index = 0; index < NONCE_SIZE; index++) put(line, "%02x", nonce[index]);
    put(line, "\"");
}

static void begin(struct line *line, const char *call)
{
    line->length = 0;
    put(line, "{\"seq\":%" PRIu64 ",\"ms\":%" PRIu64 ",\"pid\":%" PRIu64 ",\"tid\":%" PRIu64, ++stub.log_lines,
        now_ms(), process_id(), thread_id());
    put_text(line, "call", call);
}

static void finish(struct line *line)
{
    char path[SETTING_SIZE];
    if (setting("STEAM_STUB_LOG", path) == NULL) return;
    put(line, "}\n");
    append_to_file(path, line->text, line->length);
}

static void log_call(const char *call)
{
    struct line line;
    begin(&line, call);
    finish(&line);
}

/* ---- Misuse ---- */

/* Ends the process; the mutex is held. With STEAM_STUB_LENIENT it returns, and the caller reports failure. */
__attribute__((format(printf, 1, 2))) static void misuse(const char *format, ...)
{
    char what[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    struct line line;
    begin(&line, "misuse");
    put_text(&line, "what", what);
    finish(&line);
    fprintf(stderr, "steam_api_stub: misuse: %s\n", what);
    fflush(stderr);
    if (setting_number("STEAM_STUB_LENIENT", 0) == 0) abort();
}

static struct interface *user_interface(void) { return &stub.users[stub.pipe & 1]; }
static struct interface *utils_interface(void) { return &stub.utils[stub.pipe & 1]; }
static struct interface *friends_interface(void) { return &stub.friends[stub.pipe & 1]; }

static bool interface_usable(const char *call, const void *given, const void *expected)
{
    if (!stub.initialised) {
        misuse("%s while the API is not initialised", call);
        return false;
    }
    if (given != expected) {
        misuse("%s with a pointer that its accessor has not given since Init", call);
        return false;
    }
    return true;
}

static bool pump_usable(const char *call, int32_t pipe)
{
    if (!stub.initialised) {
        misuse("%s while the API is not initialised", call);
        return false;
    }
    if (stub.dispatch != MANUAL) {
        misuse("%s before SteamAPI_ManualDispatch_Init", call);
        return false;
    }
    if (pipe != stub.pipe) {
        misuse("%s with pipe %" PRId32 ", but the pipe is %" PRId32, call, pipe, stub.pipe);
        return false;
    }
    return true;
}

/* ---- Callbacks: pending until due, ready from the next frame on, delivered, poisoned ---- */

static void free_callback(struct callback *callback)
{
    free(callback->param);
    free(callback);
}

static void free_callbacks(struct callback **list)
{
    while (*list != NULL) {
        struct callback *first = *list;
        *list = first->next;
        free_callback(first);
    }
}

/* Poisons the memory and keeps it for a while, so that a late reader sees the poison. */
static void retire(struct callback *callback)
{
    memset(callback->param, POISON, callback->size);
    if (stub.initialised) {
        uint8_t **slot = &stub.quarantine[stub.quarantined++ % QUARANTINE];
        free(*slot);
        *slot = callback->param;
        callback->param = NULL;
    }
    free_callback(callback);
}

/* Copies `content`. Bytes that the stated size omits or adds are poison. */
static struct callback *queue(int id, const void *content, size_t size, long long stated_size, uint64_t due_ms)
{
    struct callback *callback = allocate(sizeof *callback);
    size_t stated = stated_size < 0 ? 0 : stated_size > MAX_PARAM_SIZE ? MAX_PARAM_SIZE : (size_t)stated_size;
    callback->id = id;
    callback->due_ms = due_ms;
    callback->stated_size = (int)stated_size;
    callback->size = stated > size ? stated : size;
    callback->param = allocate(callback->size);
    memset(callback->param, POISON, callback->size);
    memcpy(callback->param, content, stated < size ? stated : size);
    struct callback **at = &stub.pending;
    while (*at != NULL && (*at)->due_ms <= due_ms) at = &(*at)->next;
    callback->next = *at;
    *at = callback;
    return callback;
}

static void append_ready(struct callback *callback)
{
    struct callback **at = &stub.ready;
    while (*at != NULL) at = &(*at)->next;
    callback->next = NULL;
    *at = callback;
}

static struct callback *take_ready(void)
{
    struct callback *first = stub.ready;
    if (first != NULL) stub.ready = first->next;
    return first;
}

static struct ticket *open_ticket(uint32_t handle)
{
    struct ticket *ticket = stub.tickets;
    while (ticket != NULL && ticket->handle != handle) ticket = ticket->next;
    return ticket;
}

static void mark_delivered(uint32_t handle)
{
    struct ticket *ticket = open_ticket(handle);
    if (ticket != NULL) ticket->delivered = true;
}

static void log_callback(const char *call, const struct callback *callback, const char *to)
{
    struct line line;
    begin(&line, call);
    put_number(&line, "id", callback->id);
    if (callback->handle != 0) {
        put_number(&line, "handle", callback->handle);
        put_number(&line, "result", callback->result);
        put_number(&line, "size", callback->ticket_size);
    }
    put_number(&line, "param_size", callback->stated_size);
    if (to != NULL) put_text(&line, "to", to);
    finish(&line);
}

/* ---- Tickets ---- */

static void put_little_endian(uint8_t *at, uint64_t value, int size)
{
    for (int index = 0; index < size; index++) at[index] = (uint8_t)(value >> (8 * index));
}

/* The layout that `sudomimus_bridge/steam/_stub_ticket.py` reads. */
static void write_ticket(uint8_t *ticket, size_t size, const uint8_t nonce[NONCE_SIZE], const char *identity)
{
    static const char magic[] = "STUBTKT1";
    uint8_t whole[8 + 8 + 4 + NONCE_SIZE + 1 + MAX_IDENTITY + TICKET_CAPACITY];
    char steam_id[SETTING_SIZE];
    if (setting("STEAM_STUB_STEAM_ID", steam_id) == NULL) memcpy(steam_id, DEFAULT_STEAM_ID, sizeof DEFAULT_STEAM_ID);
    size_t identity_size = strlen(identity);
    if (identity_size > MAX_IDENTITY) identity_size = MAX_IDENTITY;
    memcpy(whole, magic, 8);
    put_little_endian(whole + 8, strtoull(steam_id, NULL, 10), 8);
    put_little_endian(whole + 16, stub.app_id, 4);
    memcpy(whole + 20, nonce, NONCE_SIZE);
    whole[36] = (uint8_t)identity_size;
    memcpy(whole + 37, identity, identity_size);
    size_t head = 37 + identity_size;
    for (size_t index = 0; head + index < size; index++) whole[head + index] = (uint8_t)(nonce[index % 16] + index);
    memcpy(ticket, whole, size);
}

struct ticket_script {
    uint64_t delay_ms;
    int result;
    size_t size;
    int stated_size;
    long long param_size;
    const char *callback;
    char callback_text[SETTING_SIZE];
};

static void read_script(struct ticket_script *script, uint64_t index)
{
    long long delay = listed_number("STEAM_STUB_TICKET_DELAY_MS", index, DEFAULT_DELAY_MS);
    script->delay_ms = delay < 0 ? 0 : (uint64_t)delay;
    script->result = (int)listed_number("STEAM_STUB_TICKET_RESULT", index, RESULT_OK);
    long long usual = script->result == RESULT_OK ? DEFAULT_TICKET_SIZE : 0;
    long long size = listed_number("STEAM_STUB_TICKET_SIZE", index, usual);
    script->size = size < 0 ? 0 : size > TICKET_CAPACITY ? TICKET_CAPACITY : (size_t)size;
    script->stated_size = (int)listed_number("STEAM_STUB_TICKET_STATED_SIZE", index, (long long)script->size);
    script->param_size = listed_number("STEAM_STUB_PARAM_SIZE", index, sizeof(GetTicketForWebApiResponse_t));
    script->callback = listed("STEAM_STUB_TICKET_CALLBACK", index, script->callback_text);
    if (script->callback == NULL || *script->callback == '\0') script->callback = "normal";
}

static void queue_ticket(const struct ticket_script *script, uint32_t handle, const uint8_t nonce[NONCE_SIZE],
                         const char *identity, uint64_t due_ms)
{
    GetTicketForWebApiResponse_t response = {
        .handle = handle, .result = script->result, .ticket_size = script->stated_size};
    memset(response.ticket, UNUSED_TICKET_BYTE, sizeof response.ticket);
    write_ticket(response.ticket, script->size, nonce, identity);
    struct callback *callback =
        queue(ID_TICKET_FOR_WEB_API, &response, sizeof response, script->param_size, due_ms);
    callback->needs_connection = true;
    callback->handle = handle;
    callback->result = script->result;
    callback->ticket_size = script->stated_size;
}

/* A valid ticket of other code in the process. */
static void queue_foreign_ticket(uint32_t near_handle, uint64_t due_ms)
{
    struct ticket_script script = {.result = RESULT_OK,
                                   .size = DEFAULT_TICKET_SIZE,
                                   .stated_size = DEFAULT_TICKET_SIZE,
                                   .param_size = sizeof(GetTicketForWebApiResponse_t)};
    uint8_t nonce[NONCE_SIZE];
    make_nonce(nonce);
    queue_ticket(&script, 0x40000000u | near_handle, nonce, "somebody-else", due_ms);
}

/* Other callbacks that a game's queue contains, in their real sizes. */
static void queue_noise(uint64_t due_ms)
{
    static const struct {
        int id;
        size_t size;
    } kinds[] = {{ID_TICKET_FOR_WEB_API, 0},
                 {ID_API_CALL_COMPLETED, 16},
#if defined(_WIN32)
                 {ID_PERSONA_STATE_CHANGE, 16},
                 {ID_USER_STATS_RECEIVED, 24}};
#else
                 {ID_PERSONA_STATE_CHANGE, 12},
                 {ID_USER_STATS_RECEIVED, 20}};
#endif
    size_t kind = (size_t)(stub.noise_count++ % (sizeof kinds / sizeof kinds[0]));
    if (kinds[kind].id == ID_TICKET_FOR_WEB_API) {
        queue_foreign_ticket((uint32_t)(0x10000u + stub.noise_count), due_ms);
    } else {
        uint8_t content[24];
        memset(content, (int)(0x11 * kind), sizeof content);
        queue(kinds[kind].id, content, kinds[kind].size, (long long)kinds[kind].size, due_ms);
    }
}

/* ---- The connection ---- */

static bool steam_running(void)
{
    return setting_number("STEAM_STUB_RUNNING", 1) != 0 && now_ms() < stub.steam_gone_at_ms;
}

static bool logged_on(void)
{
    return steam_running() && setting_number("STEAM_STUB_LOGGED_ON", 1) != 0 && now_ms() < stub.offline_at_ms;
}

/* Schedules the shutdown, disconnection and connect failure that a request triggers, once for each Init. */
static void schedule_troubles(uint64_t now)
{
    long long after = setting_number("STEAM_STUB_SHUTDOWN_AFTER_MS", -1);
    if (after >= 0 && stub.steam_gone_at_ms == NEVER) {
        stub.steam_gone_at_ms = now + (uint64_t)after;
        queue(ID_SHUTDOWN, "", 1, 1, stub.steam_gone_at_ms);
    }
    after = setting_number("STEAM_STUB_DISCONNECT_AFTER_MS", -1);
    if (after >= 0 && stub.offline_at_ms == NEVER) {
        const int32_t no_connection = 3;
        stub.offline_at_ms = now + (uint64_t)after;
        queue(ID_SERVERS_DISCONNECTED, &no_connection, sizeof no_connection, sizeof no_connection, stub.offline_at_ms);
    }
    after = setting_number("STEAM_STUB_CONNECT_FAILURE_AFTER_MS", -1);
    if (after >= 0) {
        const SteamServerConnectFailure_t failure = {.result = 3, .still_retrying = true};
        queue(ID_SERVER_CONNECT_FAILURE, &failure, sizeof failure, sizeof failure, now + (uint64_t)after);
    }
}

/* One frame; the mutex is held. Due callbacks become ready, except those that need a lost connection. */
static void advance(void)
{
    uint64_t now = now_ms();
    stub.frames++;
    stub.pumped_at_ms = now;
    stub.pumping_thread = thread_id();
    if (setting_number("STEAM_STUB_NOISE", 0) > 0 && now - stub.last_noise_ms >= NOISE_EVERY_MS) {
        stub.last_noise_ms = now;
        queue_noise(now);
    }
    while (stub.pending != NULL && stub.pending->due_ms <= now) {
        struct callback *first = stub.pending;
        stub.pending = first->next;
        bool lost = first->due_ms >= stub.steam_gone_at_ms || first->due_ms >= stub.offline_at_ms;
        if (lost && first->needs_connection) {
            free_callback(first);
        } else {
            append_ready(first);
        }
    }
}

/* ---- Starting and stopping ---- */

static void free_quarantine(void)
{
    for (size_t index = 0; index < QUARANTINE; index++) {
        free(stub.quarantine[index]);
        stub.quarantine[index] = NULL;
    }
}

/* A caller that asks for a newer interface than this library has was built with another SDK. */
static const char *unknown_version(const char *versions)
{
    for (const char *version = versions; version != NULL && *version != '\0'; version += strlen(version) + 1) {
        if (strncmp(version, "SteamUser0", 10) == 0 && atoi(version + 9) > USER_VERSION) return version;
        if (strncmp(version, "SteamUtils0", 11) == 0 && atoi(version + 10) > UTILS_VERSION) return version;
    }
    return NULL;
}

static int try_start(const char *versions, char message[MESSAGE_SIZE])
{
    static const char *const scripted[] = {"", "the stub was told to fail", "the stub was told that no client runs",
                                           "the stub was told that the client is too old"};
    long long told = setting_number("STEAM_STUB_INIT", INIT_OK);
    if (told >= INIT_FAILED && told <= INIT_VERSION_MISMATCH) {
        snprintf(message, MESSAGE_SIZE, "%s (STEAM_STUB_INIT=%lld)", scripted[told], told);
        return (int)told;
    }
    if (setting_number("STEAM_STUB_RUNNING", 1) == 0) {
        snprintf(message, MESSAGE_SIZE, "cannot reach a Steam client: none is running for this user");
        return INIT_NO_CLIENT;
    }
    uint32_t app_id = find_app_id();
    if (app_id == 0) {
        snprintf(message, MESSAGE_SIZE,
                 "no app id: start the game from Steam, or put steam_appid.txt in the working directory");
        return INIT_FAILED;
    }
    const char *unknown = unknown_version(versions);
    if (unknown != NULL) {
        snprintf(message, MESSAGE_SIZE, "this client does not know the interface %s", unknown);
        return INIT_VERSION_MISMATCH;
    }
    stub.initialised = true;
    stub.pipe++;
    stub.app_id = app_id;
    stub.dispatch = UNDECIDED;
    stub.frames = stub.pumped_at_ms = stub.pumping_thread = stub.last_noise_ms = stub.noise_count = 0;
    stub.steam_gone_at_ms = stub.offline_at_ms = NEVER;
    return INIT_OK;
}

/* The real library and the client print such lines, even if the game uses its streams for something else. */
static void chatter(int result, uint32_t app_id, const char *message)
{
    if (setting_number("STEAM_STUB_CHATTER", 1) == 0) return;
    if (result == INIT_OK) {
        printf("[S_API] steam_api_stub: initialised, no Steam client behind it\n");
        fprintf(stderr, "Setting breakpad minidump AppID = %" PRIu32 " (steam_api_stub)\n", app_id);
    } else {
        printf("[S_API] steam_api_stub: not initialised: %s\n", message);
    }
    fflush(stdout);
    fflush(stderr);
}

static int start(const char *call, const char *versions, char *error_message)
{
    char message[MESSAGE_SIZE] = "";
    hang("init");
    lock();
    bool already = stub.initialised;
    int result = already ? INIT_OK : try_start(versions, message);
    uint32_t app_id = stub.app_id;
    struct line line;
    begin(&line, call);
    put_number(&line, "result", result);
    if (result != INIT_OK) put_text(&line, "message", message);
    if (result == INIT_OK) put_number(&line, "app_id", app_id);
    if (result == INIT_OK) put_number(&line, "pipe", stub.pipe);
    put_flag(&line, "already", already);
    finish(&line);
    unlock();
    if (!already) chatter(result, app_id, message);
    if (error_message != NULL) memcpy(error_message, message, strlen(message) + 1);
    return result;
}

#if HAS_FLAT_INIT
API int SteamAPI_InitFlat(char *error_message) { return start("SteamAPI_InitFlat", NULL, error_message); }
#endif

#if HAS_INTERNAL_INIT
API int SteamInternal_SteamAPI_Init(const char *interface_versions, char *error_message)
{
    return start("SteamInternal_SteamAPI_Init", interface_versions, error_message);
}
#endif

#if HAS_SHORT_INIT
API bool SteamAPI_Init(void) { return start("SteamAPI_Init", NULL, NULL) == INIT_OK; }
#endif

API void SteamAPI_Shutdown(void)
{
    hang("shutdown");
    lock();
    int open = 0;
    for (const struct ticket *ticket = stub.tickets; ticket != NULL; ticket = ticket->next) open++;
    struct line line;
    begin(&line, "SteamAPI_Shutdown");
    put_flag(&line, "initialised", stub.initialised);
    put_number(&line, "frames", (long long)stub.frames);
    put_number(&line, "open_tickets", open);
    finish(&line);
    if (open > 0) misuse("SteamAPI_Shutdown with %d ticket%s still open", open, open == 1 ? "" : "s");
    stub.initialised = false;
    stub.dispatch = UNDECIDED;
    stub.frames = 0;
    stub.overlay_asked = 0;
    free_callbacks(&stub.pending);
    free_callbacks(&stub.ready);
    free_callbacks(&stub.handed_over);
    while (stub.tickets != NULL) {
        struct ticket *first = stub.tickets;
        stub.tickets = first->next;
        free(first);
    }
    free_quarantine();
    unlock();
}

API bool SteamAPI_IsSteamRunning(void)
{
    lock();
    bool running = steam_running();
    struct line line;
    begin(&line, "SteamAPI_IsSteamRunning");
    put_flag(&line, "result", running);
    finish(&line);
    unlock();
    return running;
}

API int32_t SteamAPI_GetHSteamPipe(void)
{
    lock();
    int32_t pipe = stub.initialised ? stub.pipe : 0;
    struct line line;
    begin(&line, "SteamAPI_GetHSteamPipe");
    put_number(&line, "pipe", pipe);
    finish(&line);
    unlock();
    return pipe;
}

/* ---- ISteamUser and ISteamUtils ---- */

/* NULL while the API is not initialised, like the real accessors. */
static void *access_interface(const char *call, struct interface *(*of)(void))
{
    lock();
    void *pointer = stub.initialised ? of() : NULL;
    struct line line;
    begin(&line, call);
    put_flag(&line, "given", pointer != NULL);
    finish(&line);
    unlock();
    return pointer;
}

API void *USER_ACCESSOR(void) { return access_interface(NAME_OF(USER_ACCESSOR), user_interface); }
API void *UTILS_ACCESSOR(void) { return access_interface(NAME_OF(UTILS_ACCESSOR), utils_interface); }

API void *FRIENDS_ACCESSOR(void) { return access_interface(NAME_OF(FRIENDS_ACCESSOR), friends_interface); }

API uint32_t SteamAPI_ISteamUtils_GetAppID(void *utils)
{
    static const char call[] = "SteamAPI_ISteamUtils_GetAppID";
    lock();
    uint32_t app_id = interface_usable(call, utils, utils_interface()) ? stub.app_id : 0;
    struct line line;
    begin(&line, call);
    put_number(&line, "app_id", app_id);
    finish(&line);
    unlock();
    return app_id;
}

API bool SteamAPI_ISteamUser_BLoggedOn(void *user)
{
    static const char call[] = "SteamAPI_ISteamUser_BLoggedOn";
    lock();
    bool result = interface_usable(call, user, user_interface()) && logged_on();
    struct line line;
    begin(&line, call);
    put_flag(&line, "result", result);
    finish(&line);
    unlock();
    return result;
}

/* ---- The overlay ---- */

/* The real overlay starts some seconds after Init. Some players and window systems have none. */
API bool SteamAPI_ISteamUtils_IsOverlayEnabled(void *utils)
{
    static const char call[] = "SteamAPI_ISteamUtils_IsOverlayEnabled";
    lock();
    long long starts_at = setting_number("STEAM_STUB_OVERLAY", 1);
    bool result = interface_usable(call, utils, utils_interface()) && starts_at > 0 && ++stub.overlay_asked >= starts_at;
    struct line line;
    begin(&line, call);
    put_flag(&line, "result", result);
    finish(&line);
    unlock();
    return result;
}

/* Returns nothing, like the real one. The log has the whole URL, because it is a page of a test. */
API void SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage(void *friends, const char *url, int mode)
{
    static const char call[] = "SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage";
    lock();
    if (interface_usable(call, friends, friends_interface())) {
        if (url == NULL) {
            misuse("%s with a NULL page", call);
        } else {
            struct line line;
            begin(&line, call);
            put_text(&line, "url", url);
            put_number(&line, "mode", mode);
            finish(&line);
        }
    }
    unlock();
}

/* ---- Tickets ---- */

/* The index of this ticket in the lists. A changed STEAM_STUB_TICKET_RUN starts the lists again. */
static uint64_t next_ticket_index(void)
{
    char value[SETTING_SIZE];
    uint64_t run = 0;
    if (setting("STEAM_STUB_TICKET_RUN", value) != NULL) {
        for (const char *at = value; *at != '\0'; at++) run = run * 1099511628211u + (uint8_t)*at + 1;
    }
    if (run != stub.ticket_run) stub.ticket_index = 0;
    stub.ticket_run = run;
    return stub.ticket_index++;
}

static void queue_answers(const struct ticket_script *script, const struct ticket *ticket, const char *identity)
{
    uint64_t now = now_ms();
    bool early = strcmp(script->callback, "early") == 0;
    uint64_t due = early ? now : now + script->delay_ms;
    bool connected = logged_on();
    schedule_troubles(now);
    long long noise = setting_number("STEAM_STUB_NOISE", 0);
    for (long long count = 0; count < noise; count++) queue_noise(due);
    if (!connected || strcmp(script->callback, "never") == 0) return;
    bool other_first = strcmp(script->callback, "other-handle-first") == 0;
    bool other_only = strcmp(script->callback, "other-handle") == 0;
    if (other_first || other_only) queue_foreign_ticket(ticket->handle, due);
    if (other_only) return;
    queue_ticket(script, ticket->handle, ticket->nonce, identity, due);
    if (strcmp(script->callback, "twice") == 0) queue_ticket(script, ticket->handle, ticket->nonce, identity, due);
}

/* Lets a pumping thread deliver the callback before the request returns. The mutex is not held. */
MAYBE_UNUSED static void wait_for_early_delivery(uint32_t handle)
{
    for (int waited = 0; waited < EARLY_WAIT_MS; waited++) {
        lock();
        bool pumped = stub.frames > 0 && stub.pumping_thread != thread_id() && now_ms() - stub.pumped_at_ms < 1000;
        const struct ticket *ticket = open_ticket(handle);
        bool outstanding = ticket != NULL && !ticket->delivered;
        unlock();
        if (!pumped || !outstanding) return;
        sleep_ms(1);
    }
}

/* Gives a ticket and returns its handle, or 0 if there is no ticket. The mutex is held. */
MAYBE_UNUSED static uint32_t give_ticket(const char *call, const char *identity, struct ticket_script *script)
{
    uint64_t index = next_ticket_index();
    read_script(script, index);
    bool given = steam_running() && listed_number("STEAM_STUB_TICKET_HANDLE", index, 1) != 0;
    uint32_t handle = given ? ++stub.last_handle : 0;
    struct line line;
    begin(&line, call);
    put_text(&line, "identity", identity);
    put_number(&line, "handle", handle);
    if (given) {
        struct ticket *ticket = allocate(sizeof *ticket);
        ticket->handle = handle;
        make_nonce(ticket->nonce);
        ticket->next = stub.tickets;
        stub.tickets = ticket;
        queue_answers(script, ticket, identity);
        put_nonce(&line, ticket->nonce);
    }
    finish(&line);
    return handle;
}

#if HAS_WEB_API_TICKETS
API uint32_t SteamAPI_ISteamUser_GetAuthTicketForWebApi(void *user, const char *identity)
{
    static const char call[] = "SteamAPI_ISteamUser_GetAuthTicketForWebApi";
    struct ticket_script script;
    uint32_t handle = 0;
    lock();
    if (interface_usable(call, user, user_interface())) {
        if (identity == NULL) {
            misuse("%s with a NULL identity", call);
        } else {
            handle = give_ticket(call, identity, &script);
        }
    }
    unlock();
    hang("request");
    if (handle != 0 && strcmp(script.callback, "early") == 0) wait_for_early_delivery(handle);
    return handle;
}
#endif

API void SteamAPI_ISteamUser_CancelAuthTicket(void *user, uint32_t handle)
{
    static const char call[] = "SteamAPI_ISteamUser_CancelAuthTicket";
    hang("cancel");
    lock();
    if (interface_usable(call, user, user_interface())) {
        struct ticket **at = &stub.tickets;
        while (*at != NULL && (*at)->handle != handle) at = &(*at)->next;
        struct ticket *ticket = *at;
        struct line line;
        begin(&line, call);
        put_number(&line, "handle", handle);
        if (ticket != NULL) put_nonce(&line, ticket->nonce);
        finish(&line);
        if (ticket != NULL) {
            *at = ticket->next;
            free(ticket);
        } else if (handle != 0 && handle <= stub.last_handle) {
            misuse("%s with handle %" PRIu32 ", which is cancelled already", call, handle);
        } else {
            misuse("%s with handle %" PRIu32 ", which was never given", call, handle);
        }
    }
    unlock();
}

/* ---- Manual dispatch ---- */

API void SteamAPI_ManualDispatch_Init(void)
{
    lock();
    log_call("SteamAPI_ManualDispatch_Init");
    if (!stub.initialised) {
        misuse("SteamAPI_ManualDispatch_Init while the API is not initialised");
    } else if (stub.dispatch == MANUAL) {
        misuse("SteamAPI_ManualDispatch_Init for the second time");
    } else if (stub.dispatch == BY_OBJECT) {
        misuse("SteamAPI_ManualDispatch_Init after SteamAPI_RunCallbacks");
    } else {
        stub.dispatch = MANUAL;
    }
    unlock();
}

API void SteamAPI_ManualDispatch_RunFrame(int32_t pipe)
{
    hang("frame");
    lock();
    if (pump_usable("SteamAPI_ManualDispatch_RunFrame", pipe)) advance();
    unlock();
}

API bool SteamAPI_ManualDispatch_GetNextCallback(int32_t pipe, CallbackMsg_t *message)
{
    static const char call[] = "SteamAPI_ManualDispatch_GetNextCallback";
    lock();
    bool found = false;
    if (pump_usable(call, pipe)) {
        if (stub.handed_over != NULL) {
            misuse("%s before SteamAPI_ManualDispatch_FreeLastCallback for the last one", call);
        } else if (message == NULL) {
            misuse("%s with a NULL message", call);
        } else if ((stub.handed_over = take_ready()) != NULL) {
            found = true;
            stub.handed_over->next = NULL;
            message->user = STEAM_USER_HANDLE;
            message->id = stub.handed_over->id;
            message->param = stub.handed_over->param;
            message->size = stub.handed_over->stated_size;
            log_callback("callback", stub.handed_over, "queue");
        }
    }
    unlock();
    return found;
}

API void SteamAPI_ManualDispatch_FreeLastCallback(int32_t pipe)
{
    static const char call[] = "SteamAPI_ManualDispatch_FreeLastCallback";
    lock();
    if (pump_usable(call, pipe)) {
        log_call(call);
        if (stub.handed_over == NULL) {
            misuse("%s without a callback", call);
        } else {
            mark_delivered(stub.handed_over->handle);
            retire(stub.handed_over);
            stub.handed_over = NULL;
        }
    }
    unlock();
}

/* ---- Dispatch to registered objects ---- */

static struct registration *registered_after(uint64_t ordinal, int id)
{
    struct registration *found = stub.registrations;
    while (found != NULL && (found->ordinal <= ordinal || found->id != id)) found = found->next;
    return found;
}

/* An object may unregister itself or others while it runs, so only ordinals are kept across the call. */
static void deliver(struct callback *callback)
{
    const struct registration *registration = registered_after(0, callback->id);
    if (registration == NULL && callback->id == ID_TICKET_FOR_WEB_API) log_callback("unclaimed", callback, NULL);
    while (registration != NULL) {
        struct callback_base *object = registration->object;
        uint64_t ordinal = registration->ordinal;
        if ((object->flags & FLAG_GAME_SERVER) == 0) {
            log_callback("callback", callback, "object");
            stub.running = object;
            stub.running_thread = thread_id();
            unlock();
            object->vtable->run(object, callback->param);
            lock();
            stub.running = NULL;
        }
        registration = registered_after(ordinal, callback->id);
    }
    mark_delivered(callback->handle);
}

/* Does nothing before Init, like the real one: a game may run without Steam. */
API void SteamAPI_RunCallbacks(void)
{
    hang("frame");
    lock();
    if (stub.initialised && stub.dispatch == MANUAL) {
        misuse("SteamAPI_RunCallbacks after SteamAPI_ManualDispatch_Init");
    } else if (stub.initialised) {
        int32_t pipe = stub.pipe;
        stub.dispatch = BY_OBJECT;
        advance();
        struct callback *callback;
        while (stub.initialised && stub.pipe == pipe && (callback = take_ready()) != NULL) {
            deliver(callback);
            retire(callback);
        }
    }
    unlock();
}

/* Allowed before Init and after Shutdown, because C++ objects register in their constructors. */
API void SteamAPI_RegisterCallback(struct callback_base *object, int id)
{
    static const char call[] = "SteamAPI_RegisterCallback";
    lock();
    struct line line;
    begin(&line, call);
    put_number(&line, "id", id);
    finish(&line);
    struct registration **at = &stub.registrations;
    bool already = false;
    for (; *at != NULL; at = &(*at)->next) already = already || ((*at)->object == object && (*at)->id == id);
    if (object == NULL || object->vtable == NULL) {
        misuse("%s without an object or its vtable", call);
    } else if (already) {
        misuse("%s for the second time with one object and id %d", call, id);
    } else {
        struct registration *registration = allocate(sizeof *registration);
        registration->ordinal = ++stub.last_ordinal;
        registration->object = object;
        registration->id = id;
        *at = registration;
        object->flags |= FLAG_REGISTERED;
        object->id = id;
    }
    unlock();
}

/* Like the real one, it does not wait for a delivery on another thread. The log shows such a delivery. */
API void SteamAPI_UnregisterCallback(struct callback_base *object)
{
    lock();
    int id = 0;
    for (struct registration **at = &stub.registrations; *at != NULL;) {
        struct registration *registration = *at;
        if (registration->object == object) {
            id = registration->id;
            *at = registration->next;
            free(registration);
        } else {
            at = &registration->next;
        }
    }
    if (id != 0) object->flags &= (uint8_t)~FLAG_REGISTERED;
    struct line line;
    begin(&line, "SteamAPI_UnregisterCallback");
    put_number(&line, "id", id);
    put_flag(&line, "registered", id != 0);
    put_flag(&line, "during_delivery", object == stub.running && stub.running_thread != thread_id());
    finish(&line);
    unlock();
}
