// load TARGET SHAPE COUNT [RATE]: sends COUNT datagrams as fast as one sender can, or RATE a second. A full
// queue is counted, then waited for.
//
// TARGET is a Unix datagram socket's path, or udp:PORT on this machine, or - for standard output.
// SHAPE says what a datagram holds:
//     one            one metric with tags
//     packed         about 200 of these in 8 KB
//     plain          one metric without tags, of types that every StatsD daemon knows
//     plain-packed   about 60 of these in 1,432 bytes
#include "floor.h"
#include <arpa/inet.h>
#include <poll.h>

enum { SERIES = 100, TEXTS = 4096, PACKED_BYTES = 8 << 10, ETHERNET_BYTES = 1432 };

static char *texts[TEXTS];
static size_t text_bytes[TEXTS];
static uint64_t text_metrics[TEXTS];
static uint64_t random_state = 88172645463325252ull;

static uint64_t random_next(void) { // xorshift64: the same load in every run
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

// A line of about 41 bytes with its newline, as a client of DogStatsD sends it.
static int metric(char *into, size_t room) {
    static const char *types[] = {"c", "ms", "g", "d"};
    uint64_t series = random_next() % SERIES;
    return snprintf(into, room, "app.request_%02lu:%lu.%lu|%s|#env:prod,node:n%lu\n", series,
                    random_next() % 500, random_next() % 10, types[series % 4], series % 8);
}

// About 23 bytes.
static int plain_metric(char *into, size_t room) {
    static const char *types[] = {"c", "ms", "g"};
    uint64_t series = random_next() % SERIES;
    return snprintf(into, room, "app.request_%02lu:%lu.%lu|%s\n", series, random_next() % 500,
                    random_next() % 10, types[series % 3]);
}

static void prepare(int is_plain, size_t bytes_max) {
    for (int i = 0; i < TEXTS; i++) {
        char text[PACKED_BYTES];
        size_t used = 0;
        for (;;) {
            char line[128];
            size_t bytes = (size_t)(is_plain ? plain_metric : metric)(line, sizeof line);
            if (used > 0 && used + bytes > bytes_max) break;
            memcpy(text + used, line, bytes);
            used += bytes;
            text_metrics[i]++;
        }
        texts[i] = malloc(used);
        memcpy(texts[i], text, used);
        text_bytes[i] = used;
    }
}

static int open_socket(const char *target) {
    int is_udp = !strncmp(target, "udp:", 4);
    int socket_fd = socket(is_udp ? AF_INET : AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int buffer_bytes = 4 << 20, failed;
    setsockopt(socket_fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    if (is_udp) {
        struct sockaddr_in address = {.sin_family = AF_INET,
                                      .sin_port = htons((uint16_t)atoi(target + 4)),
                                      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        failed = connect(socket_fd, (struct sockaddr *)&address, sizeof address);
    } else {
        struct sockaddr_un address = unix_address(target);
        failed = connect(socket_fd, (struct sockaddr *)&address, sizeof address);
    }
    if (failed) fail(target);
    return socket_fd;
}

static void pace(double began, uint64_t sent, double rate) {
    double ahead = began + (double)sent / rate - seconds_now();
    if (ahead <= 0) return;
    struct timespec wait = {(time_t)ahead, (long)((ahead - (double)(time_t)ahead) * 1e9)};
    nanosleep(&wait, NULL);
}

static void write_texts(uint64_t count) {
    for (uint64_t i = 0; i < count; i++) fwrite(texts[i % TEXTS], 1, text_bytes[i % TEXTS], stdout);
}

int main(int argc, char **argv) {
    if (argc < 4) return fprintf(stderr, "load TARGET SHAPE COUNT [RATE]\n"), 64;
    int is_plain = !strncmp(argv[2], "plain", 5);
    const char *shape = is_plain ? argv[2] + 5 : argv[2];
    size_t bytes_max = !strcmp(shape, "packed")  ? PACKED_BYTES
                       : !strcmp(shape, "-packed") ? ETHERNET_BYTES
                                                   : 0;
    uint64_t count = strtoull(argv[3], NULL, 10), full = 0, metrics = 0, bytes = 0;
    double rate = argc > 4 ? atof(argv[4]) : 0;
    prepare(is_plain, bytes_max);
    if (!strcmp(argv[1], "-")) return write_texts(count), 0;

    int socket_fd = open_socket(argv[1]);
    double began = seconds_now();
    for (uint64_t sent = 0; sent < count; sent++) {
        int text = (int)(sent % TEXTS);
        while (send(socket_fd, texts[text], text_bytes[text], MSG_NOSIGNAL) < 0) {
            if (errno != EAGAIN && errno != ENOBUFS) fail("send");
            full++;
            struct pollfd room = {.fd = socket_fd, .events = POLLOUT};
            poll(&room, 1, 1000);
        }
        metrics += text_metrics[text];
        bytes += text_bytes[text];
        if (rate > 0) pace(began, sent + 1, rate);
    }
    printf("{\"datagrams\":%lu,\"metrics\":%lu,\"bytes\":%lu,\"full\":%lu,\"began\":%.6f,\"seconds\":"
           "%.6f,\"cpu_seconds\":%.6f}\n",
           count, metrics, bytes, full, began, seconds_now() - began, cpu_seconds());
    return 0;
}
