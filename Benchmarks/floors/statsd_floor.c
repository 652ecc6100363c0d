// statsd_floor SOCKET: receives StatsD and DogStatsD lines and aggregates them in memory, until SIGTERM.
// Series are told apart by name, type and tags; each keeps count, sum, minimum, maximum and last.
#include "floor.h"

enum { SLOTS = 1 << 17 };

struct series {
    char *key; // name, then everything from the type on but the rate
    uint32_t key_bytes;
    uint64_t hash;
    double count, sum, min, max, last;
};

static struct series table[SLOTS];
static uint64_t metrics, malformed, series_count;

// Eight bytes at a time: byte by byte, hashing alone took half of the time.
static uint64_t hash_more(uint64_t hash, const char *bytes, size_t count) {
    uint64_t word;
    for (; count >= sizeof word; bytes += sizeof word, count -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15;
        hash ^= hash >> 32;
    }
    word = count;
    memcpy(&word, bytes, count);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 32;
}

static struct series *find(const char *name, size_t name_bytes, const char *rest, size_t rest_bytes) {
    uint64_t hash = hash_more(hash_more(0xcbf29ce484222325, name, name_bytes), rest, rest_bytes);
    for (uint64_t slot = hash % SLOTS;; slot = (slot + 1) % SLOTS) {
        struct series *found = &table[slot];
        if (!found->key) {
            if (series_count++ == SLOTS / 2) errno = ENOMEM, fail("series");
            found->key = malloc(name_bytes + rest_bytes);
            memcpy(found->key, name, name_bytes);
            memcpy(found->key + name_bytes, rest, rest_bytes);
            found->key_bytes = (uint32_t)(name_bytes + rest_bytes);
            found->hash = hash;
            return found;
        }
        if (found->hash == hash && found->key_bytes == name_bytes + rest_bytes &&
            !memcmp(found->key, name, name_bytes) &&
            !memcmp(found->key + name_bytes, rest, rest_bytes))
            return found;
    }
}

// Digits with at most one point; false for all else. Nothing else is sent here.
static int parse_value(const char *at, const char *end, double *value) {
    static const double scales[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    int is_negative = at < end && *at == '-';
    if (is_negative || (at < end && *at == '+')) at++;
    uint64_t digits = 0;
    int decimals = -1;
    if (at == end) return 0;
    for (; at < end; at++) {
        if (*at == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        unsigned digit = (unsigned)(*at - '0');
        if (digit > 9 || decimals == 9) return 0;
        digits = digits * 10 + digit;
        if (decimals >= 0) decimals++;
    }
    *value = (double)digits / scales[decimals > 0 ? decimals : 0];
    if (is_negative) *value = -*value;
    return 1;
}

static void take_line(const char *line, const char *end) {
    const char *colon = memchr(line, ':', (size_t)(end - line));
    const char *bar = colon ? memchr(colon, '|', (size_t)(end - colon)) : NULL;
    double value, rate = 1;
    if (!bar || colon == line || !parse_value(colon + 1, bar, &value)) {
        malformed++;
        return;
    }
    const char *rest = bar;
    const char *at = memchr(bar, '@', (size_t)(end - bar));
    if (at) {
        const char *rate_end = memchr(at, '|', (size_t)(end - at));
        if (!rate_end) rate_end = end;
        if (!parse_value(at + 1, rate_end, &rate) || rate <= 0) rate = 1;
    }
    struct series *series = find(line, (size_t)(colon - line), rest, (size_t)(end - rest));
    double weight = 1 / rate;
    if (series->count == 0 || value < series->min) series->min = value;
    if (series->count == 0 || value > series->max) series->max = value;
    series->count += weight;
    series->sum += value * weight;
    series->last = value;
    metrics++;
}

static void take(char *bytes, size_t count) {
    const char *at = bytes, *end = bytes + count;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) line_end = end;
        if (line_end > at) take_line(at, line_end);
        at = line_end + 1;
    }
}

int main(int argc, char **argv) {
    if (argc != 2) return fprintf(stderr, "statsd_floor SOCKET\n"), 64;
    struct received sum = receive(argv[1], take);
    printf("{\"datagrams\":%lu,\"bytes\":%lu,\"metrics\":%lu,\"malformed\":%lu,\"series\":%lu,"
           "\"seconds\":%.6f,\"cpu_seconds\":%.6f}\n",
           sum.datagrams, sum.bytes, metrics, malformed, series_count, sum.last - sum.first,
           cpu_seconds());
    return 0;
}
