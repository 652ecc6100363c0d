// parser_floor FILE parse|aggregate PASSES: reads the lines of a file again and again from memory.
// `parse` takes each line apart and no more; `aggregate` also finds lines, and adds up by series.
#include "floor.h"
#include "statsd.h"

static char *text;
static size_t text_bytes;

static void read_text(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END) != 0) fail(path);
    text_bytes = (size_t)ftell(file);
    rewind(file);
    text = malloc(text_bytes + 1);
    if (fread(text, 1, text_bytes, file) != text_bytes) fail(path);
    fclose(file);
}

static uint64_t parse_all(const char **starts, uint64_t lines, int passes) {
    uint64_t good = 0;
    struct line line;
    for (int pass = 0; pass < passes; pass++)
        for (uint64_t i = 0; i < lines; i++) {
            good += (uint64_t)parse_line(starts[i], starts[i + 1] - 1, &line);
            __asm__ volatile("" : : "r"(&line) : "memory"); // as if somebody used it
        }
    return good;
}

int main(int argc, char **argv) {
    int is_parse = argc > 2 && !strcmp(argv[2], "parse");
    if (argc != 4 || (!is_parse && strcmp(argv[2], "aggregate")))
        return fprintf(stderr, "parser_floor FILE parse|aggregate PASSES\n"), 64;
    int passes = atoi(argv[3]);
    read_text(argv[1]);
    uint64_t lines = 0;
    for (size_t i = 0; i < text_bytes; i++) lines += text[i] == '\n';
    const char **starts = malloc((lines + 1) * sizeof *starts);
    starts[0] = text;
    uint64_t line = 0;
    for (size_t i = 0; i < text_bytes; i++)
        if (text[i] == '\n') starts[++line] = text + i + 1;

    double began = seconds_now();
    uint64_t good;
    if (is_parse) {
        good = parse_all(starts, lines, passes);
    } else {
        for (int pass = 0; pass < passes; pass++) aggregate_text(text, text_bytes);
        good = metrics;
    }
    printf("{\"lines\":%lu,\"good\":%lu,\"seconds\":%.6f}\n", lines * (uint64_t)passes, good,
           seconds_now() - began);
    return 0;
}
