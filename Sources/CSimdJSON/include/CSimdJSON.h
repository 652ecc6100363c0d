// simdjson behind a C header: one JSON object in, the list of its members out.
//
// No exception crosses this border, and no memory is handed over: everything that a parser gives out
// lives until its next call.

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct quipu_json quipu_json;

typedef enum quipu_json_status {
    QUIPU_JSON_OK = 0,
    QUIPU_JSON_INVALID = 1,
    QUIPU_JSON_INVALID_UTF8 = 2,
    QUIPU_JSON_TOO_DEEP = 3,
    // Valid, but a scalar or an array.
    QUIPU_JSON_NOT_AN_OBJECT = 4,
    // More members than QUIPU_JSON_MEMBERS_MAX, more bytes than simdjson takes, or no memory.
    QUIPU_JSON_TOO_LARGE = 5,
} quipu_json_status;

typedef enum quipu_json_kind {
    QUIPU_JSON_NULL = 0,
    QUIPU_JSON_FALSE = 1,
    QUIPU_JSON_TRUE = 2,
    QUIPU_JSON_NUMBER = 3,
    QUIPU_JSON_STRING = 4,
    QUIPU_JSON_ARRAY = 5,
    QUIPU_JSON_OBJECT = 6,
} quipu_json_kind;

enum { QUIPU_JSON_MEMBERS_MAX = 65536, QUIPU_JSON_LEVELS_MAX = 6 };

// One member of an object, or one element of an array (then without a name).
typedef struct quipu_json_member {
    // The name without its escapes; not terminated.
    const uint8_t *name;
    // A string's text without its escapes; not terminated.
    const uint8_t *text;
    // A number's value; infinite where it is beyond a double.
    double number;
    // FNV-1a of the name.
    uint64_t name_hash;
    uint32_t name_count;
    uint32_t text_count;
    // Where the name, with its quotes, and the value stand in the source text.
    uint32_t name_start;
    uint32_t name_end;
    uint32_t value_start;
    uint32_t value_end;
    // Position among simdjson's structural characters; for quipu_json_children.
    uint32_t structural;
    uint8_t kind;
} quipu_json_member;

typedef struct quipu_json_members {
    const quipu_json_member *first;
    size_t count;
} quipu_json_members;

// Null when there is no memory; quipu_json_parse then finds every line too large. `nesting_max` counts the
// outermost object as 1.
quipu_json *quipu_json_make(size_t nesting_max);
void quipu_json_free(quipu_json *json);

// Parses and validates `count` bytes, after which `readable` more may be read (not used).
//
// Two things that RFC 8259 allows and simdjson refuses are accepted: numbers beyond 64 bits or a double,
// and surrogates without their other half, which become U+FFFD.
quipu_json_status quipu_json_parse(
    quipu_json *json, const uint8_t *bytes, size_t count, size_t readable,
    quipu_json_members *members);

// The text that the offsets of the last parse refer to: the caller's own, or a repaired copy.
const uint8_t *quipu_json_source(const quipu_json *json);

// The members or elements of member `index` of the list at `level`: level 0 is what the last parse gave,
// the lists made here stand one level deeper than what they were asked of. A level's list lives until
// one is made at its level or above. False when the member is no container, has more than
// QUIPU_JSON_MEMBERS_MAX, or is too deep.
bool quipu_json_children(
    quipu_json *json, size_t level, size_t index, quipu_json_members *children);

// Gives back the memory of a long text. Everything that the last parse handed out ends here.
void quipu_json_trim(quipu_json *json);

bool quipu_valid_utf8(const uint8_t *bytes, size_t count);

// Where, from `start` on, the first byte is that a secret cannot do without; `count` when nowhere. See
// SecretScan.
size_t quipu_find_marked(const uint8_t *bytes, size_t start, size_t count);

// The double nearest to a decimal number, which must be one ([-]digits[.digits][e[±]digits]).
// Infinite beyond the range.
double quipu_parse_double(const uint8_t *bytes, size_t count);

// Where `byte` first is; `count` when nowhere.
static inline size_t quipu_find(const uint8_t *bytes, size_t count, uint8_t byte) {
    const uint8_t *found = count == 0 ? NULL : (const uint8_t *)memchr(bytes, byte, count);
    return found == NULL ? count : (size_t)(found - bytes);
}

// Where a line of StatsD has what divides it, among 64 bytes: a bit for each, the first byte's the lowest.
typedef struct quipu_marks {
    uint64_t newlines, colons, bars;
} quipu_marks;

enum { QUIPU_MARKS_BYTES = 64 };

// All 64 bytes from `bytes` on are read.
static inline quipu_marks quipu_find_marks(const uint8_t *bytes) {
    quipu_marks marks = {0, 0, 0};
#ifdef __SSE2__
    const __m128i newline = _mm_set1_epi8('\n'), colon = _mm_set1_epi8(':'), bar = _mm_set1_epi8('|');
    for (int part = 0; part < QUIPU_MARKS_BYTES; part += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(bytes + part));
        marks.newlines |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, newline)) << part;
        marks.colons |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, colon)) << part;
        marks.bars |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(block, bar)) << part;
    }
#else
    for (int at = 0; at < QUIPU_MARKS_BYTES; at++) {
        marks.newlines |= (uint64_t)(bytes[at] == '\n') << at;
        marks.colons |= (uint64_t)(bytes[at] == ':') << at;
        marks.bars |= (uint64_t)(bytes[at] == '|') << at;
    }
#endif
    return marks;
}

static inline bool quipu_equal(const void *left, const void *right, size_t count) {
    return count == 0 || memcmp(left, right, count) == 0;
}

#ifdef __cplusplus
}
#endif
