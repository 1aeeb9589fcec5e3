/*
 * Moves the clocks of one process while it runs: the calendar, and the clock that runs through sleep.
 *
 * Preloaded into the game. `faults_clocks` maps a file of two 64-bit integers: the seconds to add to CLOCK_REALTIME and to
 * CLOCK_BOOTTIME. OpenSSL asks `time`, Python asks `clock_gettime`. The monotonic clock is left alone.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t *offsets;

int faults_clocks(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, 2 * sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    if (mapped == MAP_FAILED) return -1;
    offsets = mapped;
    return 0;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, now);
    if (failed == 0 && offsets != NULL && clock == CLOCK_REALTIME) now->tv_sec += offsets[0];
    if (failed == 0 && offsets != NULL && clock == CLOCK_BOOTTIME) now->tv_sec += offsets[1];
    return failed;
}

time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out != NULL) *out = now.tv_sec;
    return now.tv_sec;
}

int gettimeofday(struct timeval *out, void *zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    out->tv_sec = now.tv_sec;
    out->tv_usec = now.tv_nsec / 1000;
    return 0;
}
