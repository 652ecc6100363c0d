// A line of StatsD or DogStatsD, read in C: the grammar that Quipu takes, without its bounds and reasons.
//
//     line  = name ":" value *( ":" value ) "|" type *( "|" field )
//     field = "@" rate / "#" tags / "T" seconds / others, which are left aside
#ifndef STATSD_H
#define STATSD_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 64 };

struct line {
    const char *name, *tags;
    size_t name_bytes, tags_bytes;
    char type; // its first letter: c g h d s, and m for ms
    int values;
    double value[VALUES_MAX];
    double rate;
    uint64_t seconds;
};

// Digits with at most one point; what else a number may be takes the slow way.
static inline int parse_number(const char *at, const char *end, double *number) {
    static const double scales[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};
    const char *start = at;
    int is_negative = at < end && *at == '-', decimals = -1;
    if (is_negative || (at < end && *at == '+')) at++;
    if (at == end) return 0;
    uint64_t digits = 0;
    for (; at < end; at++) {
        if (*at == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        unsigned digit = (unsigned)(*at - '0');
        if (digit > 9 || decimals == 9 || end - start > 15) {
            char copy[64], *stop;
            size_t bytes = (size_t)(end - start);
            if (bytes >= sizeof copy) return 0;
            memcpy(copy, start, bytes);
            copy[bytes] = 0;
            *number = strtod(copy, &stop);
            return stop == copy + bytes;
        }
        digits = digits * 10 + digit;
        if (decimals >= 0) decimals++;
    }
    *number = (double)digits / scales[decimals > 0 ? decimals : 0];
    if (is_negative) *number = -*number;
    return 1;
}

static inline int parse_type(const char *at, const char *end, char *type) {
    *type = *at;
    if (end - at == 1) return *at == 'c' || *at == 'g' || *at == 'h' || *at == 'd' || *at == 's';
    return end - at == 2 && at[0] == 'm' && at[1] == 's';
}

static inline int parse_field(const char *at, const char *end, struct line *line) {
    double number;
    if (at == end) return 1;
    switch (*at) {
    case '@': return parse_number(at + 1, end, &line->rate) && line->rate > 0;
    case '#':
        line->tags = at + 1;
        line->tags_bytes = (size_t)(end - at - 1);
        return 1;
    case 'T':
        if (!parse_number(at + 1, end, &number) || number < 1) return 0;
        line->seconds = (uint64_t)number;
        return 1;
    default: return 1;
    }
}

static inline const char *find(const char *at, const char *end, char byte) {
    while (at < end && *at != byte) at++; // parts are short: a call would cost more
    return at;
}

static inline int parse_line(const char *at, const char *end, struct line *line) {
    line->name = at;
    line->tags = at;
    line->tags_bytes = 0;
    line->values = 0;
    line->rate = 1;
    line->seconds = 0;
    const char *colon = find(at, end, ':');
    line->name_bytes = (size_t)(colon - at);
    if (colon == at || colon == end) return 0;
    const char *bar = find(colon, end, '|');
    if (bar == end || bar + 1 == end) return 0;
    const char *type_end = find(bar + 1, end, '|');
    if (!parse_type(bar + 1, type_end, &line->type)) return 0;
    for (at = colon + 1; line->type != 's' && at < bar;) {
        const char *value_end = find(at, bar, ':');
        if (line->values == VALUES_MAX) return 0;
        if (value_end > at && !parse_number(at, value_end, &line->value[line->values++])) return 0;
        at = value_end + 1;
    }
    if (line->type == 's') line->value[line->values++] = 0; // a set's member counts
    for (at = type_end; at < end;) {
        const char *field_end = find(at + 1, end, '|');
        if (!parse_field(at + 1, field_end, line)) return 0;
        at = field_end;
    }
    return line->values > 0;
}

// ---- series in memory --------------------------------------------------------------------------

enum { SLOTS = 1 << 17 };

// What lines share that differ in their number alone. The grammar has judged the first of them.
struct series {
    char *key; // name, then everything from the type on
    uint32_t key_bytes;
    int is_bad;
    uint64_t hash;
    double weight; // 1 / sample rate
    double count, sum, min, max, last;
};

static struct series series_table[SLOTS];
static uint64_t metrics, malformed, series_count;

// Eight bytes at a time: byte by byte, hashing alone took half of the time.
static inline uint64_t hash_more(uint64_t hash, const char *bytes, size_t count) {
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

static inline void add_sample(struct series *series, double value) {
    if (series->count == 0 || value < series->min) series->min = value;
    if (series->count == 0 || value > series->max) series->max = value;
    series->count += series->weight;
    series->sum += value * series->weight;
    series->last = value;
    metrics++;
}

static void make_series(struct series *made, const char *at, const char *end, const char *rest,
                        size_t name_bytes, size_t rest_bytes) {
    struct line line;
    if (series_count++ == SLOTS / 2) abort();
    made->is_bad = !parse_line(at, end, &line);
    made->weight = made->is_bad || line.type == 'g' ? 1 : 1 / line.rate;
    made->key = malloc(name_bytes + rest_bytes);
    memcpy(made->key, at, name_bytes);
    memcpy(made->key + name_bytes, rest, rest_bytes);
    made->key_bytes = (uint32_t)(name_bytes + rest_bytes);
}

static inline void aggregate_line(const char *at, const char *end) {
    const char *colon = memchr(at, ':', (size_t)(end - at));
    const char *rest = colon ? memchr(colon, '|', (size_t)(end - colon)) : NULL;
    double value;
    if (!rest || !parse_number(colon + 1, rest, &value)) {
        malformed++; // packed values too: nobody sends them here
        return;
    }
    size_t name_bytes = (size_t)(colon - at), rest_bytes = (size_t)(end - rest);
    uint64_t hash = hash_more(hash_more(0xcbf29ce484222325, at, name_bytes), rest, rest_bytes);
    struct series *series = &series_table[hash % SLOTS];
    for (; series->key; series = series == series_table + SLOTS - 1 ? series_table : series + 1)
        if (series->hash == hash && series->key_bytes == name_bytes + rest_bytes &&
            !memcmp(series->key, at, name_bytes) &&
            !memcmp(series->key + name_bytes, rest, rest_bytes))
            break;
    if (!series->key) {
        series->hash = hash;
        make_series(series, at, end, rest, name_bytes, rest_bytes);
    }
    if (series->is_bad)
        malformed++;
    else
        add_sample(series, value);
}

static inline void aggregate_text(char *bytes, size_t count) {
    const char *at = bytes, *end = bytes + count;
    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (!line_end) line_end = end;
        if (line_end > at) aggregate_line(at, line_end);
        at = line_end + 1;
    }
}

#endif
