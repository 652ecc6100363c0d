// hooklines COUNT LINE_BYTES SPAN_SECONDS: hook lines on standard output, each one finished tool call, with
// times spread evenly over the span that ends now.
#include "floor.h"

enum { SESSIONS = 200 };

static uint64_t random_state = 88172645463325252ull;

static uint64_t random_next(void) { // xorshift64: the same lines in every run, but for the times
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    return random_state ^= random_state << 17;
}

// Text that compresses about as well as programs and their output do.
static size_t fill(char *into, size_t bytes) {
    static const char *words[] = {"return ", "let ", "value", "(index)", " = ", "error", ".count",
                                  "public ", "func ", "struct ", " -> ", "\\n    ", "guard ",
                                  "else ", "throw", "Result", "buffer", "[0]", "0x", "line "};
    size_t used = 0;
    while (used + 16 < bytes) {
        uint64_t pick = random_next();
        if (pick % 5 == 0)
            used += (size_t)sprintf(into + used, "%lx", pick >> 40);
        else
            used += (size_t)sprintf(into + used, "%s", words[pick % (sizeof words / sizeof *words)]);
    }
    return used;
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "hooklines COUNT LINE_BYTES SPAN_SECONDS\n"), 64;
    uint64_t count = strtoull(argv[1], NULL, 10);
    size_t line_bytes = strtoull(argv[2], NULL, 10);
    double span = atof(argv[3]), now = (double)time(NULL);
    static const char *tools[] = {"Bash", "Read", "Edit", "Write", "Grep",
                                  "Glob", "Task", "WebFetch", "TodoWrite", "mcp__github__search"};
    char *text = malloc(line_bytes + 64);
    static char buffer[1 << 20];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    for (uint64_t i = 0; i < count; i++) {
        double at = now - span + span * (double)i / (double)count;
        time_t second = (time_t)at;
        struct tm parts;
        gmtime_r(&second, &parts);
        char stamp[32];
        strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &parts);
        uint64_t pick = random_next();
        int is_error = pick % 20 == 0;
        int used = printf(
            "{\"timestamp\":\"%s.%03dZ\",\"session_id\":\"session-%03lu\",\"cwd\":\"/home/ana/shop\","
            "\"hook_event_name\":\"PostToolUse%s\",\"tool_name\":\"%s\","
            "\"tool_use_id\":\"toolu_%016lx\",\"duration_ms\":%lu,%s\"tool_input\":{\"file_path\":"
            "\"/home/ana/shop/src/file_%lu.ts\"},\"tool_response\":{\"stdout\":\"",
            stamp, (int)((at - (double)second) * 1000), (pick >> 8) % SESSIONS,
            is_error ? "Failure" : "", tools[(pick >> 16) % 10], random_next(),
            (pick >> 24) % 5000, is_error ? "\"error\":\"Exit code 1\"," : "", (pick >> 40) % 500);
        static const char end[] = "\",\"interrupted\":false}}\n";
        size_t room = line_bytes > (size_t)used + sizeof end ? line_bytes - (size_t)used - sizeof end : 0;
        fwrite(text, 1, fill(text, room), stdout);
        fputs(end, stdout);
    }
    return 0;
}
