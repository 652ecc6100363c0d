// transcripts FOLDER FILES BYTES all|plain: transcripts of coding sessions, a file each, BYTES in all. Rows are
// about as long and as frequent as in real ones; `plain` leaves out the rows of models, users and the system.
#include <stdarg.h>
#include <stdbool.h>

#include "floor.h"

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_next(void) { // xorshift64: the same rows in every run, but for the times
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

static char row[1 << 20];
static size_t used;

__attribute__((format(printf, 1, 2))) static void add(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    used += (size_t)vsnprintf(row + used, sizeof row - used, format, arguments);
    va_end(arguments);
}

// Text that compresses about as well as programs and their output do.
static void add_text(size_t bytes) {
    static const char *words[] = {"return ", "let ", "value", "(index)", " = ", "error", ".count",
                                  "public ", "func ", "struct ", " -> ", "\\n    ", "guard ",
                                  "else ", "throw", "Result", "buffer", "[0]", "0x", "\\\"line\\\" "};
    for (size_t end = used + bytes; used < end;) {
        uint64_t pick = random_next();
        if (pick % 5 == 0)
            add("%lx", pick >> 40);
        else
            add("%s", words[pick % (sizeof words / sizeof *words)]);
    }
}

static uint64_t session, call, now_ms;

static void add_id(void) {
    uint64_t a = random_next(), b = random_next();
    add("%08lx-%04lx-%04lx-%04lx-%012lx", a >> 32, a >> 16 & 0xffff, a & 0xffff, b >> 48,
        b & 0xffffffffffff);
}

// What the rows of a conversation have in common.
static void add_frame(const char *type) {
    time_t second = (time_t)(now_ms / 1000);
    struct tm parts;
    gmtime_r(&second, &parts);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
    add("{\"parentUuid\":\"");
    add_id();
    add("\",\"isSidechain\":false,\"userType\":\"external\",\"cwd\":\"/home/ana/shop\",\"sessionId\":"
        "\"session-%06lu\",\"version\":\"2.1.100\",\"gitBranch\":\"main\",\"type\":\"%s\",\"uuid\":\"",
        session, type);
    add_id();
    add("\",\"timestamp\":\"%s.%03luZ\",", stamp, now_ms % 1000);
    now_ms += random_next() % 4000;
}

static void add_assistant(void) {
    static const char *tools[] = {"Bash", "Read", "Edit", "Write", "Grep", "Glob"};
    add_frame("assistant");
    add("\"requestId\":\"req_%016lx\",\"message\":{\"model\":\"claude-sonnet-4-5-20250929\",\"id\":"
        "\"msg_%016lx\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[",
        call / 2, call / 2); // two rows a call
    if (call % 2)
        add("{\"type\":\"tool_use\",\"id\":\"toolu_%016lx\",\"name\":\"%s\",\"input\":{\"command\":\"",
            call, tools[random_next() % 6]);
    else
        add("{\"type\":\"text\",\"text\":\"");
    add_text(200 + random_next() % 1500);
    add(call % 2 ? "\"}}" : "\"}");
    add("],\"stop_reason\":%s,\"stop_sequence\":null,\"usage\":{\"input_tokens\":%lu,"
        "\"cache_creation_input_tokens\":%lu,\"cache_read_input_tokens\":%lu,\"cache_creation\":"
        "{\"ephemeral_5m_input_tokens\":%lu,\"ephemeral_1h_input_tokens\":0},\"output_tokens\":%lu,"
        "\"service_tier\":\"standard\"}}}\n",
        call % 2 ? "\"tool_use\"" : "null", random_next() % 10, call % 997, 20000 + call % 99991,
        call % 997, random_next() % 2000);
    call++;
}

static void add_user(void) {
    add_frame("user");
    add("\"message\":{\"role\":\"user\",\"content\":[{\"tool_use_id\":\"toolu_%016lx\",\"type\":"
        "\"tool_result\",\"content\":\"", (call - 1) | 1);
    size_t bytes = random_next() % 10 == 0 ? 25000 + random_next() % 40000 : 300 + random_next() % 4000;
    add_text(bytes / 2);
    add("\"}]},\"toolUseResult\":{\"stdout\":\"");
    add_text(bytes / 2);
    add("\",\"stderr\":\"\",\"interrupted\":false}}\n");
}

static void add_progress(void) {
    add_frame("progress");
    add("\"data\":{\"type\":\"bash_progress\",\"output\":\"");
    add_text(500 + random_next() % 3000);
    add("\",\"elapsedTimeSeconds\":3,\"totalLines\":40},\"toolUseID\":\"bash-progress-1\"}\n");
}

static void add_attachment(void) {
    add_frame("attachment");
    add("\"attachment\":{\"type\":\"task_reminder\",\"content\":\"");
    add_text(500 + random_next() % 3000);
    add("\"}}\n");
}

static void add_snapshot(void) {
    add("{\"type\":\"file-history-snapshot\",\"messageId\":\"");
    add_id();
    add("\",\"snapshot\":{\"trackedFileBackups\":{");
    for (uint64_t files = 5 + random_next() % 30, file = 0; file < files; file++)
        add("%s\"src/file_%lu.ts\":{\"backupFileName\":\"%016lx@v1\",\"version\":1}", file ? "," : "",
            file, random_next());
    add("}},\"isSnapshotUpdate\":false}\n");
}

static void add_short(void) {
    static const char *types[] = {"last-prompt", "permission-mode", "queue-operation", "mode"};
    add("{\"type\":\"%s\",\"sessionId\":\"session-%06lu\",\"value\":\"", types[random_next() % 4], session);
    add_text(20);
    add("\"}\n");
}

static void add_system(void) {
    add_frame("system");
    add("\"subtype\":\"turn_duration\",\"durationMs\":%lu}\n", random_next() % 100000);
}

// Out of 10,000 rows, as counted in real transcripts.
static void add_row(bool is_plain) {
    uint64_t pick = is_plain ? 6100 + random_next() % 3900 : random_next() % 10000;
    used = 0;
    if (pick < 3700) add_assistant();
    else if (pick < 5900) add_user();
    else if (pick < 6100) add_system();
    else if (pick < 7600) add_progress();
    else if (pick < 8200) add_attachment();
    else if (pick < 8550) add_snapshot();
    else add_short();
}

int main(int argc, char **argv) {
    if (argc != 5) return fprintf(stderr, "transcripts FOLDER FILES BYTES all|plain\n"), 64;
    uint64_t files = strtoull(argv[2], NULL, 10), bytes = strtoull(argv[3], NULL, 10), rows = 0, written = 0;
    now_ms = ((uint64_t)time(NULL) - 20 * 86400) * 1000;
    for (; session < files; session++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/session-%06lu.jsonl", argv[1], session);
        FILE *file = fopen(path, "w");
        if (!file) return perror(path), 1;
        for (uint64_t end = written + bytes / files; written < end; rows++) {
            add_row(strcmp(argv[4], "plain") == 0);
            fwrite(row, 1, used, file);
            written += used;
        }
        if (fclose(file)) return perror(path), 1;
    }
    printf("{\"rows\":%lu,\"bytes\":%lu,\"calls\":%lu}\n", rows, written, (call + 1) / 2);
    return 0;
}
