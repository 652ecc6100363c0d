// load SOCKET one|packed COUNT [RATE]: sends COUNT datagrams as fast as one sender can, or RATE a second.
// `one`: one metric each. `packed`: about 200 metrics in 8 KB. A full queue is counted, then waited for.
#include "floor.h"
#include <poll.h>

enum { SERIES = 100, TEXTS = 4096, PACKED_BYTES = 8 << 10 };

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

static void prepare(int is_packed) {
    for (int i = 0; i < TEXTS; i++) {
        char text[PACKED_BYTES];
        size_t used = 0;
        for (;;) {
            char line[128];
            size_t bytes = (size_t)metric(line, sizeof line);
            if (used + bytes > sizeof text) break;
            memcpy(text + used, line, bytes);
            used += bytes;
            text_metrics[i]++;
            if (!is_packed) break;
        }
        texts[i] = malloc(used);
        memcpy(texts[i], text, used);
        text_bytes[i] = used;
    }
}

static void pace(double began, uint64_t sent, double rate) {
    double ahead = began + (double)sent / rate - seconds_now();
    if (ahead <= 0) return;
    struct timespec wait = {(time_t)ahead, (long)((ahead - (double)(time_t)ahead) * 1e9)};
    nanosleep(&wait, NULL);
}

int main(int argc, char **argv) {
    int is_packed = argc > 2 && !strcmp(argv[2], "packed");
    if (argc < 4 || (!is_packed && strcmp(argv[2], "one")))
        return fprintf(stderr, "load SOCKET one|packed COUNT [RATE]\n"), 64;
    uint64_t count = strtoull(argv[3], NULL, 10), full = 0, metrics = 0, bytes = 0;
    double rate = argc > 4 ? atof(argv[4]) : 0;
    prepare(is_packed);

    int socket_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int buffer_bytes = 4 << 20;
    setsockopt(socket_fd, SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
    struct sockaddr_un address = unix_address(argv[1]);
    if (connect(socket_fd, (struct sockaddr *)&address, sizeof address) != 0) fail(argv[1]);

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
    printf("{\"datagrams\":%lu,\"metrics\":%lu,\"bytes\":%lu,\"full\":%lu,\"seconds\":%.6f,"
           "\"cpu_seconds\":%.6f}\n",
           count, metrics, bytes, full, seconds_now() - began, cpu_seconds());
    return 0;
}
