/* A launcher's sign-in on plain POSIX. Ctrl-C cancels the login. `make` in this folder builds it.
 *
 *   launcher [--show-page] sudomimus-bridge sidecar --application my-game --steam-app-id 480
 *
 * docs/sidecar.md describes the protocol. The reader of JSON below is enough for the sidecar's lines, which are valid, in ASCII,
 * and without spaces between tokens. If you have a JSON library, use that. */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

enum outcome { SIGNED_IN = 0, FAILED = 1, CANCELLED = 130, DIED = -1, GOES_ON = -2 };

static volatile sig_atomic_t input = -1, interrupted; /* the sidecar's standard input; whether Ctrl-C was pressed */
static int show_page;

/* --- JSON: a value is a pointer to its first character, or "" if it is absent --- */
static const char *behind(const char *at) { /* the comma, colon or bracket after the value */
  for (int depth = 0; *at && (depth > 0 || !strchr(",:}]", *at)); at++) {
    if (*at == '"') while (at[1] && *++at != '"') at += *at == '\\' && at[1];
    else depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
  }
  return at;
}

static const char *member(const char *object, const char *name) {
  if (*object != '{') return "";
  for (const char *at = object + 1; *at == '"'; at += *at == ',') {
    const char *value = behind(at) + 1;
    if (!strncmp(at + 1, name, strlen(name)) && at[1 + strlen(name)] == '"') return value;
    at = behind(value);
  }
  return "";
}
static int is(const char *value, const char *json) { return !strncmp(value, json, strlen(json)); }
static void say(const char *words, const char *string) { /* a real launcher shows this in a window */
  fputs(words, stdout);
  for (const char *at = string + (*string == '"'); *at && *at != '"'; at++) {
    unsigned code;
    if (*at != '\\') putchar(*at);
    else if (*++at != 'u' || sscanf(at + 1, "%4x", &code) != 1) putchar(*at);
    else printf("%lc", (wint_t)code), at += 4;
  }
  putchar('\n');
}

/* --- the sidecar: one loop reads its messages; a signal handler may send requests, too --- */
#define ASK(id, method, params) ask("{\"jsonrpc\":\"2.0\",\"id\":\"" id "\",\"method\":\"" method "\",\"params\":" params "}\n")
static ssize_t ask(const char *line) { return write(input, line, strlen(line)); } /* the loop notices a dead sidecar */

static void cancel(int number) { interrupted = number, ASK("cancel", "cancel", "{\"id\":\"login\"}"); }

static pid_t start(char **command, FILE **output) {
  int in[2], out[2];
  if (pipe(in) || pipe(out)) perror("pipe"), exit(FAILED);
  fcntl(in[1], F_SETFD, FD_CLOEXEC); /* closing it ends the sidecar, so no other child may hold it open */
  fcntl(out[0], F_SETFD, FD_CLOEXEC);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(in[0], 0), dup2(out[1], 1), close(in[0]), close(out[1]);
    execvp(command[0], command), perror(command[0]), _exit(127);
  }
  close(in[0]), close(out[1]);
  input = in[1], *output = fdopen(out[0], "r");
  return pid;
}

static enum outcome receive(const char *message, pid_t pid) {
  const char *params = member(message, "params"), *result = member(message, "result"), *error = member(message, "error");
  if (is(member(message, "method"), "\"progress\"")) {
    say("progress: ", member(params, "phase"));
    if (is(member(params, "phase"), "\"waiting-for-browser\"")) /* the address always: no message says whether a browser opened */
      say("finish in your browser: ", member(member(params, "errand"), "url"));
  } else if (is(member(message, "id"), "\"hello\"") && is(member(result, "protocolVersion"), "1,")) {
    printf("sidecar %ld\n", (long)pid);
    if (show_page) ASK("login", "login", "{\"method\":\"steam\",\"openBrowser\":false}");
    else ASK("login", "login", "{\"method\":\"steam\"}");
    if (interrupted) cancel(interrupted); /* Ctrl-C was pressed before the request */
  } else if (is(member(message, "id"), "\"login\"") && *result) {
    say("signed in to ", member(result, "applicationAnchor")); /* the game gets accessToken and refreshToken */
    return SIGNED_IN;
  } else if (!is(member(message, "id"), "\"cancel\"")) {
    say("", *error ? member(error, "message") : "This launcher does not speak the sidecar's version.");
    return is(member(member(error, "data"), "kind"), "\"cancelled\"") ? DIED : FAILED; /* unless Ctrl-C cancelled it: see main */
  }
  return GOES_ON;
}

static enum outcome sign_in(char **command) {
  FILE *output;
  pid_t pid = start(command, &output);
  char *line = NULL;
  enum outcome outcome = GOES_ON;
  ASK("hello", "initialize", "{}");
  for (size_t size = 0; outcome == GOES_ON;) /* an incomplete line is not a message */
    outcome = getline(&line, &size, output) < 0 || !strchr(line, '\n') ? DIED : receive(line, pid);
  close(input), fclose(output), free(line); /* the sidecar cancels the login and ends within a second */
  waitpid(pid, NULL, 0);
  return outcome;
}

int main(int count, char **arguments) {
  struct sigaction on_interrupt = {.sa_handler = cancel, .sa_flags = SA_RESTART};
  sigaction(SIGINT, &on_interrupt, NULL);
  signal(SIGPIPE, SIG_IGN);
  setlocale(LC_ALL, "");
  setvbuf(stdout, NULL, _IOLBF, 0);
  show_page = count > 1 && !strcmp(arguments[1], "--show-page");
  char **command = arguments + 1 + show_page;
  enum outcome outcome = sign_in(command);
  if (outcome == DIED && !interrupted) puts("The sidecar died. Starting it again."), outcome = sign_in(command);
  if (outcome == DIED && !interrupted) puts("The sidecar died. Playing offline.");
  return outcome != DIED ? outcome : interrupted ? CANCELLED : FAILED;
}
