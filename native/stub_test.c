/*
 * Tests the stub through its exports, as a program uses it. They are declared here a second time, so that a mistake in the
 * stub's own declarations shows. POSIX only, because each case of misuse ends a child process.
 */
#define _GNU_SOURCE 1
#define _DARWIN_C_SOURCE 1

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#pragma pack(push, 4)
struct message {
    int32_t user;
    int32_t id;
    uint8_t *param;
    int32_t size;
};
struct answer {
    uint32_t handle;
    int32_t result;
    int32_t ticket_size;
    uint8_t ticket[2560];
};
#pragma pack(pop)

int SteamAPI_InitFlat(char *);
int SteamInternal_SteamAPI_Init(const char *, char *);
void SteamAPI_Shutdown(void);
bool SteamAPI_IsSteamRunning(void);
int32_t SteamAPI_GetHSteamPipe(void);
void *SteamAPI_SteamUser_v023(void);
void *SteamAPI_SteamFriends_v017(void);
bool SteamAPI_ISteamUtils_IsOverlayEnabled(void *);
void SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage(void *, const char *, int);
void *SteamAPI_SteamUtils_v011(void);
uint32_t SteamAPI_ISteamUtils_GetAppID(void *);
uint32_t SteamAPI_ISteamUser_GetAuthTicketForWebApi(void *, const char *);
void SteamAPI_ISteamUser_CancelAuthTicket(void *, uint32_t);
bool SteamAPI_ISteamUser_BLoggedOn(void *);
void SteamAPI_ManualDispatch_Init(void);
void SteamAPI_ManualDispatch_RunFrame(int32_t);
bool SteamAPI_ManualDispatch_GetNextCallback(int32_t, struct message *);
void SteamAPI_ManualDispatch_FreeLastCallback(int32_t);
void SteamAPI_RunCallbacks(void);
void SteamAPI_RegisterCallback(void *, int);
void SteamAPI_UnregisterCallback(void *);

static const char *current = "";

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: in \"%s\": not so: %s\n", __FILE__, __LINE__, current, #condition);                \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* ---- Helpers ---- */

static char folder[] = "/tmp/steam-api-stub-XXXXXX";
static char log_path[64];
static int32_t pipe_handle;
static void *user;

static void set(const char *name, const char *value) { CHECK(setenv(name, value, 1) == 0); }

static void nap(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Unsets the variables of the earlier case and the delay. */
static void reset(void)
{
    static const char *const names[] = {
        "INIT",          "RUNNING",         "LOGGED_ON",           "STEAM_ID",   "TICKET_RESULT",
        "TICKET_SIZE",   "PARAM_SIZE",      "TICKET_STATED_SIZE",  "TICKET_RUN", "TICKET_HANDLE",
        "NOISE",         "TICKET_CALLBACK", "DISCONNECT_AFTER_MS", "HANG",       "SHUTDOWN_AFTER_MS",
        "TICKET_DELAY_MS", "LENIENT",         "CONNECT_FAILURE_AFTER_MS"};
    char name[64];
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        snprintf(name, sizeof name, "STEAM_STUB_%s", names[index]);
        unsetenv(name);
    }
    set("STEAM_STUB_TICKET_DELAY_MS", "0");
    set("STEAM_STUB_TICKET_RUN", current);
    set("STEAM_STUB_CHATTER", "0");
    set("STEAM_STUB_LOG", log_path);
    set("SteamAppId", "480");
    unlink(log_path);
}

static void start(void)
{
    char error[1024];
    CHECK(SteamAPI_InitFlat(error) == 0 && error[0] == '\0');
    pipe_handle = SteamAPI_GetHSteamPipe();
    user = SteamAPI_SteamUser_v023();
    CHECK(pipe_handle != 0 && user != NULL);
}

static void start_manual(void)
{
    start();
    SteamAPI_ManualDispatch_Init();
}

static uint32_t request(void) { return SteamAPI_ISteamUser_GetAuthTicketForWebApi(user, "sudomimus"); }
static void cancel(uint32_t handle) { SteamAPI_ISteamUser_CancelAuthTicket(user, handle); }

/* Copies the next callback after one frame; false if there is none. */
static bool next(struct message *message, uint8_t *copy, size_t size)
{
    SteamAPI_ManualDispatch_RunFrame(pipe_handle);
    if (!SteamAPI_ManualDispatch_GetNextCallback(pipe_handle, message)) return false;
    size_t stated = message->size < 0 ? 0 : (size_t)message->size;
    memset(copy, 0, size);
    memcpy(copy, message->param, stated < size ? stated : size);
    SteamAPI_ManualDispatch_FreeLastCallback(pipe_handle);
    return true;
}

static bool next_answer(struct answer *answer)
{
    struct message message;
    return next(&message, (uint8_t *)answer, sizeof *answer) && message.id == 168;
}

static int lines_with(const char *needle)
{
    static char line[16384];
    int count = 0;
    FILE *log = fopen(log_path, "r");
    if (log == NULL) return 0;
    while (fgets(line, sizeof line, log) != NULL) {
        size_t length = strlen(line);
        CHECK(length > 2 && line[0] == '{' && strcmp(line + length - 2, "}\n") == 0);
        if (strstr(line, needle) != NULL) count++;
    }
    fclose(log);
    return count;
}

/* Runs the case in a child, which must abort() with `expected` on its standard error. */
static void dies(const char *expected, void (*act)(void))
{
    int ends[2];
    char text[2048] = "";
    CHECK(pipe(ends) == 0);
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(ends[1], 2);
        act();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0) length += (size_t)got;
    close(ends[0]);
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strstr(text, expected) == NULL) {
        fprintf(stderr, "in \"%s\": wanted an abort saying \"%s\", got status %d and: %s\n", current, expected, status,
                text);
        exit(1);
    }
    CHECK(strstr(text, "steam_api_stub: misuse: ") != NULL);
    CHECK(lines_with("\"call\":\"misuse\"") == 1);
    unlink(log_path);
}

/* ---- Starting ---- */

static void init_results(void)
{
    char error[1024] = "";
    set("STEAM_STUB_INIT", "3");
    CHECK(SteamAPI_InitFlat(error) == 3 && strlen(error) > 10);
    set("STEAM_STUB_INIT", "0");
    set("STEAM_STUB_RUNNING", "0");
    CHECK(SteamAPI_InitFlat(error) == 2 && strlen(error) > 10 && !SteamAPI_IsSteamRunning());
    set("STEAM_STUB_RUNNING", "1");
    unsetenv("SteamAppId");
    CHECK(SteamAPI_InitFlat(error) == 1 && strstr(error, "no app id") != NULL);
    CHECK(SteamAPI_InitFlat(NULL) == 1);
    CHECK(SteamAPI_GetHSteamPipe() == 0 && SteamAPI_SteamUser_v023() == NULL);
    set("SteamAppId", "480");
    CHECK(SteamInternal_SteamAPI_Init("SteamUser099\0SteamUtils011\0", error) == 3);
    CHECK(SteamInternal_SteamAPI_Init("SteamUser023\0SteamUtils010\0", error) == 0 && error[0] == '\0');
    CHECK(SteamAPI_IsSteamRunning());
    SteamAPI_Shutdown();
    SteamAPI_Shutdown(); /* a second one is harmless, as in the real library */
    CHECK(lines_with("SteamAPI_InitFlat") == 4 && lines_with("\"initialised\":false") == 1);
}

static void app_id_from_file(void)
{
    unsetenv("SteamAppId");
    FILE *file = fopen("steam_appid.txt", "w");
    CHECK(file != NULL && fputs("2134320\r\n", file) >= 0 && fclose(file) == 0);
    start();
    CHECK(SteamAPI_ISteamUtils_GetAppID(SteamAPI_SteamUtils_v011()) == 2134320);
    SteamAPI_Shutdown();
    unlink("steam_appid.txt");
}

static void init_twice_and_again(void)
{
    char error[1024] = "untouched";
    start_manual();
    int32_t first_pipe = pipe_handle;
    uint32_t first = request();
    CHECK(SteamAPI_InitFlat(error) == 0 && SteamAPI_GetHSteamPipe() == first_pipe);
    CHECK(lines_with("\"already\":true") == 1);
    cancel(first);
    SteamAPI_Shutdown();
    CHECK(SteamAPI_GetHSteamPipe() == 0);
    start_manual();
    struct answer answer;
    CHECK(!next_answer(&answer)); /* the queue is new */
    uint32_t second = request();
    CHECK(second > first && next_answer(&answer) && answer.handle == second);
    cancel(second);
    SteamAPI_Shutdown();
}

static void log_on(void)
{
    start_manual();
    CHECK(SteamAPI_ISteamUser_BLoggedOn(user));
    set("STEAM_STUB_LOGGED_ON", "0");
    CHECK(!SteamAPI_ISteamUser_BLoggedOn(user));
    uint32_t handle = request();
    struct answer answer;
    CHECK(handle != 0 && !next_answer(&answer));
    cancel(handle);
    SteamAPI_Shutdown();
}

static void overlay(void)
{
    start_manual();
    void *utils = SteamAPI_SteamUtils_v011(), *friends = SteamAPI_SteamFriends_v017();
    CHECK(SteamAPI_ISteamUtils_IsOverlayEnabled(utils));
    SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage(friends, "https://localhost/a", 0);
    CHECK(lines_with("\"url\":\"https://localhost/a\",\"mode\":0") == 1);
    set("STEAM_STUB_OVERLAY", "0");
    CHECK(!SteamAPI_ISteamUtils_IsOverlayEnabled(utils));
    SteamAPI_Shutdown();
    set("STEAM_STUB_OVERLAY", "2");
    start_manual();
    utils = SteamAPI_SteamUtils_v011();
    CHECK(!SteamAPI_ISteamUtils_IsOverlayEnabled(utils));
    CHECK(SteamAPI_ISteamUtils_IsOverlayEnabled(utils));
    SteamAPI_Shutdown();
}

/* ---- Manual dispatch ---- */

static void queueing(void)
{
    CHECK(sizeof(struct message) == (sizeof(void *) == 8 ? 20 : 16) && sizeof(struct answer) == 2572);
    start_manual();
    struct message message;
    struct answer answer;
    set("STEAM_STUB_TICKET_DELAY_MS", "400,300");
    uint32_t slow = request(), quick = request();
    CHECK(slow != 0 && quick > slow);
    CHECK(!next_answer(&answer));
    nap(410);
    CHECK(!SteamAPI_ManualDispatch_GetNextCallback(pipe_handle, &message)); /* due, but no frame has run */
    CHECK(next_answer(&answer) && answer.handle == quick && answer.result == 1 && answer.ticket_size == 240);
    CHECK(next_answer(&answer) && answer.handle == slow);
    CHECK(!next_answer(&answer));
    cancel(slow);
    cancel(quick);
    SteamAPI_Shutdown();
    CHECK(lines_with("\"call\":\"callback\",\"id\":168") == 2 && lines_with("\"frames\":4") == 1);
    CHECK(lines_with("RunFrame") == 0 && lines_with("GetNextCallback") == 0);
}

static void poison_after_free(void)
{
    start_manual();
    uint32_t handle = request();
    struct message message;
    SteamAPI_ManualDispatch_RunFrame(pipe_handle);
    CHECK(SteamAPI_ManualDispatch_GetNextCallback(pipe_handle, &message));
    CHECK(message.user == 1 && message.id == 168 && message.size == 2572);
    const uint8_t *param = message.param;
    CHECK(memcmp(param + 12, "STUBTKT1", 8) == 0);
    CHECK(param[12 + 240] == 0xCC && param[2571] == 0xCC); /* behind the stated size of the ticket */
    SteamAPI_ManualDispatch_FreeLastCallback(pipe_handle);
    for (int index = 0; index < 2572; index++) CHECK(param[index] == 0xDD);
    cancel(handle);
    for (int index = 0; index < 200; index++) { /* more than the quarantine holds */
        struct answer answer;
        handle = request();
        CHECK(next_answer(&answer) && answer.handle == handle);
        cancel(handle);
    }
    SteamAPI_Shutdown();
}

static void ticket_layout(void)
{
    start_manual();
    set("STEAM_STUB_STEAM_ID", "76561198000000001");
    set("STEAM_STUB_TICKET_SIZE", "64");
    uint32_t handle = request();
    struct answer answer;
    CHECK(next_answer(&answer) && answer.ticket_size == 64);
    const uint8_t *ticket = answer.ticket;
    uint64_t steam_id = 0;
    for (int index = 0; index < 8; index++) steam_id |= (uint64_t)ticket[8 + index] << (8 * index);
    CHECK(memcmp(ticket, "STUBTKT1", 8) == 0 && steam_id == 76561198000000001u);
    CHECK(ticket[16] == 0xE0 && ticket[17] == 0x01 && ticket[18] == 0 && ticket[19] == 0);
    CHECK(ticket[36] == 9 && memcmp(ticket + 37, "sudomimus", 9) == 0);
    for (int index = 0; 46 + index < 64; index++) {
        CHECK(ticket[46 + index] == (uint8_t)(ticket[20 + index % 16] + index));
    }
    char nonce[64] = "\"nonce\":\"";
    for (int index = 0; index < 16; index++) snprintf(nonce + 9 + 2 * index, 3, "%02x", ticket[20 + index]);
    cancel(handle);
    CHECK(lines_with(nonce) == 2); /* once when given, once when cancelled */
    SteamAPI_Shutdown();
}

static void ticket_scripts(void)
{
    struct message message;
    struct answer answer;
    set("STEAM_STUB_TICKET_HANDLE", "1,0,1");
    set("STEAM_STUB_TICKET_RESULT", "1,1,2,1");
    set("STEAM_STUB_TICKET_SIZE", "2560,240,240,0,240");
    set("STEAM_STUB_TICKET_STATED_SIZE", "4000,240,0,-1,240");
    set("STEAM_STUB_PARAM_SIZE", "2572,2572,2572,2572,12,4096");
    start_manual();
    uint32_t first = request();
    CHECK(next_answer(&answer) && answer.ticket_size == 4000 && answer.ticket[2559] != 0xCC);
    CHECK(request() == 0 && !next_answer(&answer));
    uint32_t third = request();
    CHECK(next_answer(&answer) && answer.handle == third && answer.result == 2);
    uint32_t fourth = request();
    CHECK(next_answer(&answer) && answer.result == 1 && answer.ticket_size == -1 && answer.ticket[0] == 0xCC);
    uint32_t fifth = request();
    CHECK(next(&message, (uint8_t *)&answer, sizeof answer) && message.size == 12 && answer.handle == fifth);
    uint32_t sixth = request();
    SteamAPI_ManualDispatch_RunFrame(pipe_handle);
    CHECK(SteamAPI_ManualDispatch_GetNextCallback(pipe_handle, &message) && message.size == 4096);
    CHECK(message.param[12] == 'S' && message.param[4095] == 0xDD);
    SteamAPI_ManualDispatch_FreeLastCallback(pipe_handle);
    const uint32_t handles[] = {first, third, fourth, fifth, sixth};
    for (int index = 0; index < 5; index++) cancel(handles[index]);
    SteamAPI_Shutdown();
}

static void callback_scripts(void)
{
    struct answer answer;
    set("STEAM_STUB_TICKET_CALLBACK", "never, twice,other-handle,other-handle-first,early");
    set("STEAM_STUB_TICKET_DELAY_MS", "0,0,0,0,60000");
    start_manual();
    uint32_t never = request();
    CHECK(never != 0 && !next_answer(&answer));
    uint32_t twice = request();
    CHECK(next_answer(&answer) && answer.handle == twice);
    CHECK(next_answer(&answer) && answer.handle == twice && !next_answer(&answer));
    uint32_t lost = request();
    CHECK(next_answer(&answer) && answer.handle != lost && !next_answer(&answer));
    uint32_t second = request();
    CHECK(next_answer(&answer) && answer.handle != second && answer.result == 1);
    CHECK(next_answer(&answer) && answer.handle == second);
    uint32_t early = request();
    CHECK(next_answer(&answer) && answer.handle == early);
    const uint32_t handles[] = {never, twice, lost, second, early};
    for (int index = 0; index < 5; index++) cancel(handles[index]);
    SteamAPI_Shutdown();
}

static void noise(void)
{
    struct message message;
    uint8_t copy[2572];
    bool seen[2000] = {false};
    set("STEAM_STUB_NOISE", "4");
    start_manual();
    uint32_t handle = request(), last = 0;
    int count = 0;
    while (next(&message, copy, sizeof copy)) {
        CHECK(message.id > 0 && message.id < 2000);
        seen[message.id] = true;
        count++;
        if (message.id == 168) memcpy(&last, copy, 4);
        if (message.id == 168 && last == handle) break;
    }
    CHECK(count >= 5 && last == handle && seen[703] && seen[304] && seen[1101]);
    count = 0;
    double begin = seconds();
    for (int frame = 0; frame < 45; frame++) {
        while (next(&message, copy, sizeof copy)) count++;
        nap(10);
    }
    CHECK(count >= 1 && count <= 2 + 5 * (seconds() - begin));
    cancel(handle);
    SteamAPI_Shutdown();
}

static void troubles(void)
{
    struct message message;
    uint8_t copy[2572];
    set("STEAM_STUB_DISCONNECT_AFTER_MS", "10");
    set("STEAM_STUB_CONNECT_FAILURE_AFTER_MS", "0");
    set("STEAM_STUB_TICKET_DELAY_MS", "30");
    start_manual();
    uint32_t handle = request();
    CHECK(next(&message, copy, sizeof copy) && message.id == 102 && message.size == 8);
    nap(50);
    CHECK(next(&message, copy, sizeof copy) && message.id == 103 && message.size == 4);
    CHECK(!next(&message, copy, sizeof copy)); /* the answer was lost with the connection */
    CHECK(!SteamAPI_ISteamUser_BLoggedOn(user) && SteamAPI_IsSteamRunning());
    cancel(handle);
    SteamAPI_Shutdown();

    unsetenv("STEAM_STUB_DISCONNECT_AFTER_MS");
    unsetenv("STEAM_STUB_CONNECT_FAILURE_AFTER_MS");
    set("STEAM_STUB_SHUTDOWN_AFTER_MS", "20");
    set("STEAM_STUB_TICKET_DELAY_MS", "0");
    start_manual();
    CHECK(SteamAPI_ISteamUser_BLoggedOn(user));
    handle = request();
    CHECK(next(&message, copy, sizeof copy) && message.id == 168);
    nap(30);
    CHECK(next(&message, copy, sizeof copy) && message.id == 704 && message.size == 1);
    CHECK(!SteamAPI_IsSteamRunning() && request() == 0);
    cancel(handle);
    SteamAPI_Shutdown();
    CHECK(!SteamAPI_IsSteamRunning());
    start_manual();
    CHECK(SteamAPI_IsSteamRunning());
    SteamAPI_Shutdown();
}

static void hangs(void)
{
    set("STEAM_STUB_HANG", "request:30, cancel:40");
    start_manual();
    double begin = seconds();
    uint32_t handle = request();
    CHECK(seconds() - begin >= 0.03);
    begin = seconds();
    cancel(handle);
    CHECK(seconds() - begin >= 0.04);
    set("STEAM_STUB_HANG", "init:1,shutdown:30,frame:1");
    begin = seconds();
    SteamAPI_Shutdown();
    CHECK(seconds() - begin >= 0.03);
}

/* ---- Dispatch to objects ---- */

struct object;
struct vtable {
    void (*run)(struct object *, void *);
    void (*run_call_result)(struct object *, void *, bool, uint64_t);
    int (*size)(struct object *);
};
struct object {
    const struct vtable *vtable;
    uint8_t flags;
    int32_t id;
    atomic_int runs;
    _Atomic uint32_t last_handle;
    bool leaves;
};

static void object_run(struct object *self, void *param)
{
    uint32_t handle;
    memcpy(&handle, param, 4);
    self->last_handle = handle;
    self->runs++;
    if (self->leaves) SteamAPI_UnregisterCallback(self);
}
static void object_run_call_result(struct object *self, void *param, bool failed, uint64_t call)
{
    (void)self, (void)param, (void)failed, (void)call;
    CHECK(!"a callback is not a call result");
}
static int object_size(struct object *self)
{
    (void)self;
    return 2572;
}
static const struct vtable object_vtable = {object_run, object_run_call_result, object_size};

static void registered_objects(void)
{
    struct object first = {.vtable = &object_vtable, .flags = 0x80}, second = {.vtable = &object_vtable};
    struct object other = {.vtable = &object_vtable}, server = {.vtable = &object_vtable, .flags = 2};
    second.leaves = true;
    SteamAPI_RunCallbacks();                /* harmless before Init */
    SteamAPI_RegisterCallback(&first, 168); /* allowed before Init */
    start();
    SteamAPI_RegisterCallback(&second, 168);
    SteamAPI_RegisterCallback(&other, 1101);
    SteamAPI_RegisterCallback(&server, 168);
    CHECK(offsetof(struct object, flags) == sizeof(void *) && offsetof(struct object, id) == sizeof(void *) + 4);
    CHECK(first.flags == 0x81 && first.id == 168 && other.id == 1101);
    uint32_t handle = request();
    SteamAPI_RunCallbacks();
    CHECK(first.runs == 1 && first.last_handle == handle && second.runs == 1 && other.runs == 0 && server.runs == 0);
    CHECK(second.flags == 0);
    cancel(handle);
    handle = request();
    SteamAPI_RunCallbacks();
    CHECK(first.runs == 2 && second.runs == 1);
    cancel(handle);
    SteamAPI_UnregisterCallback(&first);
    SteamAPI_UnregisterCallback(&first); /* unregistering an unknown object does nothing */
    CHECK(first.flags == 0x80);
    SteamAPI_UnregisterCallback(&server);
    handle = request();
    SteamAPI_RunCallbacks();
    CHECK(first.runs == 2 && lines_with("\"unclaimed\"") == 1);
    cancel(handle);
    SteamAPI_Shutdown();
    SteamAPI_UnregisterCallback(&other); /* allowed after Shutdown */
    CHECK(lines_with("\"to\":\"object\"") == 3);
}

static atomic_bool pumping;

static void *pump_objects(void *unused)
{
    while (pumping) {
        SteamAPI_RunCallbacks();
        nap(1);
    }
    return unused;
}

static void early_on_another_thread(void)
{
    struct object object = {.vtable = &object_vtable};
    pthread_t thread;
    set("STEAM_STUB_TICKET_CALLBACK", "early");
    set("STEAM_STUB_TICKET_DELAY_MS", "60000");
    start();
    SteamAPI_RegisterCallback(&object, 168);
    pumping = true;
    CHECK(pthread_create(&thread, NULL, pump_objects, NULL) == 0);
    bool before_return = false;
    for (int attempt = 0; attempt < 20 && !before_return; attempt++) { /* a busy machine may not pump in time */
        nap(20);
        uint32_t handle = request();
        before_return = object.runs > 0 && object.last_handle == handle;
        cancel(handle);
    }
    CHECK(before_return);
    pumping = false;
    pthread_join(thread, NULL);
    SteamAPI_UnregisterCallback(&object);
    SteamAPI_Shutdown();
}

static void *request_and_cancel(void *unused)
{
    for (int index = 0; index < 50; index++) cancel(request());
    return unused;
}

static void many_threads(void)
{
    pthread_t threads[4];
    start_manual();
    for (int index = 0; index < 4; index++) {
        CHECK(pthread_create(&threads[index], NULL, request_and_cancel, NULL) == 0);
    }
    struct answer answer;
    int answers = 0;
    for (double begin = seconds(); answers < 200 && seconds() - begin < 20;) {
        if (next_answer(&answer)) {
            answers++;
        } else {
            nap(1);
        }
    }
    for (int index = 0; index < 4; index++) pthread_join(threads[index], NULL);
    CHECK(answers == 200);
    SteamAPI_Shutdown();
}

/* ---- Misuse ---- */

static void two_frees(void)
{
    start_manual();
    SteamAPI_ManualDispatch_FreeLastCallback(pipe_handle);
}
static void next_before_free(void)
{
    struct message message;
    start_manual();
    request();
    SteamAPI_ManualDispatch_RunFrame(pipe_handle);
    CHECK(SteamAPI_ManualDispatch_GetNextCallback(pipe_handle, &message));
    SteamAPI_ManualDispatch_GetNextCallback(pipe_handle, &message);
}
static void pump_before_manual(void)
{
    start();
    SteamAPI_ManualDispatch_RunFrame(pipe_handle);
}
static void pump_after_shutdown(void)
{
    start_manual();
    SteamAPI_Shutdown();
    SteamAPI_ManualDispatch_RunFrame(pipe_handle);
}
static void wrong_pipe(void)
{
    start_manual();
    SteamAPI_ManualDispatch_RunFrame(pipe_handle + 7);
}
static void manual_before_init(void) { SteamAPI_ManualDispatch_Init(); }
static void manual_twice(void)
{
    start_manual();
    SteamAPI_ManualDispatch_Init();
}
static void manual_late(void)
{
    start();
    SteamAPI_RunCallbacks();
    SteamAPI_ManualDispatch_Init();
}
static void callbacks_after_manual(void)
{
    start_manual();
    SteamAPI_RunCallbacks();
}
static void call_before_init(void) { SteamAPI_ISteamUser_BLoggedOn(NULL); }
static void call_after_shutdown(void)
{
    start();
    SteamAPI_Shutdown();
    request();
}
static void old_pointer(void)
{
    start();
    SteamAPI_Shutdown();
    void *old = user;
    start();
    user = old;
    request();
}
static void user_as_utils(void)
{
    start();
    SteamAPI_ISteamUtils_GetAppID(user);
}
static void utils_as_friends(void)
{
    start();
    SteamAPI_ISteamFriends_ActivateGameOverlayToWebPage(user, "https://localhost/a", 0);
}
static void null_identity(void)
{
    start();
    SteamAPI_ISteamUser_GetAuthTicketForWebApi(user, NULL);
}
static void cancel_unknown(void)
{
    start();
    cancel(4711);
}
static void cancel_zero(void)
{
    start();
    cancel(0);
}
static void cancel_twice(void)
{
    start();
    uint32_t handle = request();
    cancel(handle);
    cancel(handle);
}
static void open_at_shutdown(void)
{
    start();
    request();
    request();
    SteamAPI_Shutdown();
}
static void register_twice(void)
{
    static struct object object = {.vtable = &object_vtable};
    SteamAPI_RegisterCallback(&object, 168);
    SteamAPI_RegisterCallback(&object, 168);
}

static void misuse(void)
{
    dies("without a callback", two_frees);
    dies("before SteamAPI_ManualDispatch_FreeLastCallback", next_before_free);
    dies("before SteamAPI_ManualDispatch_Init", pump_before_manual);
    dies("not initialised", pump_after_shutdown);
    dies("but the pipe is", wrong_pipe);
    dies("not initialised", manual_before_init);
    dies("second time", manual_twice);
    dies("after SteamAPI_RunCallbacks", manual_late);
    dies("after SteamAPI_ManualDispatch_Init", callbacks_after_manual);
    dies("not initialised", call_before_init);
    dies("not initialised", call_after_shutdown);
    dies("since Init", old_pointer);
    dies("since Init", user_as_utils);
    dies("since Init", utils_as_friends);
    dies("NULL identity", null_identity);
    dies("never given", cancel_unknown);
    dies("never given", cancel_zero);
    dies("cancelled already", cancel_twice);
    dies("with 2 tickets still open", open_at_shutdown);
    dies("second time", register_twice);
}

static void lenient(void)
{
    set("STEAM_STUB_LENIENT", "1");
    int before = dup(2), nowhere = open("/dev/null", O_WRONLY);
    CHECK(before >= 0 && nowhere >= 0 && dup2(nowhere, 2) == 2);
    user = NULL;
    uint32_t before_init = request();
    SteamAPI_ManualDispatch_RunFrame(1);
    start_manual();
    bool null_refused = SteamAPI_ISteamUser_GetAuthTicketForWebApi(user, NULL) == 0;
    cancel(4711);
    SteamAPI_ManualDispatch_FreeLastCallback(pipe_handle);
    request();
    SteamAPI_Shutdown();
    CHECK(dup2(before, 2) == 2 && close(before) == 0 && close(nowhere) == 0);
    CHECK(before_init == 0 && null_refused && lines_with("\"call\":\"misuse\"") == 6);
}

int main(void)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"init results", init_results},
                 {"app id from the file", app_id_from_file},
                 {"init twice, and again after shutdown", init_twice_and_again},
                 {"logged on", log_on},
                 {"overlay", overlay},
                 {"queueing", queueing},
                 {"poison", poison_after_free},
                 {"ticket layout", ticket_layout},
                 {"ticket scripts", ticket_scripts},
                 {"callback scripts", callback_scripts},
                 {"noise", noise},
                 {"troubles", troubles},
                 {"hangs", hangs},
                 {"registered objects", registered_objects},
                 {"early, on another thread", early_on_another_thread},
                 {"many threads", many_threads},
                 {"misuse", misuse},
                 {"lenient", lenient}};
    CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
    snprintf(log_path, sizeof log_path, "%s/stub.log", folder);
    size_t count = sizeof cases / sizeof cases[0];
    for (size_t index = 0; index < count; index++) {
        current = cases[index].name;
        reset();
        cases[index].run();
    }
    unlink(log_path);
    CHECK(chdir("/") == 0 && rmdir(folder) == 0);
    printf("%zu cases passed\n", count);
    return 0;
}
