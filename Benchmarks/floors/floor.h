// What the floors share: a clock, a Unix datagram receiver, and how they fail.
#ifndef FLOOR_H
#define FLOOR_H

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static inline void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static inline double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static inline double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
           (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static inline struct sockaddr_un unix_address(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        fail(path);
    }
    strcpy(address.sun_path, path);
    return address;
}

// ---- receiving -------------------------------------------------------------------------------

enum { RECEIVE_BATCH = 64, DATAGRAM_BYTES_MAX = 64 << 10 };

static volatile sig_atomic_t receive_stopped;
static void receive_stop(int signal) {
    (void)signal;
    receive_stopped = 1;
}

struct received {
    uint64_t datagrams, bytes;
    double first, last; // when the first and the last batch came
};

// Binds `path` and hands each datagram to `take` until SIGTERM.
static inline struct received receive(const char *path, void (*take)(char *bytes, size_t count)) {
    struct sigaction action = {.sa_handler = receive_stop}; // no SA_RESTART: it must interrupt
    sigaction(SIGTERM, &action, NULL);
    struct sockaddr_un address = unix_address(path);
    int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unlink(path);
    if (socket_fd < 0 || bind(socket_fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail(path);

    // One byte more than the largest datagram, for a parser that writes an end mark.
    char *buffers = malloc((size_t)RECEIVE_BATCH * (DATAGRAM_BYTES_MAX + 1));
    static struct iovec parts[RECEIVE_BATCH];
    static struct mmsghdr messages[RECEIVE_BATCH];
    for (int i = 0; i < RECEIVE_BATCH; i++) {
        parts[i] = (struct iovec){buffers + (size_t)i * (DATAGRAM_BYTES_MAX + 1), DATAGRAM_BYTES_MAX};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    puts("ready");
    fflush(stdout);

    struct received sum = {0};
    while (!receive_stopped) {
        int count = recvmmsg(socket_fd, messages, RECEIVE_BATCH, MSG_WAITFORONE, NULL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) fail("recvmmsg");
        sum.last = seconds_now();
        if (sum.datagrams == 0) sum.first = sum.last;
        sum.datagrams += (uint64_t)count;
        for (int i = 0; i < count; i++) {
            sum.bytes += messages[i].msg_len;
            if (take) take(parts[i].iov_base, messages[i].msg_len);
        }
    }
    return sum;
}

#endif
