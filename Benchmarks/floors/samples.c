// samples FORMAT TYPE SERIES DAYS END [FROM_DAY TO_DAY]: the reference load, a sample each 10 s of each series
// over so many days that end at END, on standard output; or only some days of it.
//
// FORMAT is `quipu` (lines of JSON), `openmetrics` (with TYPE and EOF lines), `prometheus` (text, times in ms) or
// `csv` (time,id,value). TYPE is `gauge`, `timer` or `counter`. Gauges walk at random, one half of them in whole
// numbers, the others with one decimal; a timer takes some ms and now and then far longer; a counter's samples are
// what was counted in 10 s, for Quipu and as CSV as such, for the others as their running total.
#include "floor.h"

enum { STEP_SECONDS = 10, SERIES_MAX = 100000, NODES = 8 };

static uint64_t states[SERIES_MAX];
static double values[SERIES_MAX];

static uint64_t random_next(uint64_t *state) { // xorshift64, one for each series
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static double step(int series, char type) {
    uint64_t pick = random_next(&states[series]);
    if (type == 'c') return (double)(pick % 100);
    if (type == 't') {
        double took = 1 + (double)(pick % 2000) / 100;
        return pick >> 32 & 31 ? took : took * 50;
    }
    // In tenths, so that no error adds up.
    double by = series % 2 ? (double)(pick % 21) - 10 : 10 * ((double)(pick % 7) - 3);
    double moved = values[series] + by;
    return moved < 0 ? -moved : moved;
}

int main(int argc, char **argv) {
    if (argc != 6 && argc != 8)
        return fprintf(stderr, "samples FORMAT TYPE SERIES DAYS END [FROM_DAY TO_DAY]\n"), 64;
    char format = argv[1][0];
    const char *type = argv[2];
    int series = atoi(argv[3]), is_total = *type == 'c' && strchr("op", format);
    long days = atol(argv[4]), end = atol(argv[5]) / STEP_SECONDS * STEP_SECONDS;
    long start = end - days * 86400, from = start, to = end;
    if (argc == 8) from = start + atol(argv[6]) * 86400, to = start + atol(argv[7]) * 86400;
    if (series < 1 || series > SERIES_MAX) return fprintf(stderr, "samples: too many series\n"), 64;
    for (int i = 0; i < series; i++) {
        states[i] = 0x9e3779b97f4a7c15ull * (uint64_t)(i + 1);
        values[i] = *type == 'g' ? 500 : 0;
    }
    static char buffer[1 << 20];
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    // OpenMetrics wants this ending of a counter; Quipu's series has the same name everywhere.
    const char *name = *type == 'c' ? "ref_counter_total" : *type == 'g' ? "ref_gauge" : "ref_timer";
    if (format == 'o')
        printf("# TYPE %.*s %s\n", *type == 'c' ? 11 : 9, name, *type == 'c' ? "counter" : "gauge");
    for (long at = start; at < to; at += STEP_SECONDS)
        for (int i = 0; i < series; i++) {
            double value = step(i, *type);
            values[i] = is_total ? values[i] + value : value;
            if (at < from) continue;
            double shown = *type == 'g' ? values[i] / 10 : values[i];
            if (format == 'c')
                printf("%ld,%d,%.10g\n", at, i, shown);
            else if (format == 'q')
                printf("{\"metric\":\"%s\",\"type\":\"%s\",\"value\":%.10g,\"time\":%ld,\"tags\":"
                       "{\"node\":\"n%d\",\"id\":\"%d\"}}\n", name, type, shown, at, i % NODES, i);
            else
                printf("%s{node=\"n%d\",id=\"%d\"} %.10g %ld%s\n", name, i % NODES, i, shown, at,
                       format == 'p' ? "000" : "");
        }
    if (format == 'o') puts("# EOF");
    return 0;
}
