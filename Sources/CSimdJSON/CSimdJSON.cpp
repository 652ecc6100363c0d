#include "CSimdJSON.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <vector>

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <simdjson.h>

using namespace simdjson;

namespace {

// What simdjson holds per byte of capacity is about 14 bytes, so a parser that saw a long line is made anew.
constexpr size_t kept_capacity = size_t(1) << 20;
constexpr size_t first_capacity = size_t(1) << 14;

struct Mask {
    uint32_t start;
    std::string digits;
};

// The members of an object or the elements of an array, and simdjson's handles of their values.
struct List {
    std::vector<quipu_json_member> members;
    std::vector<dom::element> elements;

    void clear() {
        members.clear();
        elements.clear();
    }
};

bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

bool is_space(uint8_t byte) {
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

uint64_t fnv1a(const uint8_t *bytes, size_t count) {
    uint64_t hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < count; i++) hash = (hash ^ bytes[i]) * 0x100000001b3;
    return hash;
}

// The end of the JSON number that begins at `start`; `start` itself when there is none.
size_t number_end(const uint8_t *bytes, size_t start, size_t end) {
    size_t i = start;
    auto digits = [&] {
        size_t before = i;
        while (i < end && is_digit(bytes[i])) i++;
        return i > before;
    };
    if (i < end && bytes[i] == '-') i++;
    if (i < end && bytes[i] == '0') i++;
    else if (!digits()) return start;
    if (i < end && bytes[i] == '.') {
        i++;
        if (!digits()) return start;
    }
    if (i < end && (bytes[i] | 0x20) == 'e') {
        i++;
        if (i < end && (bytes[i] == '+' || bytes[i] == '-')) i++;
        if (!digits()) return start;
    }
    bool ends = i == end || is_space(bytes[i]) || bytes[i] == ',' || bytes[i] == ']' || bytes[i] == '}';
    return ends ? i : start;
}

// The four hexadecimal digits after `\u` at `at`, or -1.
int code_unit(const uint8_t *bytes, size_t at, size_t end) {
    if (at + 6 > end || bytes[at] != '\\' || bytes[at + 1] != 'u') return -1;
    int value = 0;
    auto [rest, error] = std::from_chars(
        reinterpret_cast<const char *>(bytes + at + 2),
        reinterpret_cast<const char *>(bytes + at + 6), value, 16);
    bool whole = rest == reinterpret_cast<const char *>(bytes + at + 6);
    return error == std::errc() && whole && value >= 0 ? value : -1;
}

// Replaces each surrogate without its other half by U+FFFD, which has as many bytes.
void repair_surrogates(uint8_t *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bytes[i] != '\\') continue;
        int unit = code_unit(bytes, i, count);
        if (unit < 0xd800 || unit > 0xdfff) {
            i++;
            continue;
        }
        int next = code_unit(bytes, i + 6, count);
        if (unit < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
            i += 11;
        } else {
            memcpy(bytes + i, "\\ufffd", 6);
            i += 5;
        }
    }
}

}  // namespace

struct quipu_json {
    explicit quipu_json(size_t nesting_max) : nesting_max(nesting_max) {}

    size_t nesting_max;
    dom::parser parser;
    const uint8_t *source = nullptr;
    size_t source_count = 0;
    std::vector<uint8_t> copy;
    std::vector<Mask> masks;
    // The root's members, then those of one of them, and so on.
    std::array<List, QUIPU_JSON_LEVELS_MAX> levels;

    quipu_json_status parse(const uint8_t *bytes, size_t count, size_t readable);
    bool list_children(size_t level, size_t index);
    void trim();

  private:
    error_code document(dom::element &root);
    bool reserve(size_t count);
    void use_copy(const uint8_t *bytes, size_t count);
    void mask_numbers();
    void unmask_numbers();
    bool list(dom::element container, size_t structural, List &into);
    size_t read_value(dom::element value, size_t structural, quipu_json_member &member) const;
    size_t structural_count() const { return parser.implementation->n_structural_indexes; }
    uint32_t offset(size_t structural) const {
        // simdjson keeps this list for its own second stage; it is the only place where byte offsets are.
        return structural < structural_count()
            ? parser.implementation->structural_indexes[structural] : uint32_t(source_count);
    }
    size_t after(size_t structural) const;
};

bool quipu_json::reserve(size_t count) {
    if (count <= kept_capacity && parser.capacity() > kept_capacity) trim();
    if (count <= parser.capacity() && parser.capacity() > 0) return true;
    size_t wanted = first_capacity;
    while (wanted < count) wanted *= 2;
    // simdjson counts the depth from 0 at the outermost value, and refuses when it is reached.
    return parser.allocate(wanted, nesting_max + 1) == SUCCESS;
}

void quipu_json::use_copy(const uint8_t *bytes, size_t count) {
    copy.resize(count + SIMDJSON_PADDING);
    memcpy(copy.data(), bytes, count);
    memset(copy.data() + count, ' ', SIMDJSON_PADDING);
    source = copy.data();
}

void quipu_json::trim() {
    constexpr size_t kept_members = 1024;
    if (parser.capacity() > kept_capacity) parser = dom::parser();
    if (copy.capacity() > kept_capacity) copy = {};
    for (List &list : levels) {
        if (list.members.capacity() > kept_members) list = {};
    }
}

error_code quipu_json::document(dom::element &root) {
    return parser.parse(source, source_count, false).get(root);
}

// Puts 0 in the place of every valid number that simdjson may find too large, and remembers the digits.
void quipu_json::mask_numbers() {
    for (size_t i = 0; i < structural_count(); i++) {
        size_t start = offset(i);
        if (source[start] != '-' && !is_digit(source[start])) continue;
        size_t end = number_end(source, start, source_count);
        bool has_exponent = false;
        for (size_t j = start; j < end; j++) has_exponent |= (source[j] | 0x20) == 'e';
        if (end == start || (end - start < 19 && !has_exponent)) continue;
        masks.push_back({uint32_t(start), std::string(source + start, source + end)});
        copy[start] = '0';
        memset(copy.data() + start + 1, ' ', end - start - 1);
    }
}

void quipu_json::unmask_numbers() {
    for (const Mask &mask : masks) {
        memcpy(copy.data() + mask.start, mask.digits.data(), mask.digits.size());
    }
}

quipu_json_status quipu_json::parse(const uint8_t *bytes, size_t count, size_t readable) {
    for (List &list : levels) list.clear();
    masks.clear();
    source = bytes;
    source_count = count;
    if (!reserve(count)) return QUIPU_JSON_TOO_LARGE;
    if (readable < SIMDJSON_PADDING) use_copy(bytes, count);

    dom::element root;
    error_code error = document(root);
    if (error == STRING_ERROR || error == NUMBER_ERROR) {
        if (source == bytes) use_copy(bytes, count);
        repair_surrogates(copy.data(), count);
        mask_numbers();
        error = document(root);
        unmask_numbers();
    }
    switch (error) {
    case SUCCESS: break;
    case DEPTH_ERROR: return QUIPU_JSON_TOO_DEEP;
    case CAPACITY: case MEMALLOC: return QUIPU_JSON_TOO_LARGE;
    default:
        return quipu_valid_utf8(bytes, count) ? QUIPU_JSON_INVALID : QUIPU_JSON_INVALID_UTF8;
    }
    if (!root.is_object()) return QUIPU_JSON_NOT_AN_OBJECT;
    return list(root, 0, levels[0]) ? QUIPU_JSON_OK : QUIPU_JSON_TOO_LARGE;
}

// The structural after the value that begins at `structural`.
size_t quipu_json::after(size_t structural) const {
    uint8_t first = source[offset(structural)];
    if (first != '{' && first != '[') return structural + 1;
    size_t depth = 0;
    for (size_t i = structural; i < structural_count(); i++) {
        switch (source[offset(i)]) {
        case '{': case '[': depth++; break;
        case '}': case ']':
            if (--depth == 0) return i + 1;
            break;
        default: break;
        }
    }
    return structural_count();
}

// Fills in the value at `structural` and returns the structural after it.
size_t quipu_json::read_value(
    dom::element value, size_t structural, quipu_json_member &member) const {
    size_t next = after(structural);
    uint32_t end = offset(next);
    member.structural = uint32_t(structural);
    member.value_start = offset(structural);
    while (end > member.value_start && is_space(source[end - 1])) end--;
    member.value_end = end;
    switch (value.type()) {
    case dom::element_type::NULL_VALUE: member.kind = QUIPU_JSON_NULL; break;
    case dom::element_type::BOOL:
        member.kind = bool(value.get_bool().value_unsafe()) ? QUIPU_JSON_TRUE : QUIPU_JSON_FALSE;
        break;
    case dom::element_type::STRING: {
        std::string_view text = value.get_string().value_unsafe();
        member.kind = QUIPU_JSON_STRING;
        member.text = reinterpret_cast<const uint8_t *>(text.data());
        member.text_count = uint32_t(text.size());
        break;
    }
    case dom::element_type::ARRAY: member.kind = QUIPU_JSON_ARRAY; break;
    case dom::element_type::OBJECT: member.kind = QUIPU_JSON_OBJECT; break;
    default:
        member.kind = QUIPU_JSON_NUMBER;
        member.number = masks.empty()
            ? value.get_double().value_unsafe()
            : quipu_parse_double(source + member.value_start, end - member.value_start);
    }
    return next;
}

bool quipu_json::list(dom::element container, size_t structural, List &into) {
    size_t at = structural + 1;
    auto add = [&](dom::element value, quipu_json_member &member) {
        if (into.members.size() == QUIPU_JSON_MEMBERS_MAX) return false;
        // After a value comes its comma, or the end of the container.
        at = read_value(value, at, member) + 1;
        into.members.push_back(member);
        into.elements.push_back(value);
        return true;
    };
    dom::object object;
    dom::array array;
    if (container.get(object) == SUCCESS) {
        for (dom::key_value_pair field : object) {
            quipu_json_member member = {};
            member.name = reinterpret_cast<const uint8_t *>(field.key.data());
            member.name_count = uint32_t(field.key.size());
            member.name_hash = fnv1a(member.name, member.name_count);
            member.name_start = offset(at);
            member.name_end = offset(at + 1);  // the colon
            while (is_space(source[member.name_end - 1])) member.name_end--;
            at += 2;
            if (!add(field.value, member)) return false;
        }
    } else if (container.get(array) == SUCCESS) {
        for (dom::element value : array) {
            quipu_json_member member = {};
            if (!add(value, member)) return false;
        }
    } else {
        return false;
    }
    return true;
}

bool quipu_json::list_children(size_t level, size_t index) {
    if (level + 1 >= levels.size()) return false;
    for (size_t deeper = level + 1; deeper < levels.size(); deeper++) levels[deeper].clear();
    const List &parent = levels[level];
    if (index >= parent.members.size()) return false;
    return list(parent.elements[index], parent.members[index].structural, levels[level + 1]);
}

quipu_json *quipu_json_make(size_t nesting_max) {
    return new (std::nothrow) quipu_json(nesting_max);
}

void quipu_json_free(quipu_json *json) { delete json; }

quipu_json_status quipu_json_parse(
    quipu_json *json, const uint8_t *bytes, size_t count, size_t readable,
    quipu_json_members *members) {
    *members = {nullptr, 0};
    if (json == nullptr) return QUIPU_JSON_TOO_LARGE;
    try {
        quipu_json_status status = json->parse(bytes, count, readable);
        if (status == QUIPU_JSON_OK) {
            *members = {json->levels[0].members.data(), json->levels[0].members.size()};
        }
        return status;
    } catch (...) {
        return QUIPU_JSON_TOO_LARGE;
    }
}

const uint8_t *quipu_json_source(const quipu_json *json) { return json->source; }

bool quipu_json_children(
    quipu_json *json, size_t level, size_t index, quipu_json_members *children) {
    *children = {nullptr, 0};
    try {
        if (!json->list_children(level, index)) return false;
        const List &list = json->levels[level + 1];
        *children = {list.members.data(), list.members.size()};
        return true;
    } catch (...) {
        return false;
    }
}

void quipu_json_trim(quipu_json *json) {
    if (json != nullptr) json->trim();
}

bool quipu_valid_utf8(const uint8_t *bytes, size_t count) {
    return validate_utf8(reinterpret_cast<const char *>(bytes), count);
}

// Whether what stands around a marked byte could be a secret's: most are told from text by one neighbour.
static bool may_mark(const uint8_t *bytes, size_t at, size_t count) {
    const uint8_t before = at > 0 ? bytes[at - 1] : 0, after = at + 1 < count ? bytes[at + 1] : 0;
    const uint8_t second = at > 1 ? bytes[at - 2] : 0;
    switch (bytes[at]) {
    case ':': // a name's quote, white space after one, or scheme://
        return before == '"' || before == '\'' || before <= ' ' || after == '/' || after == '\\';
    case '-': // sk-, xoxb-, -----BEGIN
        return before == 'k' || second == 'x' || (after == '-' && at + 5 < count && bytes[at + 5] == 'B');
    case '_': // ghp_, github_pat_
        return second == 'h' || (second == 'a' && before == 't');
    case 'K': return before == 'A';
    case 'z': return before == 'I';
    case 'J': return before == 'y';
    default: // bearer
        return (after | 0x20) == 'e' && at + 2 < count && (bytes[at + 2] | 0x20) == 'a';
    }
}

static constexpr uint8_t marks[] = {':', '-', '_', 'B', 'b', 'K', 'z', 'J'};

size_t quipu_find_marked(const uint8_t *bytes, size_t start, size_t count) {
#ifdef __SSE2__
    for (; start + 16 <= count; start += 16) {
        const __m128i text = _mm_loadu_si128(reinterpret_cast<const __m128i *>(bytes + start));
        __m128i found = _mm_setzero_si128();
        for (uint8_t mark : marks)
            found = _mm_or_si128(found, _mm_cmpeq_epi8(text, _mm_set1_epi8(static_cast<char>(mark))));
        for (int bits = _mm_movemask_epi8(found); bits != 0; bits &= bits - 1) {
            const size_t at = start + static_cast<size_t>(__builtin_ctz(static_cast<unsigned>(bits)));
            if (may_mark(bytes, at, count)) return at;
        }
    }
#endif
    static constexpr auto marked = [] {
        std::array<bool, 256> table{};
        for (uint8_t mark : marks) table[mark] = true;
        return table;
    }();
    while (start < count && !(marked[bytes[start]] && may_mark(bytes, start, count))) start++;
    return start;
}

double quipu_parse_double(const uint8_t *bytes, size_t count) {
    const char *first = reinterpret_cast<const char *>(bytes);
    double value = 0;
    auto [rest, error] = std::from_chars(first, first + count, value);
    if (error != std::errc::result_out_of_range) return value;
    // Tells too large from too small, which from_chars does not.
    try {
        return std::strtod(std::string(first, count).c_str(), nullptr);
    } catch (...) {
        return std::numeric_limits<double>::infinity();
    }
}
